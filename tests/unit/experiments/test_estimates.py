"""Estimates, their errors and what CUPED takes off, against theory and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from shared.experiments.estimates import Moments, adjusted, difference, plain
from shared.experiments.sequential import Floats
from tests.unit.experiments.simulated import values

PEOPLE = 40_000
AT = np.array([PEOPLE])


def arms(table: Floats, generator: np.random.Generator) -> list[Moments]:
    treated = generator.random(table.shape[:-1]) < 0.5
    return [Moments.of(table, treated, AT), Moments.of(table, ~treated, AT)]


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.9, -0.6])
def test_cuped_leaves_of_the_variance_what_theory_says(correlation: float) -> None:
    generator = np.random.default_rng(1)
    before, noise = generator.normal(size=(2, PEOPLE))
    after = 7 + 3 * (correlation * before + np.sqrt(1 - correlation**2) * noise)
    ones = np.ones(PEOPLE)
    table = np.stack([after, ones, 5 + 2 * before, ones], axis=-1)
    _, reduction = adjusted(arms(table, generator))
    measured = np.corrcoef(after, before)[0, 1]
    assert reduction.left == pytest.approx(1 - measured**2, abs=0.005)
    assert reduction.correlation == pytest.approx(abs(measured), abs=0.01)


@pytest.mark.parametrize("kind", ["lognormal", "minutes", "ratio"])
def test_cuped_leaves_one_minus_the_squared_correlation_of_what_people_do(kind: str) -> None:
    """Of skewed numbers and of rates too, whose linearised values correlate."""
    generator = np.random.default_rng(2)
    table = values(kind, generator, (1, PEOPLE))[0]  # type: ignore[arg-type]
    _, reduction = adjusted(arms(table, generator))
    num, den, num_before, den_before = table.T
    after = num - num.sum() / den.sum() * den
    before = num_before - num_before.sum() / den_before.sum() * den_before
    measured = np.corrcoef(after, before)[0, 1]
    assert measured > 0.1
    assert reduction.left == pytest.approx(1 - measured**2, abs=0.03)


def test_the_variance_of_many_experiments_shrinks_as_each_of_them_says() -> None:
    """Estimates over 400 repetitions: their spread is what each claims as its error, with CUPED and
    without, and neither is off on average."""
    effect, people = 0.2, 2_000
    claimed: dict[str, list[float]] = {"plain": [], "cuped": []}
    found: dict[str, list[float]] = {"plain": [], "cuped": []}
    for seed in range(400):
        generator = np.random.default_rng((3, seed))
        table = values("normal", generator, (1, people))[0]
        treated = generator.random(people) < 0.5
        table[:, 0] += effect * treated
        of = [Moments.of(table, arm, np.array([people])) for arm in (treated, ~treated)]
        for name, (one, other) in (
            ("plain", (plain(of[0]), plain(of[1]))),
            ("cuped", tuple(adjusted(of)[0])),
        ):
            sequence = difference(one, other)
            found[name].append(float(sequence.estimate[-1]))
            claimed[name].append(float(sequence.error[-1]))
    for name in ("plain", "cuped"):
        spread = float(np.std(found[name]))
        assert np.mean(claimed[name]) == pytest.approx(spread, rel=0.12)
        assert abs(np.mean(found[name]) - effect) < 4 * spread / np.sqrt(400)
    correlation = 1 / 1.64
    expected = 1 - correlation**2
    assert (np.std(found["cuped"]) / np.std(found["plain"])) ** 2 == pytest.approx(
        expected, abs=0.12
    )


def test_the_error_of_a_rate_is_that_of_resampled_people() -> None:
    """The delta method against a bootstrap over people, where plays per person vary widely; as if
    plays were independent, the error would be far too small."""
    generator = np.random.default_rng(4)
    table = values("ratio", generator, (1, 3_000))[0]
    arm = Moments.of(table, np.ones(3_000, dtype=bool), np.array([3_000]))
    error = float(plain(arm).error[-1])
    resampled = []
    for _ in range(2_000):
        drawn = table[generator.integers(0, 3_000, 3_000)]
        resampled.append(drawn[:, 0].sum() / drawn[:, 1].sum())
    assert error == pytest.approx(float(np.std(resampled)), rel=0.06)
    rate, plays = table[:, 0].sum() / table[:, 1].sum(), table[:, 1].sum()
    assert error > 1.5 * np.sqrt(rate * (1 - rate) / plays)


def test_moments_at_each_look_are_those_of_the_people_so_far() -> None:
    generator = np.random.default_rng(5)
    table = generator.gamma(2, size=(3, 500, 4)) * 1e3
    arm = generator.random((3, 500)) < 0.3
    looks = np.array([50, 100, 101, 500])
    made = Moments.of(table, arm, looks)
    for number in range(3):
        for place, look in enumerate(looks):
            kept = table[number, :look][arm[number, :look]]
            assert made.people[number, place] == len(kept)
            assert made.mean[number, place] == pytest.approx(kept.mean(axis=0))
            assert made.covariance[number, place] == pytest.approx(np.cov(kept.T), rel=1e-6)


def test_an_arm_in_which_nothing_happened_has_no_certainty_of_its_own() -> None:
    table = np.zeros((10_000, 4))
    table[:, 1] = 1
    table[9_000::90, 0] = 1  # of the last thousand, twelve complained; of the first 9,000 none did
    few = np.arange(10_000) < 200
    of = [Moments.of(table, arm, np.array([10_000])) for arm in (few, ~few)]
    assert float(plain(of[0]).error[-1]) == 0
    both = difference(plain(of[0]), plain(of[1]))
    assert float(both.error[-1]) > 2 * float(plain(of[1]).error[-1])


def test_equal_numbers_prove_nothing() -> None:
    table = np.tile([0.1, 1.0, 0.1, 1.0], (1_000, 1))
    treated = np.arange(1_000) % 2 == 0
    of = [Moments.of(table, arm, np.array([1_000])) for arm in (treated, ~treated)]
    one, other = adjusted(of)[0]
    sequence = difference(one, other)
    assert not sequence.ready.any()
    assert np.isinf(sequence.radius(0.05, 1_000)).all()
