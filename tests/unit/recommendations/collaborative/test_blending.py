from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.recommendations.collaborative.blending import (
    BlendWeights,
    blended_scores,
    neighbour_scores,
)
from shared.recommendations.collaborative.evaluation import best_first
from shared.recommendations.collaborative.neighbours import as_matrix, best_of


def test_scores_of_neighbours_add_up() -> None:
    indices = np.array([[3, 1, -1], [1, -1, -1]], dtype=np.int32)
    weights = np.array([[0.5, 0.25, 0.0], [0.5, 0.0, 0.0]], dtype=np.float32)

    rows, scores = neighbour_scores(indices, weights)

    assert rows.tolist() == [1, 3]
    assert scores.tolist() == [0.75, 0.5]


def test_nobodys_neighbours_have_no_scores() -> None:
    rows, scores = neighbour_scores(np.empty((0, 3), np.int32), np.empty((0, 3), np.float32))
    assert len(rows) == len(scores) == 0


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_within_its_range(share: float) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        BlendWeights(share)


@given(st.integers(0, 10_000), st.floats(0, 0.95), st.integers(1, 30))
def test_the_candidates_hold_the_best_of_all_tracks(seed: int, share: float, count: int) -> None:
    """The nearest by vector and the neighbours suffice: what is served is the whole blend."""
    draw = np.random.default_rng(seed)
    vectors = draw.standard_normal((1, 200)).astype(np.float32)
    dense = np.maximum(0, draw.standard_normal((200, 200)) - 2).astype(np.float32)
    from scipy import sparse

    indices, weights = best_of(sparse.csr_matrix(dense), 10)
    liked = draw.choice(200, size=5, replace=False)
    blend = BlendWeights(share)

    histories = np.zeros((1, 200), dtype=np.float32)
    histories[0, liked] = 1
    everything = blended_scores(vectors, histories @ as_matrix(indices, weights), blend)[0]

    nearest = best_first(vectors, count)[0]
    rows, sums = neighbour_scores(indices[liked], weights[liked])
    candidates = np.union1d(nearest, rows)
    of_neighbours = np.zeros(200, dtype=np.float32)
    of_neighbours[rows] = sums
    served = blended_scores(vectors[0, candidates], of_neighbours[candidates], blend)

    best = np.sort(everything)[::-1][:count]
    assert np.sort(served)[::-1][:count] == pytest.approx(best, abs=1e-6)
