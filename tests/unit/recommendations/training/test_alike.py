"""What points where a track points: exactly and by an index, within bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared.recommendations.items import DIMENSIONS
from shared.recommendations.training import alike as module
from shared.recommendations.training.alike import alike

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix


@pytest.fixture(scope="module")
def vectors() -> Matrix:
    """Bundles of directions, as kinds of music are; of any length, and one is unknown."""
    draw = np.random.default_rng(2)
    kinds = draw.standard_normal((80, DIMENSIONS))
    found = kinds[draw.integers(80, size=3_000)] + 0.6 * draw.standard_normal((3_000, DIMENSIONS))
    found *= draw.uniform(0.1, 4, (3_000, 1))
    found[7] = 0
    return found.astype(np.float32)


def true_neighbours(vectors: Matrix, row: int, count: int) -> list[int]:
    lengths = np.linalg.norm(vectors, axis=1)
    cosines = vectors @ vectors[row] / np.where(lengths > 0, lengths, 1)
    cosines[row] = -np.inf
    return np.argsort(-cosines, kind="stable")[:count].tolist()


def test_the_greatest_cosines_come_first_and_nobody_is_their_own(vectors: Matrix) -> None:
    rows = np.array([0, 5, 2_999])
    indices, cosines = alike(vectors, rows, 30)
    for place, row in enumerate(rows.tolist()):
        assert indices[place].tolist() == true_neighbours(vectors, row, 30)
    assert (np.diff(cosines, axis=1) <= 1e-6).all()
    assert 0 < cosines.min() <= cosines.max() <= 1 + 1e-5


def test_what_points_away_is_not_alike() -> None:
    vectors = np.zeros((3, DIMENSIONS), np.float32)
    vectors[:, 0] = 1, 2, -1
    indices, cosines = alike(vectors, np.arange(3), 30)
    assert indices.tolist() == [[1, -1], [0, -1], [-1, -1]]
    assert cosines.tolist() == [[1, 0], [1, 0], [0, 0]]
    assert alike(vectors[:1], np.arange(1), 30)[0].shape == (1, 0)


def test_for_many_an_index_is_asked_which_finds_nearly_the_same(
    vectors: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.arange(0, 3_000, 10)
    exact, _ = alike(vectors, rows, 30)
    monkeypatch.setattr(module, "EXACT_PAIRS", 0)
    monkeypatch.setattr(module, "_exactly", _never)
    found, cosines = alike(vectors, rows, 30)
    shared = [len(set(one) & set(other)) / 30 for one, other in zip(found, exact, strict=True)]
    assert np.mean(shared) > 0.95
    assert not (found == rows[:, None]).any()
    assert (cosines >= 0).all()


def test_an_index_that_finds_too_little_is_not_asked(
    vectors: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXACT_PAIRS", 0)
    monkeypatch.setattr(module, "LEAST_RECALL", 1.1)
    monkeypatch.setattr(module, "_by_index", _never)
    indices, _ = alike(vectors, np.array([3]), 10)
    assert indices[0].tolist() == true_neighbours(vectors, 3, 10)


def test_memory_does_not_grow_with_the_tracks_times_a_batch(
    vectors: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 150_000)  # 50 rows
    rows = np.arange(3_000)
    parts, bounded = _peak(lambda: alike(vectors, rows, 10))
    monkeypatch.undo()
    whole, _ = _peak(lambda: alike(vectors, rows, 10))
    np.testing.assert_array_equal(parts, whole)
    results = 2 * vectors.nbytes + 3_000 * 10 * 8
    assert bounded < results + 150_000 * 16 + 2_000_000


def _never(*_: object) -> None:
    raise AssertionError("this way was not to be taken")


def _peak(
    call: Callable[[], tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, int]:
    tracemalloc.start()
    try:
        found = call()[0]
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
