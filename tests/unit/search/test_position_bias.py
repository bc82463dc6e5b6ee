"""Propensities are found where there are any, and not invented where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from shared.search.position_bias import BEGINNINGS, MAX_WEIGHT, Propensities, Run, estimate
from tests.unit.search import simulated


def runs(taste: simulated.Taste, bias: float) -> list[Run]:
    searches = simulated.world(1, 3_000, taste, bias=bias)
    return [run for search in searches for run in search.runs]


@pytest.mark.parametrize("taste", [simulated.noise, simulated.weights, simulated.fresh])
def test_they_are_told_apart_from_what_people_like(taste: simulated.Taste) -> None:
    found = estimate(runs(taste, 1.0)).values
    assert found[:3] == pytest.approx((1, 1 / 2, 1 / 3), abs=0.2)
    assert found[4] == pytest.approx(1 / 8, abs=0.12)  # places 6 to 10


@pytest.mark.parametrize("taste", [simulated.noise, simulated.weights, simulated.fresh])
def test_who_looks_everywhere_alike_is_believed(taste: simulated.Taste) -> None:
    assert min(estimate(runs(taste, 0.0)).values) > 0.7


def test_they_never_rise_from_place_to_place_and_no_weight_is_beyond_the_limit() -> None:
    found = estimate(runs(simulated.first_of_all, 2.0))
    assert list(found.values) == sorted(found.values, reverse=True)
    weights = found.weights(np.arange(50))
    assert weights[0] == 1
    assert weights.max() <= MAX_WEIGHT


def test_places_belong_to_their_ranges() -> None:
    values = tuple(1 / (1 + number) for number in range(len(BEGINNINGS)))
    weights = Propensities(values).weights(np.array([0, 1, 2, 3, 4, 5, 9, 10, 19, 20, 49]))
    assert weights == pytest.approx([1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7])


def test_without_a_comparison_nothing_is_corrected() -> None:
    alone = Run(np.array([3]), np.ones((1, 2)), np.array([True]))
    assert estimate([alone]).values == (1.0,) * len(BEGINNINGS)
    assert estimate([]).values == (1.0,) * len(BEGINNINGS)
