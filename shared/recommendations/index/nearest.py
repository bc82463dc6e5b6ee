"""The greatest inner products, found among few: candidates by short codes, ranked by the vectors.

Up to `coding.EXACT_UP_TO` vectors every product is computed; past that codes (`coding`) give some
hundred candidates, which the vectors themselves put in order. How many it takes was measured when
the index was built.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.recommendations.index import coding
from shared.recommendations.index.arrays import mapped, save
from shared.recommendations.index.coding import Effort
from shared.recommendations.index.vectors import Vectors

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix, Vector


class Nearest:
    """Searches vectors of a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises OSError, ValueError or RuntimeError for files that are missing or damaged."""
        self.vectors = Vectors(folder, name)
        self.efforts = tuple(
            Effort(int(count), int(probes), int(fetched), recall)
            for count, probes, fetched, recall in mapped(folder, f"{name}.efforts").tolist()
        )
        self._codes: Any = None
        if self.efforts:
            import faiss

            self._codes = faiss.read_index(str(folder / f"{name}.faiss"))
            if self._codes.ntotal != len(self.vectors):
                raise ValueError(f"{name}.faiss and {name}.codes.npy are not of the same vectors")

    def search(
        self, vector: Vector, count: int, *, without: Collection[int] = ()
    ) -> list[tuple[int, float]]:
        """The `count` rows with the greatest inner products, best first, and these. Nothing is
        near to a vector of zeros. Raises ValueError for one that is not finite or has other
        dimensions."""
        vector = np.ascontiguousarray(vector, np.float32)
        if vector.shape != (self.vectors.dimensions,) or not np.isfinite(vector).all():
            raise ValueError(
                f"a vector of {self.vectors.dimensions} finite numbers is looked for, "
                f"not {vector!r} of shape {vector.shape}"
            )
        if count <= 0 or not vector.any():
            return []
        excluded = np.fromiter(without, np.int64, len(without))
        effort = self._effort(count, count + len(excluded))
        if effort is not None:
            rows = coding.candidates(self._codes, vector[None], effort)[0]
            rows = _without(rows[rows >= 0], excluded)
            if len(rows) >= count:
                return _best(rows, self.vectors.scores(rows, vector), count)
        rows = _without(np.arange(len(self.vectors)), excluded)
        return _best(rows, self.vectors.all_scores(vector)[rows], count)

    def recall(self, queries: Sequence[Vector], count: int) -> float:
        """How much of the `count` nearest to `queries` is found, 0..1."""
        count = min(count, len(self.vectors))
        shares = [1.0]
        for query in queries:
            # What scores like the last of the nearest is as near.
            nearest = self.vectors.all_scores(query)
            least = np.partition(nearest, -count)[-count]
            least -= 1e-5 * abs(least)
            found = self.search(query, count)
            if found:
                shares.append(sum(score >= least for _, score in found) / count)
        return float(np.mean(shares[1:] or shares))

    def _effort(self, count: int, wanted: int) -> Effort | None:
        """The least that finds `wanted`, or, of a person who has heard very many, the most that
        there is: few of these are near. None: all must be read."""
        enough = [one for one in self.efforts if one.count >= wanted]
        most = [one for one in self.efforts[-1:] if one.count >= count]
        return next(iter(enough + most), None)

    @staticmethod
    def save(
        folder: Path, name: str, vectors: Matrix, queries: Matrix | None = None, *, seed: int = 0
    ) -> None:
        """Writes `vectors`, (rows, dimensions), and the index over them. `queries` are such as
        will be looked for (default: some of the vectors)."""
        Vectors.save(folder, name, vectors)
        efforts: list[Effort] = []
        if len(vectors) > coding.EXACT_UP_TO:
            import faiss

            generator = np.random.default_rng(seed)
            codes = coding.coded(vectors, generator)
            tried = vectors if queries is None or not queries.any() else queries
            tried = tried[np.flatnonzero(tried.any(axis=1))]  # nothing is near to zeros
            tried = tried[generator.permutation(len(tried))[: coding.QUERIES]]
            efforts = coding.tuned(codes, Vectors(folder, name), vectors, tried)
            faiss.write_index(codes, str(folder / f"{name}.faiss"))
        rows = [(one.count, one.probes, one.fetched, one.recall) for one in efforts]
        save(folder, f"{name}.efforts", np.array(rows, np.float64).reshape(-1, 4))


def _without(rows: NDArray[np.int64], excluded: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[~np.isin(rows, excluded)] if len(excluded) else rows


def _best(rows: NDArray[np.int64], scores: Vector, count: int) -> list[tuple[int, float]]:
    """The best of `rows`; of equals the lower row comes first."""
    if len(rows) > count:
        # All that equal the last of them: a partition would keep any.
        kept = scores >= np.partition(scores, -count)[-count]
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))[:count]
    return list(zip(rows[order].tolist(), scores[order].tolist(), strict=True))
