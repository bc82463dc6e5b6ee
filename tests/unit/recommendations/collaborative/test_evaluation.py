from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from shared.recommendations.collaborative.evaluation import (
    Accuracy,
    evaluate,
    evaluate_all,
    once_a_batch,
)
from shared.recommendations.collaborative.interactions import Interactions


def rows(*of: list[int]) -> Interactions:
    """Users by what they have among 200 items."""
    matrix = sparse.lil_matrix((len(of), 200), dtype=np.float32)
    for user, items in enumerate(of):
        matrix[user, items] = 1
    return Interactions([str(n) for n in range(len(of))], [], sparse.csr_matrix(matrix))


def ranked(order: list[int]) -> np.ndarray:
    scores = np.zeros((1, 200), dtype=np.float32)
    scores[0, order] = np.linspace(2, 1, len(order))
    return scores


def test_measures_are_those_of_a_calculation_by_hand() -> None:
    order = list(range(200))
    found = evaluate(lambda users: ranked(order), rows([0, 1]), rows([3, 30, 90, 150]))

    # Without the two that are known the places are 1 less 2: 2, 29, 89, 149 (from 1).
    assert found.recall_20 == pytest.approx(1 / 4)
    assert found.recall_50 == pytest.approx(2 / 4)
    gained = sum(1 / np.log2(place + 1) for place in (2, 29, 89))
    best = sum(1 / np.log2(place + 1) for place in (1, 2, 3, 4))
    assert found.ndcg_100 == pytest.approx(gained / best)


def test_recall_is_of_at_most_as_many_as_fit() -> None:
    wanted = list(range(40))
    found = evaluate(lambda users: ranked(wanted), rows([]), rows(wanted))

    assert (found.recall_20, found.recall_50) == (1, 1)
    assert found.ndcg_100 == pytest.approx(1)


def test_what_is_known_is_never_ranked() -> None:
    known = rows(list(range(150)))
    found = evaluate(lambda users: ranked(list(range(200))), known, rows([150]))

    assert found.ndcg_100 == pytest.approx(1)


def test_who_has_nothing_held_out_does_not_count() -> None:
    found = evaluate(
        lambda users: np.repeat(ranked([5]), len(users), axis=0),
        rows([], [], []),
        rows([], [5], []),
    )

    assert found == Accuracy(1, 1.0, 1.0, 1.0)


def test_nobody_to_judge_by_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least three"):
        evaluate(lambda users: ranked([]), rows([1]), rows([]))


def test_it_is_better_only_where_all_three_are() -> None:
    assert Accuracy(1, 0.3, 0.4, 0.5).beats(Accuracy(1, 0.2, 0.3, 0.4))
    assert not Accuracy(1, 0.3, 0.4, 0.5).beats(Accuracy(1, 0.2, 0.4, 0.4))


def test_several_share_the_work_of_a_batch() -> None:
    asked: list[int] = []

    def score(users: np.ndarray) -> np.ndarray:
        asked.append(len(users))
        return ranked([5])

    shared = once_a_batch(score)
    scorers = {"as it is": shared, "reversed": lambda users: -shared(users)}
    found = evaluate_all(scorers, rows([]), rows([5]))

    assert asked == [1]
    assert found["as it is"].recall_20 == 1
    assert found["reversed"].recall_20 == 0
