"""From probes to a CDN's health (F080): when it counts as down, and when as well again."""

from __future__ import annotations

from datetime import datetime
from statistics import median

from shared.delivery.cdn_selection import HEALTHY_AVAILABILITY
from shared.delivery.models import CdnHealth, ProbeResult

HISTORY_PROBES = 10  # availability is over these; one a minute
RECOVERY_PROBES = 3  # spotless ones that end an outage before it leaves the history
DOWN_SHARE = 0.5  # a probe with fewer answers than this is an outage at once
PROBE_TRIES = 5
PROBE_TIMEOUT_MS = 2000


def after_probe(previous: CdnHealth | None, probe: ProbeResult, now: datetime) -> CdnHealth:
    """Health after one more `probe`.

    Down when fewer than half of its tries were answered, or when the history's availability is
    below `HEALTHY_AVAILABILITY` and the last `RECOVERY_PROBES` were not all spotless.
    """
    answered = len(probe.latencies_ms)
    history = (*(previous.tries if previous else ()), (answered, probe.tried))[-HISTORY_PROBES:]
    availability = sum(good for good, _ in history) / sum(tried for _, tried in history)
    recent = history[-RECOVERY_PROBES:]
    recovered = len(recent) == RECOVERY_PROBES and all(good == tried for good, tried in recent)
    down = answered < DOWN_SHARE * probe.tried
    return CdnHealth(
        cdn=probe.cdn,
        is_healthy=not down and (availability >= HEALTHY_AVAILABILITY or recovered),
        latency_ms=round(median(probe.latencies_ms)) if answered else PROBE_TIMEOUT_MS,
        availability=availability,
        checked_at=now,
        tries=history,
    )
