"""When a CDN counts as down, and when as well again."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.delivery.health import (
    HISTORY_PROBES,
    PROBE_TIMEOUT_MS,
    PROBE_TRIES,
    RECOVERY_PROBES,
    after_probe,
)
from shared.delivery.models import CdnHealth, ProbeResult

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def after(*answered: int, before: CdnHealth | None = None) -> CdnHealth:
    """Health after probes with this many of five tries answered."""
    health = before
    for count in answered:
        health = after_probe(health, ProbeResult("a", PROBE_TRIES, (30,) * count), NOW)
    assert health is not None
    return health


def test_a_first_good_probe_makes_a_healthy_cdn() -> None:
    health = after_probe(None, ProbeResult("a", 5, (40, 10, 20, 90, 30)), NOW)
    assert health == CdnHealth("a", True, 30, 1.0, NOW, ((5, 5),))


def test_an_outage_counts_with_the_first_probe_that_sees_it() -> None:
    health = after(5, 5, 5, 5, 5, 5, 5, 5, 5, 0)
    assert not health.is_healthy
    assert health.latency_ms == PROBE_TIMEOUT_MS
    assert health.availability == 0.9


def test_a_cdn_is_well_again_after_spotless_probes_before_the_history_is() -> None:
    outage = after(5, 5, 0, 0, 0)
    assert not after(*[5] * (RECOVERY_PROBES - 1), before=outage).is_healthy
    recovered = after(*[5] * RECOVERY_PROBES, before=outage)
    assert recovered.is_healthy
    assert recovered.availability < 0.9


def test_one_lost_try_is_no_outage_and_steady_loss_is() -> None:
    assert after(5, 5, 5, 5, 4).is_healthy
    assert not after(4, 4, 4, 4, 4).is_healthy


@given(st.lists(st.integers(0, PROBE_TRIES), min_size=1, max_size=30))
def test_history_is_bounded_and_availability_is_its_share(answered: list[int]) -> None:
    health = after(*answered)
    kept = answered[-HISTORY_PROBES:]
    assert [good for good, _ in health.tries] == kept
    assert health.availability == sum(kept) / (PROBE_TRIES * len(kept))
    if answered[-1] < PROBE_TRIES / 2:
        assert not health.is_healthy
