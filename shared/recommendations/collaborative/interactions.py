"""Who liked what, and how surely: what collaborative filtering learns from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse


@dataclass(frozen=True, slots=True)
class Interactions:
    """`matrix` is CSR float32 (users, items) of confidences > 0, its rows and columns in the order
    of `user_ids` and `item_ids`; columns within a row are sorted and each is there once."""

    user_ids: Sequence[str]
    item_ids: Sequence[str]
    matrix: sparse.csr_matrix

    @classmethod
    def of(cls, triples: Iterable[tuple[str, str, float]]) -> Interactions:
        """From (user, item, confidence). Users and items are numbered as they first appear, the
        greatest confidence of a pair counts, and what is not above 0 is left out."""
        users: dict[str, int] = {}
        items: dict[str, int] = {}
        best: dict[tuple[int, int], float] = {}
        for user, item, confidence in triples:
            if confidence > 0:
                pair = users.setdefault(user, len(users)), items.setdefault(item, len(items))
                best[pair] = max(confidence, best.get(pair, 0.0))
        rows, columns = np.array(list(best), dtype=np.int64).reshape(-1, 2).T
        values = np.fromiter(best.values(), dtype=np.float32, count=len(best))
        return cls.from_arrays(list(users), list(items), rows, columns, values)

    @classmethod
    def from_arrays(
        cls,
        user_ids: Sequence[str],
        item_ids: Sequence[str],
        rows: NDArray[np.integer],
        columns: NDArray[np.integer],
        confidences: NDArray[np.floating],
    ) -> Interactions:
        """From parallel arrays of distinct pairs with confidences > 0."""
        from scipy import sparse

        matrix = sparse.csr_matrix(
            (confidences.astype(np.float32), (rows, columns)),
            shape=(len(user_ids), len(item_ids)),
        )
        matrix.sort_indices()
        return cls(user_ids, item_ids, matrix)

    @property
    def liked(self) -> sparse.csr_matrix:
        """The matrix with 1 for every confidence."""
        matrix = self.matrix.copy()
        matrix.data = np.ones_like(matrix.data)
        return matrix

    def with_matrix(self, matrix: sparse.csr_matrix) -> Interactions:
        """Other confidences of the same users and items."""
        return replace(self, matrix=matrix)

    def drawn(self, most: int, seed: int) -> Interactions:
        """`most` of the users by chance, the same for other confidences; all where they are no
        more."""
        if len(self.user_ids) <= most:
            return self
        rows = np.sort(np.random.default_rng(seed).permutation(len(self.user_ids))[:most])
        users = tuple(self.user_ids[row] for row in rows.tolist())
        return replace(self, user_ids=users, matrix=self.matrix[rows])


def split(interactions: Interactions, share: float, seed: int) -> tuple[Interactions, Interactions]:
    """What stays and what is held out: of every user `share` of their pairs, rounded to the
    nearest, drawn at random. Depends on who has what and on the seed, not on confidences."""
    from scipy import sparse

    matrix = interactions.matrix
    counts = np.diff(matrix.indptr)
    users = np.repeat(np.arange(len(counts)), counts)
    lots = np.random.default_rng(seed).random(matrix.nnz)
    order = np.lexsort((lots, users))  # each user's pairs together, in the order of their lots
    place = np.arange(matrix.nnz) - matrix.indptr[users]
    is_held = np.zeros(matrix.nnz, dtype=bool)
    is_held[order] = place < np.floor(share * counts + 0.5)[users]

    def those(chosen: NDArray[np.bool_]) -> Interactions:
        kept = sparse.csr_matrix(
            (matrix.data[chosen], (users[chosen], matrix.indices[chosen])), shape=matrix.shape
        )
        kept.sort_indices()
        return interactions.with_matrix(kept)

    return those(~is_held), those(is_held)
