from __future__ import annotations

import numpy as np
import pytest

from shared.recommendations.collaborative.choosing import Budget, Choice, choose, climb
from shared.recommendations.collaborative.evaluation import Accuracy
from shared.recommendations.collaborative.factors import Factorization
from shared.recommendations.collaborative.interactions import Interactions
from tests.recommendations.sparse import generate


def accuracy(mean: float) -> Accuracy:
    return Accuracy(1, mean, mean, mean)


def test_a_climb_finds_a_single_peak_and_tries_no_point_twice() -> None:
    tried: list[tuple[int, ...]] = []

    def attempt(point: tuple[int, ...]) -> tuple[Accuracy, str]:
        tried.append(point)
        return accuracy(-abs(point[0] - 9) - abs(point[1] - 2)), f"made at {point}"

    best, (_, made) = climb(attempt, (3, 5), (12, 7), strides=(2, 1), trials=100)

    assert best == (9, 2)
    assert made == "made at (9, 2)"
    assert len(tried) == len(set(tried))


@pytest.mark.parametrize("trials", [1, 2, 5])
def test_a_climb_keeps_to_its_budget(trials: int) -> None:
    tried = []

    def attempt(point: tuple[int, ...]) -> tuple[Accuracy, None]:
        tried.append(point)
        return accuracy(float(sum(point))), None

    best, _ = climb(attempt, (0, 0), (50, 50), strides=(1,), trials=trials)

    assert len(tried) == trials
    assert best == max(tried, key=sum)


def choice(seed: int) -> Choice:
    pairs = generate(2, items=300, users=200)
    data = Interactions.of((str(user), str(item), 1.0) for user, item in pairs.tolist())
    # The same as noise: whoever looks at it chooses the other.
    noisy = data.matrix.copy()
    noisy.data = np.random.default_rng(1).lognormal(0, 3, noisy.nnz).astype(np.float32)
    return choose(
        {"plain": data, "noisy": data.with_matrix(noisy)},
        seed=seed,
        budget=Budget(factorizations=8, neighbourhoods=3, iterations=3, users=200),
        base=Factorization(dimensions=16),
    )


def test_a_choice_is_no_worse_than_its_parts_and_the_same_again() -> None:
    first, again = choice(1), choice(1)

    assert first == again
    assert first.both.mean >= max(first.vectors.mean, first.neighbours.mean)
    assert first.confidences == "plain"
    assert first.factorization.dimensions == 16
    assert first.factorization.iterations == Factorization().iterations
