"""What the service promises, and when its error budget burns so fast that somebody must know.

An objective is the share of good requests over thirty days; the rest is its error budget. An alert
fires where the budget burns at `factor` times the pace that would just use it up: over a long
window, so that it matters, and over a short one, so that it is still going on. Windows and factors
are those of the SRE workbook, https://sre.google/workbook/alerting-on-slos/ (table 5-8).

The alerts are PromQL rather than `select_slo_burn_rate`, which looks back a day at most
(https://cloud.google.com/stackdriver/docs/solutions/slo-monitoring/alerting-on-budget-burn-rate)
and would not hold the three days of the last one; and because one condition can then also ask for
`MIN_BAD`: where few people listen, one bad request is a large share. Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from infra import names
from infra.monitoring import log_metrics, metrics, promql
from infra.monitoring.promql import Series
from shared import topology

PERIOD_DAYS = 30
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
# Bad requests in the long window before any alert: fewer are a retry's business, not a person's.
MIN_BAD = 10


@dataclass(frozen=True, slots=True)
class BurnAlert:
    """Fires where the budget burns faster than `factor` over both windows. One that `pages` cannot
    wait; the other is a ticket for the day."""

    factor: float
    long_s: int
    short_s: int
    pages: bool

    @property
    def name(self) -> str:
        """By its long window: `1h`."""
        return promql.duration(self.long_s)

    @property
    def spent(self) -> float:
        """The share 0..1 of the whole budget that is gone when it fires."""
        return self.factor * self.long_s / (PERIOD_DAYS * DAY_S)


BURN_ALERTS = (
    BurnAlert(14.4, HOUR_S, 5 * MINUTE_S, pages=True),
    BurnAlert(6, 6 * HOUR_S, 30 * MINUTE_S, pages=True),
    BurnAlert(1, 3 * DAY_S, 6 * HOUR_S, pages=False),
)


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise: a share `goal` of what `total` counts is not in `bad`, over thirty days."""

    name: str
    title: str
    source: str  # the requirement
    goal: float  # at most 0.9999, the most that Monitoring takes
    bad: Series
    total: Series
    # Whether a page also takes back what is being rolled out (F307): not where players tell what
    # is bad, since their networks have a part in it, and may say anything.
    ours: bool = True
    function: str | None = None  # the one that it is about; None: all

    @property
    def budget(self) -> float:
        """The share 0..1 of requests that may be bad."""
        return 1 - self.goal

    def threshold(self, alert: BurnAlert) -> float:
        """The share of bad requests, 0..1, above which `alert` fires."""
        return alert.factor * self.budget

    def expression(self, alert: BurnAlert) -> str:
        """`alert` in PromQL; it has a value where it fires and none elsewhere."""
        limit = f"{self.threshold(alert):.6g}"
        long, short = promql.duration(alert.long_s), promql.duration(alert.short_s)
        burning = (
            f"({promql.count(self.bad, window)} / {promql.count(self.total, window)} > {limit})"
            for window in (long, short)
        )
        enough = f"({promql.count(self.bad, long)} >= {MIN_BAD})"
        return "\nand ".join((*burning, enough))


def time_to_fire_s(objective: Objective, alert: BurnAlert, bad_share: float) -> float:
    """Seconds from the beginning of an outage with a share `bad_share` (0..1) of bad requests, at
    steady traffic with none before, until `alert` fires; infinite where it never does."""
    limit = objective.threshold(alert)
    # Of both windows the long one fills last.
    return alert.long_s * limit / bad_share if bad_share > limit else math.inf


def time_to_reset_s(objective: Objective, alert: BurnAlert, bad_share: float) -> float:
    """Seconds from the end of an outage that filled the short window until `alert` is quiet."""
    return alert.short_s * (1 - objective.threshold(alert) / bad_share)


# The load balancer's backend services are called as the functions behind them.
_PLAYBACK = {"backend_target_name": names.service(topology.ENTRIES["playback"])}

OBJECTIVES = (
    Objective(
        name="availability",
        title="99.95 % of requests are answered without a server error",
        source="F066",
        goal=0.9995,
        bad=metrics.API_ERRORS,
        total=metrics.API_REQUESTS,
    ),
    Objective(
        name="playback-availability",
        title="99.99 % of manifests, licences and streams are answered without a server error",
        source="F065",
        goal=0.9999,
        bad=metrics.API_ERRORS.of(**_PLAYBACK),
        total=metrics.API_REQUESTS.of(**_PLAYBACK),
        function="playback",
    ),
    Objective(
        name="playback-start",
        title=f"99 % of plays sound within {log_metrics.START_LIMIT_MS} ms",
        source="F063",
        goal=0.99,
        bad=log_metrics.SLOW_STARTS.series,
        total=log_metrics.STARTS.series,
        ours=False,
    ),
)
