"""Who gets what: evenly, independently, for good."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from shared.experiments.bucketing import assign, bucket
from shared.experiments.models import BUCKETS, CONTROL, Experiment
from tests.unit.experiments.conftest import experiment

PEOPLE = [f"user-{number}" for number in range(20_000)]
# Of a test that fails once in a thousand tables by chance alone; the people are fixed.
LEAST_P = 0.001


def variants(of: Experiment) -> list[str]:
    return [assign(of, user).variant for user in PEOPLE]


def test_buckets_do_not_change_from_one_release_to_the_next() -> None:
    assert [bucket("salt", user) for user in ("a", "b", "c")] == [9099, 7610, 7053]


def test_buckets_are_even() -> None:
    counts = np.bincount([bucket("any", user) // 100 for user in PEOPLE], minlength=100)
    assert chisquare(counts).pvalue > LEAST_P


@pytest.mark.parametrize("weights", [(5000, 5000), (9000, 1000), (3400, 3300, 3300)])
def test_people_come_in_the_proportions_of_the_weights(weights: tuple[int, ...]) -> None:
    names = [CONTROL, "b", "c"][: len(weights)]
    of = experiment(
        variants=[{"name": n, "weight": w} for n, w in zip(names, weights, strict=True)]
    )
    counts = Counter(variants(of))
    expected = [weight / BUCKETS * len(PEOPLE) for weight in weights]
    assert chisquare([counts[name] for name in names], expected).pvalue > LEAST_P


def test_experiments_are_independent_of_one_another_and_of_their_slots() -> None:
    given = [variants(experiment(name=f"e{number}")) for number in range(8)]
    tables = [
        [[first_second.count((a, b)) for b in (CONTROL, "warm")] for a in (CONTROL, "warm")]
        for first, second in pairwise(given)
        for first_second in [list(zip(first, second, strict=True))]
    ]
    assert min(chi2_contingency(table).pvalue for table in tables) > LEAST_P / len(tables)
    of = experiment(layer="home", slots=(0, 5000))
    inside = Counter(v for user in PEOPLE if (v := assign(of, user)).is_active)
    assert chisquare(list(inside.values())).pvalue > LEAST_P


def test_experiments_of_one_layer_share_nobody_and_cover_it() -> None:
    parts = [(0, 3000), (3000, 3100), (3100, BUCKETS)]
    each = [experiment(name=f"e{n}", layer="home", slots=part) for n, part in enumerate(parts)]
    for user in PEOPLE[:3000]:
        assert sum(assign(one, user).is_active for one in each) == 1


@given(
    st.text(min_size=1),
    st.integers(0, BUCKETS - 1),
    st.integers(1, BUCKETS),
    st.integers(0, BUCKETS),
)
def test_adding_people_keeps_everybody_in_their_variant(
    user: str, first: int, length: int, more: int
) -> None:
    end = min(first + length, BUCKETS)
    narrow = experiment(layer="home", slots=(first, end))
    wide = experiment(layer="home", slots=(max(first - more, 0), min(end + more, BUCKETS)))
    before, after = assign(narrow, user), assign(wide, user)
    if before.is_active:
        assert after == before
    assert assign(narrow, user) == before


def test_an_audience_is_by_country_and_tier() -> None:
    of = experiment(audience={"countries": ["DE"], "tiers": ["premium"]})
    assert assign(of, "u", "DE", "premium").is_active
    for country, tier in (("FR", "premium"), ("DE", "free"), (None, None)):
        given = assign(of, "u", country, tier)
        assert (given.variant, given.reason) == (CONTROL, "not in the audience")


def test_a_tester_gets_what_they_asked_for_and_is_not_counted() -> None:
    for status in ("draft", "running", "stopped"):
        of = experiment(status=status, overrides={"tester": "warm"}, slots=(0, 1))
        given = assign(of, "tester")
        assert (given.variant, given.is_active) == ("warm", False)


@pytest.mark.parametrize(
    ("changes", "variant", "reason"),
    [
        ({"status": "draft"}, CONTROL, "not running"),
        ({"status": "stopped"}, CONTROL, "not running"),
        ({"status": "concluded", "winner": "warm"}, "warm", "winner"),
        ({"status": "concluded", "winner": "warm", "slots": (0, 1)}, "warm", "winner"),
    ],
)
def test_what_is_over_has_one_variant_for_all(
    changes: dict[str, object], variant: str, reason: str
) -> None:
    of = experiment(**changes)
    assert {(g.variant, g.reason) for u in PEOPLE[:50] for g in [assign(of, u)]} == {
        (variant, reason)
    }
