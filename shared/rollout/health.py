"""Whether a candidate does as well as the stable revision beside it.

Both are measured over the same time, since only that takes out what has nothing to do with the
release: the hour, a dependency that is slow for everybody (sre.google/workbook/canarying-releases,
"Before/after evaluation is risky").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from shared.rollout.models import Sample

MIN_REQUESTS = 100  # to say that something is well; Cloud Run Release Manager's default
# To say that it is not: fewer are a retry's business.
MIN_ERRORS = 3
# What a candidate may be worse by: the error budget of a service with 99.95 %.
ERROR_MARGIN = 0.0005
# Standard deviations around a ratio. A rollout is judged at a dozen runs, so that the usual two
# (2 % by chance on this side) would refuse one good release in five.
DEVIATIONS = 3.0
# Ours: half as long again is noticed, and below a tenth of a second nobody notices.
LATENCY_FACTOR = 1.5
LATENCY_MARGIN_MS = 100.0


class Verdict(StrEnum):
    """What the numbers say."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNPROVEN = "unproven"  # too few of them


@dataclass(frozen=True, slots=True)
class Health:
    """A verdict and the numbers that it stands on."""

    verdict: Verdict
    reason: str


def judge(candidate: Sample, stable: Sample) -> Health:
    """The candidate's health. Bad news needs no minimum of requests, only to be beyond chance."""
    counted = f"{candidate.errors} of {candidate.requests} requests failed"
    beside = f"{stable.errors} of {stable.requests} of the stable revision"
    low, _ = _interval(candidate)
    _, high = _interval(stable) if stable.requests else (0.0, 0.0)
    if candidate.errors >= MIN_ERRORS and low > high + ERROR_MARGIN:
        return Health(Verdict.UNHEALTHY, f"{counted}, against {beside}")
    if candidate.requests < MIN_REQUESTS:
        return Health(Verdict.UNPROVEN, f"{candidate.requests} of {MIN_REQUESTS} requests so far")
    if stable.requests >= MIN_REQUESTS and _is_slower(candidate.p95_ms, stable.p95_ms):
        slow = f"p95 is {candidate.p95_ms:.0f} ms, against {stable.p95_ms:.0f} ms of the stable one"
        return Health(Verdict.UNHEALTHY, slow)
    return Health(Verdict.HEALTHY, f"{counted}, against {beside}")


def _is_slower(candidate_ms: float | None, stable_ms: float | None) -> bool:
    if candidate_ms is None or stable_ms is None:
        return False
    return candidate_ms > max(stable_ms * LATENCY_FACTOR, stable_ms + LATENCY_MARGIN_MS)


def _interval(sample: Sample) -> tuple[float, float]:
    """Where the true ratio of errors lies, 0..1: Wilson's score interval, which holds for few
    requests and for ratios near 0 (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    if not sample.requests:
        return 0.0, 1.0
    n, ratio, z2 = sample.requests, sample.errors / sample.requests, DEVIATIONS**2
    centre = ratio + z2 / (2 * n)
    spread = DEVIATIONS * math.sqrt(ratio * (1 - ratio) / n + z2 / (4 * n * n))
    return max(0.0, (centre - spread) / (1 + z2 / n)), min(1.0, (centre + spread) / (1 + z2 / n))
