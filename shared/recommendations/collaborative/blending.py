"""How the two models' scores of one person join: the vectors' and the neighbours'.

Both estimate the same thing on the same scale, how much the person would like the track (about
0..1), so they are added as they are; normalised per person first they did worse (see README.md).
numpy alone: serving imports this.

For a person's k best it suffices to score their k nearest tracks by vector and the neighbours of
what they like: weights of neighbours are not negative, so whoever precedes a track that is no
neighbour in the vectors' order precedes it in the joint order too. No track is missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class BlendWeights:
    """`neighbours` (0..1) is the share of the neighbours' score in the joint one; the rest is the
    vectors'. Chosen by `choosing`, kept in the bundle."""

    neighbours: float = 0.4

    def __post_init__(self) -> None:
        if not 0 <= self.neighbours <= 1:
            raise ValueError(f"The neighbours' share must be within 0..1, not {self.neighbours}.")


def blended_scores(
    vector_scores: NDArray[np.floating],
    neighbour_scores: NDArray[np.floating],
    weights: BlendWeights,
) -> NDArray[np.float32]:
    """The joint scores of the same tracks, in any shape: all tracks of many people or the
    candidates of one. `vector_scores` are inner products; `neighbour_scores` sums as
    `neighbour_scores` gives them, 0 for a track that is nobody's neighbour."""
    joint: NDArray[np.float32] = np.asarray(vector_scores, dtype=np.float32) * np.float32(
        1 - weights.neighbours
    ) + np.asarray(neighbour_scores, dtype=np.float32) * np.float32(weights.neighbours)
    return joint


def neighbour_scores(
    indices: NDArray[np.integer], weights: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows, ascending, and the score of each: the sum of its weights in the lists of neighbours of
    what a person likes. The lists are given in any one shape, with -1 where a list is short."""
    is_there = indices >= 0
    rows, place = np.unique(indices[is_there], return_inverse=True)
    sums = np.bincount(place, weights=weights[is_there], minlength=len(rows))
    return rows.astype(np.int64), sums.astype(np.float32)
