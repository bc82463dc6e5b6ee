"""The exact solution of one side of the factorisation while the other is fixed.

Own code, because `implicit` has one regularisation for all rows where this has one for each
(Rendle et al. 2021), and because exact is faster here than its three steps of conjugate gradients:
see README.md for the measurement.

For a row with the fixed vectors Y of what it was observed with (n of them), their confidences
C = diag(c), the Gramian G of all fixed vectors and a penalty p, the normal equations are

    (a0 G + p I + Y' C Y) x = Y' c                                  a system of d x d

In the eigenbasis of G, which all rows share, a0 G + p I is a diagonal D, and the identity
(D + Y' C Y)^-1 Y' C = D^-1 Y' (C^-1 + Y D^-1 Y')^-1 turns the same into

    x = D^-1 Y' z   with   (C^-1 + Y D^-1 Y') z = 1                 a system of n x n

which is solved instead wherever n <= d, as most rows are short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.recommendations.items import Matrix

GATHERED_FLOATS = 4_000_000  # of fixed vectors held at once: 16 MB


def solved(
    fixed: Matrix,
    gramian: NDArray[np.floating],
    starts: NDArray[np.integer],
    columns: NDArray[np.integer],
    confidences: NDArray[np.floating],
    penalties: NDArray[np.floating],
    unobserved_weight: float,
) -> Matrix:
    """The vectors, float32 (rows, d), that minimise the loss of `items.FoldIn` against `fixed`
    (m, d). `gramian` is that of all fixed vectors, (d, d).

    Row r was observed with `columns[starts[r]:starts[r + 1]]` so surely as the `confidences` (> 0)
    there say, and has the penalty `penalties[r]` > 0 on its squared length. Rows that were
    observed with nothing are zeros."""
    dimensions = fixed.shape[1]
    eigenvalues, basis = np.linalg.eigh(np.asarray(gramian, dtype=np.float64))
    spectrum = unobserved_weight * np.maximum(eigenvalues, 0)
    turned = np.zeros((len(fixed) + 1, dimensions), dtype=np.float32)  # the last one pads
    np.matmul(fixed, basis.astype(np.float32), out=turned[:-1])
    counts = np.diff(starts)
    solution = np.zeros((len(counts), dimensions), dtype=np.float32)
    for rows in _batches(counts, dimensions):
        slots = np.arange(counts[rows].max())
        is_there = slots < counts[rows, None]
        at = np.where(is_there, starts[rows, None] + slots, starts[rows, None])
        vectors = turned[np.where(is_there, columns[at], len(fixed))]  # (rows, n, d)
        weights = np.where(is_there, confidences[at], 0).astype(np.float32)
        diagonal = (spectrum + penalties[rows, None]).astype(np.float32)
        if len(slots) <= dimensions:
            solution[rows] = _solved_by_observations(vectors, weights, diagonal)
        else:
            solution[rows] = _solved_by_dimensions(vectors, weights, diagonal)
    return np.asarray(solution @ basis.T.astype(np.float32), dtype=np.float32)


def _batches(counts: NDArray[np.integer], dimensions: int) -> list[NDArray[np.intp]]:
    """Rows that were observed with something, in groups of nearly equal counts."""
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    ascending = counts[order]
    batches = []
    start = 0
    while start < len(order):
        widest = ascending[start] + max(8, ascending[start] // 8)
        end = int(np.searchsorted(ascending, widest, side="right"))
        end = min(end, start + max(1, GATHERED_FLOATS // (int(ascending[end - 1]) * dimensions)))
        batches.append(order[start:end])
        start = end
    return batches


def _solved_by_observations(
    vectors: NDArray[np.float32], weights: NDArray[np.float32], diagonal: NDArray[np.float32]
) -> NDArray[np.float32]:
    is_there = weights > 0
    system = (vectors / diagonal[:, None, :]) @ vectors.transpose(0, 2, 1)
    slots = np.arange(system.shape[1])
    system[:, slots, slots] += 1 / np.where(is_there, weights, 1)
    z = np.linalg.solve(system, is_there.astype(np.float32)[:, :, None])
    return np.asarray((z.transpose(0, 2, 1) @ vectors)[:, 0] / diagonal, dtype=np.float32)


def _solved_by_dimensions(
    vectors: NDArray[np.float32], weights: NDArray[np.float32], diagonal: NDArray[np.float32]
) -> NDArray[np.float32]:
    weighted = vectors * weights[:, :, None]
    system = vectors.transpose(0, 2, 1) @ weighted
    axes = np.arange(system.shape[1])
    system[:, axes, axes] += diagonal
    goals = weighted.sum(axis=1)[:, :, None]
    return np.asarray(np.linalg.solve(system, goals)[:, :, 0], dtype=np.float32)
