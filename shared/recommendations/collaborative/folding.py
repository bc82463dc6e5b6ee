"""Vectors for new users and new items, solved against fixed ones (F191: incremental updates).

The same loss and the same solver as in training, so a person who folds in gets the vector that
training would have ended with. numpy alone: serving imports this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shared.recommendations.collaborative.least_squares import solved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.recommendations.items import FoldIn, Matrix, Vector


def penalties(counts: NDArray[np.integer], others: int, params: FoldIn) -> NDArray[np.float64]:
    """What weighs on the squared length of vectors that were observed with `counts` of `others`:
    lambda * (n + a0 * N)^nu."""
    base = np.asarray(counts + params.unobserved_weight * others, dtype=np.float64)
    return np.asarray(params.regularization * base**params.frequency_exponent)


def fold_in(
    item_factors: Matrix,
    gramian: NDArray[np.floating],
    params: FoldIn,
    rows: Sequence[int] | NDArray[np.integer],
    confidences: Sequence[float] | NDArray[np.floating],
) -> Vector:
    """The vector of a person who likes these rows of `item_factors` so surely (> 0); zeros for
    none. `gramian` is `item_factors.T @ item_factors`, computed once for a bundle.

    The other way about it is the vector of a new item: give the factors of users."""
    starts = np.array([0, len(rows)])
    folded = fold_in_many(item_factors, gramian, params, starts, rows, confidences)
    return np.asarray(folded[0], dtype=np.float32)


def fold_in_many(
    item_factors: Matrix,
    gramian: NDArray[np.floating],
    params: FoldIn,
    starts: NDArray[np.integer],
    rows: Sequence[int] | NDArray[np.integer],
    confidences: Sequence[float] | NDArray[np.floating],
) -> Matrix:
    """The same for many at once: person p likes `rows[starts[p]:starts[p + 1]]`. The three arrays
    are those of a CSR matrix."""
    columns, weights = np.asarray(rows, dtype=np.int64), np.asarray(confidences, dtype=np.float32)
    if len(columns) != len(weights) or (len(columns) and not weights.min() > 0):
        raise ValueError(
            "A confidence above 0 is needed for each row: leave out what is not liked."
        )
    needed, place = np.unique(columns, return_inverse=True)
    return solved(
        item_factors[needed],
        gramian,
        starts,
        place,
        weights,
        penalties(np.diff(starts), len(item_factors), params),
        params.unobserved_weight,
    )
