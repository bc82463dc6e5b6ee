"""Which CDN serves: 0.5 latency + 0.3 availability + 0.2 cost over the healthy ones (F079).

Each term is normalised to 0..1, higher is better, by fixed bounds and not by the other
candidates, so that a CDN's score says the same today and tomorrow and one more candidate never
reorders the rest:

- latency: 1 at 0 ms, falling linearly to 0 at `LATENCY_CEILING_MS`;
- availability: 0 at `HEALTHY_AVAILABILITY` (below it the CDN is unhealthy anyway), 1 at 100 %;
- cost: 1 at nothing, falling linearly to 0 at `COST_CEILING_USD_PER_GB`.

A CDN without a recent measurement counts as healthy, with `UNMEASURED` for what is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from shared.delivery.models import CdnCandidate, CdnDecision, CdnHealth, ScoreTerms
from shared.platform.settings import Cdn

LATENCY_WEIGHT = 0.5
AVAILABILITY_WEIGHT = 0.3
COST_WEIGHT = 0.2

LATENCY_CEILING_MS = 500  # the whole budget from tap to sound (F063)
HEALTHY_AVAILABILITY = 0.9
COST_CEILING_USD_PER_GB = 0.2
UNMEASURED = 0.5
STALE_AFTER = timedelta(minutes=5)  # five missed probes


def order_cdns(cdns: Sequence[Cdn], health: Mapping[str, CdnHealth], now: datetime) -> CdnDecision:
    """`cdns` (at least one) in the order to try them, by `health` (CDN name → measurement).

    Unhealthy ones are skipped; when all are, all are returned: an unhealthy CDN may still play,
    an empty list never does. Equal scores are ordered by name. Raises ValueError without CDNs.
    """
    if not cdns:
        raise ValueError("no CDN to choose from")
    healthy: list[CdnCandidate] = []
    skipped: list[CdnCandidate] = []
    for cdn in cdns:
        candidate, is_healthy = _judge(cdn, health.get(cdn.name), now)
        (healthy if is_healthy else skipped).append(candidate)
    if healthy:
        reason = f"{len(healthy)} of {len(cdns)} healthy, by score"
        return CdnDecision(_ranked(healthy), _ranked(skipped), reason)
    return CdnDecision(_ranked(skipped), (), "none is healthy: all by score, as play beats purity")


def _judge(cdn: Cdn, health: CdnHealth | None, now: datetime) -> tuple[CdnCandidate, bool]:
    cost = _clamp(1 - cdn.usd_per_gb / COST_CEILING_USD_PER_GB)
    if health is None or now - health.checked_at > STALE_AFTER:
        why = "never measured" if health is None else "measurement is stale"
        return _candidate(cdn, ScoreTerms(UNMEASURED, UNMEASURED, cost), f"assumed: {why}"), True
    terms = ScoreTerms(
        latency=_clamp(1 - health.latency_ms / LATENCY_CEILING_MS),
        availability=_clamp(
            (health.availability - HEALTHY_AVAILABILITY) / (1 - HEALTHY_AVAILABILITY)
        ),
        cost=cost,
    )
    seen = f"{health.latency_ms} ms, {health.availability:.2%} available"
    if not health.is_healthy:
        return _candidate(cdn, terms, f"unhealthy: {seen}"), False
    return _candidate(cdn, terms, f"measured: {seen}"), True


def _candidate(cdn: Cdn, terms: ScoreTerms, reason: str) -> CdnCandidate:
    score = (
        LATENCY_WEIGHT * terms.latency
        + AVAILABILITY_WEIGHT * terms.availability
        + COST_WEIGHT * terms.cost
    )
    return CdnCandidate(cdn, score, terms, f"{reason}; ${cdn.usd_per_gb:g}/GB")


def _ranked(candidates: list[CdnCandidate]) -> tuple[CdnCandidate, ...]:
    return tuple(sorted(candidates, key=lambda one: (-one.score, one.cdn.name)))


def _clamp(value: float) -> float:
    return min(1.0, max(0.0, value))
