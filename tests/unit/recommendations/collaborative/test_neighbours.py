from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import nnls

from shared.recommendations.collaborative import neighbours
from shared.recommendations.collaborative.interactions import Interactions
from shared.recommendations.collaborative.neighbours import (
    Neighbourhood,
    as_matrix,
    item_neighbours,
    nonnegative_ridge,
)

ITEMS = 40


def interactions(seed: int = 0) -> Interactions:
    """Items 0..9, 10..19, ... are liked together; item 39 by nobody."""
    draw = np.random.default_rng(seed)
    groups = np.arange(200)[:, None] % 4 == np.arange(ITEMS) // 10
    matrix = draw.random((200, ITEMS)) < np.where(groups, 0.5, 0.05)
    matrix[:, 39] = False
    users = [str(n) for n in range(200)]
    items = [str(n) for n in range(ITEMS)]
    return Interactions(users, items, sparse.csr_matrix(matrix.astype(np.float32)))


def test_weights_are_those_of_a_regression_that_allows_none_below_zero() -> None:
    """Against scipy, with every other item as a candidate."""
    data, ridge = interactions(), 5.0
    config = Neighbourhood(ridge, history_exponent=0.0, candidates=ITEMS)
    found = as_matrix(*item_neighbours(data, config, count=ITEMS)).toarray()

    liked = data.matrix.toarray().astype(np.float64)
    for target in range(ITEMS):
        others = np.delete(np.arange(ITEMS), target)
        rows = np.vstack([liked[:, others], np.sqrt(ridge) * np.eye(len(others))])
        expected, _ = nnls(rows, np.r_[liked[:, target], np.zeros(len(others))])
        assert found[others, target] == pytest.approx(expected, abs=2e-3)


def test_lists_are_positive_best_first_padded_and_without_the_item_itself() -> None:
    indices, weights = item_neighbours(interactions(), Neighbourhood(5.0), count=7)

    assert indices.shape == weights.shape == (ITEMS, 7)
    assert indices.dtype == np.int32
    assert weights.dtype == np.float32
    assert ((indices >= 0) == (weights > 0)).all()
    assert (np.diff(weights, axis=1) <= 0).all()
    assert not (indices == np.arange(ITEMS)[:, None]).any()
    assert (indices[39] == -1).all()
    assert 39 not in indices


def test_neighbours_are_of_the_same_kind() -> None:
    indices, _ = item_neighbours(interactions(), Neighbourhood(5.0), count=5)

    mates = indices[:39] // 10 == np.arange(39)[:, None] // 10
    assert mates[indices[:39] >= 0].mean() > 0.9


def test_one_way_of_looking_pairs_up_is_as_good_as_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_table = item_neighbours(interactions(), Neighbourhood(5.0))
    monkeypatch.setattr(neighbours, "MAX_PAIRS", ITEMS**2 - 1)
    monkeypatch.setattr(neighbours, "_thinned", lambda of: of)
    by_search = item_neighbours(interactions(), Neighbourhood(5.0))

    assert np.array_equal(by_table[0], by_search[0])
    assert np.array_equal(by_table[1], by_search[1])


def test_histories_are_cut_to_their_surest_items_where_memory_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(neighbours, "MAX_PAIRS", 100)
    histories = [range(20), range(3), range(2)]
    data = Interactions.of(
        (f"u{user}", f"i{item}", 1.0 + item) for user, of in enumerate(histories) for item in of
    )

    kept = neighbours._thinned(data).matrix

    counts = np.diff(kept.indptr)
    assert counts.tolist() == [9, 3, 2]  # 81 + 9 + 4 <= 100, and ten would be too many
    assert sorted(kept[0].data.tolist()) == [float(n) for n in range(12, 21)]


def test_an_item_in_long_histories_counts_less() -> None:
    """x is with a in short histories and with b as often in long ones."""
    triples = [(f"s{n}", item, 1.0) for n in range(10) for item in ("x", "a")]
    triples += [(f"l{n}", item, 1.0) for n in range(10) for item in ("x", "b")]
    triples += [(f"l{n}", f"other{n}-{k}", 1.0) for n in range(10) for k in range(30)]
    data = Interactions.of(triples)
    x, a, b = (data.item_ids.index(one) for one in "xab")

    found = {
        exponent: as_matrix(*item_neighbours(data, Neighbourhood(1.0, exponent)))
        for exponent in (0.0, 0.5)
    }

    assert found[0.0][a, x] == pytest.approx(found[0.0][b, x], rel=0.3)
    assert found[0.5][a, x] > 1.3 * found[0.5][b, x]


def test_the_solver_minimises() -> None:
    draw = np.random.default_rng(3)
    roots = draw.standard_normal((5, 30, 12))
    systems = (roots.transpose(0, 2, 1) @ roots + np.eye(12)).astype(np.float32)
    goals = draw.standard_normal((5, 12)).astype(np.float32) * 10

    found = nonnegative_ridge(systems, goals)

    for system, goal, weights in zip(systems, goals, found, strict=True):
        factor = np.linalg.cholesky(system.astype(np.float64))
        expected, _ = nnls(factor.T, np.linalg.solve(factor, goal))
        assert weights == pytest.approx(expected, abs=1e-3)
