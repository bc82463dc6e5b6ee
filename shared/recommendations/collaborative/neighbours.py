"""The item-item model: for each item, which others speak for it, and how strongly.

SLIM (Ning and Karypis 2011): an item's column of the interactions is explained by those of other
items with weights that are not negative, by ridge regression. Here an item is explained by the
items with the nearest cosine alone, as in their fsSLIM, so that the work grows with the catalogue
and not with its cube: EASE (Steck 2019), the same regression over all items and of any sign, wants
an inverse of items x items, 8.5 GB at 46,000. What that costs in accuracy is measured in README.md.

Long histories say less of each pair in them: a person's row counts n^-history_exponent.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.recommendations.items import NEIGHBOURS_KEPT

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from shared.recommendations.collaborative.interactions import Interactions

log = logging.getLogger(__name__)

MAX_PAIRS = 200_000_000  # of items in common histories: 3.2 GB at 16 bytes
TARGETS_AT_ONCE = 128
MAX_SWEEPS = 60
TOLERANCE = 1e-4  # of a weight, which is about 0..1


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """`regularization` is the ridge, in users (on the diagonal stands how many have an item);
    `history_exponent` (0..1) how much less a long history counts; `candidates` how many items may
    explain one. The defaults are where `choosing` starts to search."""

    regularization: float = 30.0
    history_exponent: float = 0.25
    candidates: int = NEIGHBOURS_KEPT


def item_neighbours(
    interactions: Interactions, config: Neighbourhood, count: int = NEIGHBOURS_KEPT
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For each item the `count` items that it speaks for most, best first: their columns, int32
    (items, count), -1 where there are fewer, and weights > 0, float32 (items, count), 0 there.

    A person's score of an item is the sum of its weights in the lists of what they like."""
    from scipy import sparse

    common = _common(interactions, config.history_exponent)
    total = common.shape[0]
    pairs = _Pairs(common)
    explained = np.full((total, config.candidates), -1, dtype=np.int32)
    weights = np.zeros((total, config.candidates), dtype=np.float32)
    for start in range(0, total, TARGETS_AT_ONCE):
        part = slice(start, min(start + TARGETS_AT_ONCE, total))
        explained[part] = _nearest(common, part, pairs.diagonal, config.candidates)
        targets = np.arange(part.start, part.stop)
        weights[part] = _explaining(pairs, targets, explained[part], config.regularization)
        if part.stop % (40 * TARGETS_AT_ONCE) == 0:
            log.info("neighbours: %d of %d items", part.stop, total)
    is_there = weights > 0
    by_target = sparse.csr_matrix(
        (weights[is_there], explained[is_there], np.r_[0, np.cumsum(is_there.sum(axis=1))]),
        shape=common.shape,
    )
    return best_of(by_target.T.tocsr(), count)


def best_of(matrix: sparse.csr_matrix, count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The greatest entries of each row, best first: columns, padded with -1, and values, with 0."""
    columns = np.full((matrix.shape[0], count), -1, dtype=np.int32)
    values = np.zeros((matrix.shape[0], count), dtype=np.float32)
    for row in range(matrix.shape[0]):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        order = np.argsort(-matrix.data[part], kind="stable")[:count]
        columns[row, : len(order)] = matrix.indices[part][order]
        values[row, : len(order)] = matrix.data[part][order]
    return columns, values


def as_matrix(indices: NDArray[np.int32], weights: NDArray[np.float32]) -> sparse.csr_matrix:
    """The lists as CSR (items, items): what a row speaks for. Histories, one a row, times this are
    everybody's scores of all items."""
    from scipy import sparse

    is_there = indices >= 0
    starts = np.r_[0, np.cumsum(is_there.sum(axis=1))]
    matrix = sparse.csr_matrix(
        (weights[is_there], indices[is_there], starts), shape=(len(indices), len(indices))
    )
    matrix.sort_indices()
    return matrix


def _common(interactions: Interactions, history_exponent: float) -> sparse.csr_matrix:
    """How often two items are in one history (items, items), each history with its weight; the
    weights are such that the squares over all interactions average 1."""
    from scipy import sparse

    matrix = _thinned(interactions).liked
    counts = np.maximum(np.diff(matrix.indptr), 1).astype(np.float64)
    of_user = counts**-history_exponent
    of_user *= np.sqrt(matrix.nnz / max(float(counts @ of_user**2), 1e-12))
    weighted = (sparse.diags(of_user.astype(np.float32)) @ matrix).tocsr()
    common = (weighted.T @ weighted).tocsr()
    common.sort_indices()
    return common


def _thinned(interactions: Interactions) -> Interactions:
    """Histories cut to their surest items, the longest first, so far that all histories together
    hold at most `MAX_PAIRS` pairs: a bound of memory that small catalogues never meet."""
    matrix = interactions.matrix
    counts = np.diff(matrix.indptr).astype(np.int64)
    if min(int(counts @ counts), matrix.shape[1] ** 2) <= MAX_PAIRS:
        return interactions
    limits = np.arange(1, counts.max() + 1)
    ascending = np.sort(counts)
    squares = np.r_[0, np.cumsum(ascending**2)]
    short = np.searchsorted(ascending, limits, side="right")
    pairs = squares[short] + (len(counts) - short) * limits**2
    longest = int(limits[np.searchsorted(pairs, MAX_PAIRS, side="right") - 1])
    log.info("neighbours: histories count with their %d surest items at most", longest)
    users = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((-matrix.data, users))
    is_kept = np.zeros(matrix.nnz, dtype=bool)
    is_kept[order] = np.arange(matrix.nnz) - matrix.indptr[users] < longest
    kept = matrix.copy()
    kept.data = np.where(is_kept, kept.data, 0)
    kept.eliminate_zeros()
    return interactions.with_matrix(kept)


class _Pairs:
    """Single entries of a large symmetric sparse matrix, many at a time: from a table where that is
    small, else by one search over all keys (scipy would copy whole rows)."""

    def __init__(self, matrix: sparse.csr_matrix) -> None:
        size = matrix.shape[0]
        self.diagonal: NDArray[np.float32] = matrix.diagonal()
        self._table: NDArray[np.float32] | None = None
        if size**2 <= MAX_PAIRS:
            self._table = matrix.toarray()
        else:
            rows = np.repeat(np.arange(size, dtype=np.int64), np.diff(matrix.indptr))
            self._keys = rows * size + matrix.indices
            self._values = matrix.data

    def at(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float32]:
        """The entries there, 0 where there is none or a row or column is negative."""
        is_inside = (rows >= 0) & (columns >= 0)
        if self._table is not None:
            return np.where(is_inside, self._table[rows, columns], np.float32(0))
        wanted = rows.astype(np.int64) * len(self.diagonal) + columns
        place = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        is_there = is_inside & (self._keys[place] == wanted)
        return np.where(is_there, self._values[place], np.float32(0))


def _nearest(
    common: sparse.csr_matrix, part: slice, counts: NDArray[np.float32], count: int
) -> NDArray[np.int32]:
    """The items with the greatest cosine to each item of `part`, ascending, -1 where fewer."""
    lengths = np.sqrt(np.maximum(counts, 1e-12))
    nearest = np.full((part.stop - part.start, count), -1, dtype=np.int32)
    for place, item in enumerate(range(part.start, part.stop)):
        at = slice(common.indptr[item], common.indptr[item + 1])
        others = common.indices[at]
        cosines = np.where(others == item, -1, common.data[at] / lengths[others])
        if len(others) > count + 1:
            chosen = np.argpartition(-cosines, count)[:count]
        else:
            chosen = np.flatnonzero(cosines > 0)
        nearest[place, : len(chosen)] = np.sort(others[chosen])
    return nearest


def _explaining(
    pairs: _Pairs,
    targets: NDArray[np.integer],
    candidates: NDArray[np.int32],
    regularization: float,
) -> NDArray[np.float32]:
    """The weights with which the candidates of each target explain it, (targets, candidates)."""
    width = candidates.shape[1]
    lower, upper = np.triu_indices(width, 1)
    system = np.zeros((len(targets), width, width), dtype=np.float32)
    between = pairs.at(candidates[:, lower], candidates[:, upper])
    system[:, lower, upper] = system[:, upper, lower] = between
    slots = np.arange(width)
    system[:, slots, slots] = pairs.diagonal[candidates] + np.float32(regularization)
    return nonnegative_ridge(system, pairs.at(candidates, targets[:, None]))


def nonnegative_ridge(
    systems: NDArray[np.float32], goals: NDArray[np.float32]
) -> NDArray[np.float32]:
    """For each system A (n, n), symmetric and positive definite, and goal b the w >= 0 that
    minimises w'Aw / 2 - w'b, by coordinate descent over all systems at once.

    Own code: scipy.optimize.nnls takes one system at a time, 10 to 70 times as long (README.md)."""
    weights = np.zeros_like(goals)
    product = np.zeros_like(goals)  # A w
    diagonals = np.einsum("bii->bi", systems)
    for _ in range(MAX_SWEEPS):
        greatest = 0.0
        for slot in range(goals.shape[1]):
            diagonal = diagonals[:, slot]
            step = (goals[:, slot] - product[:, slot]) / diagonal
            step = np.maximum(step, -weights[:, slot])
            weights[:, slot] += step
            product += systems[:, slot] * step[:, None]
            greatest = max(greatest, float(np.abs(step).max(initial=0)))
        if greatest < TOLERANCE:
            break
    return weights
