"""The decision of F079, over any fleet and any measurements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.delivery.cdn_selection import STALE_AFTER, order_cdns
from shared.delivery.models import CdnHealth
from shared.platform.settings import Cdn

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def cdn(name: str, usd_per_gb: float = 0.08) -> Cdn:
    return Cdn(
        name=name,
        provider="segue",
        base_url=f"https://{name}.test",
        key_name="k",
        usd_per_gb=usd_per_gb,
    )


def health(
    name: str,
    latency_ms: int = 50,
    availability: float = 1.0,
    *,
    is_healthy: bool = True,
    age: timedelta = timedelta(seconds=30),
) -> CdnHealth:
    return CdnHealth(name, is_healthy, latency_ms, availability, NOW - age)


names = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True)


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[Cdn], dict[str, CdnHealth]]:
    cdns = [cdn(name, draw(st.floats(0.001, 1))) for name in draw(names)]
    measured = {
        one.name: health(
            one.name,
            draw(st.integers(0, 5000)),
            draw(st.floats(0, 1)),
            is_healthy=draw(st.booleans()),
            age=timedelta(seconds=draw(st.integers(0, 1000))),
        )
        for one in cdns
        if draw(st.booleans())
    }
    return cdns, measured


@given(fleets())
def test_every_cdn_is_accounted_for_once_with_a_reason(
    fleet: tuple[list[Cdn], dict[str, CdnHealth]],
) -> None:
    cdns, measured = fleet
    decision = order_cdns(cdns, measured, NOW)
    seen = [*decision.candidates, *decision.skipped]
    assert sorted(one.cdn.name for one in seen) == sorted(one.name for one in cdns)
    assert decision.candidates
    assert decision.reason
    assert all(one.reason for one in seen)


@given(fleets())
def test_scores_are_the_weighted_terms_and_descend(
    fleet: tuple[list[Cdn], dict[str, CdnHealth]],
) -> None:
    decision = order_cdns(*fleet, NOW)
    for one in (*decision.candidates, *decision.skipped):
        terms = (one.terms.latency, one.terms.availability, one.terms.cost)
        assert all(0 <= term <= 1 for term in terms)
        assert one.score == pytest.approx(0.5 * terms[0] + 0.3 * terms[1] + 0.2 * terms[2])
    scores = [one.score for one in decision.candidates]
    assert scores == sorted(scores, reverse=True)


@given(fleets())
def test_an_unhealthy_cdn_serves_only_when_all_are(
    fleet: tuple[list[Cdn], dict[str, CdnHealth]],
) -> None:
    cdns, measured = fleet
    decision = order_cdns(cdns, measured, NOW)
    sick = {
        name
        for name, one in measured.items()
        if not one.is_healthy and NOW - one.checked_at <= STALE_AFTER
    }
    chosen = {one.cdn.name for one in decision.candidates}
    if len(sick) < len(cdns):
        assert not chosen & sick
        assert {one.cdn.name for one in decision.skipped} == sick
    else:
        assert chosen == sick
        assert not decision.skipped
        assert "none is healthy" in decision.reason


@given(fleets(), st.floats(0.001, 1), st.integers(0, 5000))
def test_one_more_cdn_never_reorders_the_others(
    fleet: tuple[list[Cdn], dict[str, CdnHealth]], usd_per_gb: float, latency_ms: int
) -> None:
    cdns, measured = fleet
    before = [one.cdn.name for one in order_cdns(cdns, measured, NOW).candidates]
    more = measured | {"zz": health("zz", latency_ms)}
    after = order_cdns([*cdns, cdn("zz", usd_per_gb)], more, NOW)
    if after.skipped and len(after.candidates) == 1:
        return  # the newcomer is the only healthy one
    assert [one.cdn.name for one in after.candidates if one.cdn.name != "zz"] == before


@given(fleets(), st.randoms())
def test_the_order_given_does_not_matter(fleet, random) -> None:  # type: ignore[no-untyped-def]
    cdns, measured = fleet
    shuffled = list(cdns)
    random.shuffle(shuffled)
    assert order_cdns(shuffled, measured, NOW) == order_cdns(cdns, measured, NOW)


@given(st.integers(0, 490), st.floats(0.9, 0.99), st.floats(0.001, 0.19))
def test_faster_steadier_and_cheaper_each_score_higher(
    latency_ms: int, availability: float, usd_per_gb: float
) -> None:
    def score(latency: int, available: float, cost: float) -> float:
        measured = {"a": health("a", latency, available)}
        return order_cdns([cdn("a", cost)], measured, NOW).candidates[0].score

    base = score(latency_ms, availability, usd_per_gb)
    assert score(latency_ms + 10, availability, usd_per_gb) < base
    assert score(latency_ms, availability + 0.005, usd_per_gb) > base
    assert score(latency_ms, availability, usd_per_gb + 0.005) < base


def test_reasons_say_what_was_seen() -> None:
    measured = {
        "fast": health("fast", 20),
        "sick": health("sick", 400, 0.5, is_healthy=False),
        "old": health("old", 1, age=timedelta(hours=1)),
    }
    decision = order_cdns([cdn(n) for n in ("new", "old", "sick", "fast")], measured, NOW)
    reasons = {one.cdn.name: one.reason for one in (*decision.candidates, *decision.skipped)}
    assert [one.cdn.name for one in decision.candidates] == ["fast", "new", "old"]
    assert reasons["fast"].startswith("measured: 20 ms, 100.00% available")
    assert reasons["sick"].startswith("unhealthy: 400 ms, 50.00% available")
    assert reasons["old"].startswith("assumed: measurement is stale")
    assert reasons["new"].startswith("assumed: never measured")


def test_without_a_cdn_there_is_no_decision() -> None:
    with pytest.raises(ValueError, match="no CDN"):
        order_cdns([], {}, NOW)
