"""The sequential tests against known truths: how often they are wrong, and how soon they are right.

A 5 % test that keeps its word is wrong in at most 5 % of all experiments; of 1,000 it may be wrong
in 50, and these tests allow no more.
"""

from __future__ import annotations

import numpy as np
import pytest

from shared.experiments.estimates import Moments, difference, plain
from shared.experiments.sequential import LEAST_PEOPLE, Sequence, mixture
from tests.unit.experiments.simulated import Kind, sequences

EXPERIMENTS = 1_000
LOOKS = 60
PEOPLE = 3_000


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("kind", ["normal", "lognormal", "minutes", "ratio", "rare"])
def test_an_a_a_test_is_wrong_in_five_percent_at_most_over_all_looks(
    kind: Kind, share: float
) -> None:
    wrong = harmful = ended = 0
    for each in sequences(
        kind, experiments=EXPERIMENTS, people=PEOPLE, looks=LOOKS, share=share, seed=215
    ):
        outside = np.abs(each.estimate) > each.radius(0.05, PEOPLE)
        wrong += int(outside.any(axis=-1).sum())
        harmful += int((each.lower(0.05, PEOPLE) > 0).any(axis=-1).sum())
        ended += int((each.p_values(0.05, PEOPLE)[..., -1] < 0.05).sum())
    assert wrong <= 0.05 * EXPERIMENTS
    assert harmful <= 0.05 * EXPERIMENTS
    assert ended == wrong  # the p-value is the interval's other face, at the last look of all


def test_the_usual_interval_is_wrong_far_more_often_when_it_is_looked_at() -> None:
    """What the test above would find if intervals were of one look each."""
    wrong = 0
    for each in sequences("normal", experiments=200, people=PEOPLE, looks=LOOKS, seed=216):
        wrong += int(((np.abs(each.estimate) > 1.96 * each.error) & each.ready).any(axis=-1).sum())
    assert wrong > 0.2 * 200


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_harm_that_is_just_tolerated_is_not_called_harm(share: float) -> None:
    """The treated skip by exactly the tolerated 5 % more."""
    wrong = 0
    for each in sequences(
        "ratio",
        experiments=400,
        people=PEOPLE,
        looks=LOOKS,
        share=share,
        times=1.05,
        cuped=False,
        tolerated=0.05,
        seed=217,
    ):
        wrong += int((each.lower(0.05, PEOPLE) > 0).any(axis=-1).sum())
    assert wrong <= 0.05 * 400


@pytest.mark.parametrize(("tolerated", "share"), [(0.5, 0.5), (0.5, 0.1), (10.0, 0.5), (10.0, 0.9)])
def test_rare_harm_that_is_just_tolerated_is_not_called_harm(
    tolerated: float, share: float
) -> None:
    """One person in a hundred complains, and of the treated as many more as are tolerated."""
    wrong, looks = 0, np.linspace(0, PEOPLE, LOOKS + 1).astype(np.int64)[1:]
    for seed in range(400):
        generator = np.random.default_rng((219, seed))
        treated = generator.random(PEOPLE) < share
        table = np.zeros((PEOPLE, 4))
        table[:, 0] = generator.random(PEOPLE) < np.where(treated, 0.01 * (1 + tolerated), 0.01)
        table[:, 1] = 1
        arms = [plain(Moments.of(table, arm, looks)) for arm in (treated, ~treated)]
        bound = difference(arms[0], arms[1], tolerated).lower(0.05, PEOPLE)
        wrong += int((bound > 0).any())
    assert wrong <= 0.05 * 400


def test_a_real_effect_is_found_in_fewer_people_than_a_fixed_horizon_takes() -> None:
    """The fixed horizon has 2,000 people for a power of 80 % at its smallest effect. At that effect
    this test pays for its freedom; from 1.25 times that on it is the faster on average."""
    horizon, variance = 2_000, 1.64
    smallest = float(np.sqrt(4 * (1.96 + 0.8416) ** 2 * variance / horizon))
    mean, found = {}, {}
    for times in (1.0, 1.25, 1.5):
        stops = []
        for each in sequences(
            "normal",
            experiments=200,
            people=3 * horizon,
            looks=150,
            effect=times * smallest,
            cuped=False,
            seed=218,
        ):
            shown = np.abs(each.estimate) > each.radius(0.05, horizon)
            first = each.people[0][shown.argmax(axis=-1)]
            stops.append(np.where(shown.any(axis=-1), first, np.inf))
        stopped = np.concatenate(stops)
        mean[times] = float(np.minimum(stopped, 3 * horizon).mean()) / horizon
        found[times] = float((stopped <= 2 * horizon).mean())
    assert mean[1.5] < mean[1.25] < 0.9
    assert mean[1.0] < 1.35
    assert found[1.0] > 0.8
    assert found[1.5] > 0.95


def test_the_interval_is_the_mixture_likelihood_ratio_turned_inside_out() -> None:
    """Against the definition, integrated by numbers: at the bound the ratio is 1 / alpha for the
    two-sided interval, and no less for the one-sided one."""
    people, error, alpha = np.array([2_500.0]), np.array([0.02]), 0.05
    spread = error * np.sqrt(people) * mixture(4_000, alpha)
    effects = np.linspace(-12, 12, 400_001) * spread

    def ratio(estimate: float, effects: np.ndarray, density: np.ndarray) -> float:
        likelihood = np.exp((2 * estimate * effects - effects**2) / (2 * error**2))
        return float(np.trapezoid(likelihood * density, effects))

    at = Sequence(people, np.zeros(1), error, np.array([True]))
    normal = np.exp(-(effects**2) / (2 * spread**2)) / (spread * np.sqrt(2 * np.pi))
    radius = float(at.radius(alpha, 4_000)[0])
    assert ratio(radius, effects, normal) == pytest.approx(1 / alpha, rel=1e-4)

    wide = error * np.sqrt(people) * mixture(4_000, 2 * alpha)
    positive = np.linspace(0, 12, 200_001) * wide
    half = 2 * np.exp(-(positive**2) / (2 * wide**2)) / (wide * np.sqrt(2 * np.pi))
    bound = -float(at.lower(alpha, 4_000)[0])
    assert 1 / alpha <= ratio(bound, positive, half) < 1.2 / alpha
    assert bound < radius


def test_it_is_sharpest_where_it_was_planned_to_be() -> None:
    people = np.array([20_000.0])
    one = Sequence(people, np.zeros(1), np.ones(1), np.array([True]))
    widths = {plan: float(one.radius(0.05, plan)[0]) for plan in (1_000, 20_000, 400_000)}
    assert widths[20_000] < 1.02 * min(widths.values())
    assert widths[20_000] < 1.65 * 1.96  # what peeking costs there, over a fixed horizon


def test_nothing_is_said_of_too_few() -> None:
    (each,) = sequences("normal", experiments=3, people=4 * LEAST_PEOPLE, looks=80, effect=50.0)
    few = each.people < 2 * LEAST_PEOPLE - 20
    assert few.any()
    assert np.isinf(each.radius(0.05, 1_000)[few]).all()
    assert (each.p_values(0.05, 1_000)[few] == 1).all()
    assert (each.p_values(0.05, 1_000)[:, -1] < 1e-6).all()
