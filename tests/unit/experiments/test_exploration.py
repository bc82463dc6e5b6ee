"""The floor for new tracks: never below it, whatever the ranking says."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.experiments.exploration import EPSILON, slots, with_floor

SHARES = st.floats(0, 1)
SEEDS = st.integers(0, 2**32)


@given(st.integers(0, 300), SHARES, SEEDS)
def test_slots_are_the_share_rounded_up_or_down(count: int, share: float, seed: int) -> None:
    found = slots(count, np.random.default_rng(seed), share)
    assert floor(count * share) <= len(found) <= ceil(count * share)
    assert list(found) == sorted(set(found))
    assert all(0 <= place < count for place in found)
    assert found == slots(count, np.random.default_rng(seed), share)


@given(
    st.lists(st.integers(0, 60), max_size=60),
    st.lists(st.integers(0, 60), max_size=60),
    st.integers(0, 40),
    SHARES,
    SEEDS,
)
def test_the_floor_always_holds(
    ranked: list[int], newcomers: list[int], count: int, share: float, seed: int
) -> None:
    made = with_floor(ranked, newcomers, count, np.random.default_rng(seed), share)
    everything, new = {*ranked, *newcomers}, set(newcomers)
    assert len(made) == len(set(made))
    assert set(made) <= everything
    best = list(dict.fromkeys(ranked))[:count]
    # Nothing that was there is lost but to a newcomer, and no list gets shorter.
    assert len(made) >= len(best)
    assert len(made) <= count
    places = min(count, len(everything))
    assert len(new & set(made)) >= min(floor(places * share), len(new))
    # What is known stands in the order of the ranking.
    known = [one for one in made if one not in new]
    assert known == [one for one in best if one in known]


def test_it_is_the_documented_share_on_average_anywhere_in_the_list() -> None:
    generator = np.random.default_rng(1)
    ranked, newcomers = list(range(1_000)), list(range(1_000, 1_200))
    counts = np.zeros(30)
    for _ in range(4_000):
        made = with_floor(ranked, newcomers, 30, generator)
        counts += [one >= 1_000 for one in made]
    assert counts.sum() / (30 * 4_000) == pytest.approx(EPSILON, abs=0.003)
    assert counts.min() > 0.6 * counts.mean()


def test_newcomers_who_are_ranked_high_count_already() -> None:
    generator = np.random.default_rng(2)
    ranked = list(range(40))
    for _ in range(200):
        assert with_floor(ranked, [0, 1, 900], 20, generator, 0.1) == ranked[:20]


def test_every_newcomer_gets_a_turn() -> None:
    generator = np.random.default_rng(3)
    newcomers = list(range(100, 120))
    seen: set[int] = set()
    for _ in range(500):
        seen |= {one for one in with_floor(range(100), newcomers, 20, generator) if one >= 100}
    assert seen == set(newcomers)


def test_a_share_is_a_part() -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        slots(10, np.random.default_rng(1), 1.5)
