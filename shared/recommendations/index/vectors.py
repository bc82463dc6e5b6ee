"""Vectors in a quarter of their size: eight bits a component and one scale each.

Components are rounded to 1/127 of the greatest of their vector, which moves a vector of 128 even
components by 0.6 % of its length. Whatever ranks by these vectors, or solves with them, reads the
same rounded ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.recommendations.index.arrays import mapped, save

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix, Vector

_MOST = 127
_AT_ONCE = 8_192  # vectors that are unpacked together: 4 MB, which stays in a cache


class Vectors:
    """The vectors of a bundle, by row."""

    def __init__(self, folder: Path, name: str) -> None:
        self._codes: NDArray[np.int8] = mapped(folder, f"{name}.codes")
        self._scales: NDArray[np.float32] = mapped(folder, f"{name}.scales")
        if self._codes.ndim != 2 or len(self._codes) != len(self._scales):
            raise ValueError(f"{name}.codes and {name}.scales are not of the same vectors")

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def dimensions(self) -> int:
        """Of each vector."""
        return int(self._codes.shape[1])

    def __getitem__(self, row: int) -> Vector:
        found: Vector = self._codes[row].astype(np.float32)
        found *= self._scales[row]
        return found

    def take(self, rows: NDArray[np.int64]) -> Matrix:
        """The vectors of `rows`, (len(rows), dimensions)."""
        found: Matrix = self._codes.take(rows, axis=0).astype(np.float32)
        found *= self._scales[rows][:, None]
        return found

    def scores(self, rows: NDArray[np.int64], vector: Vector) -> Vector:
        """The inner products of `rows` with `vector`, (len(rows),)."""
        # Not `@`: for so few BLAS may wake a second thread, which takes longer than the products.
        some = self._codes.take(rows, axis=0).astype(np.float32)
        products: Vector = np.einsum("ij,j->i", some, vector)
        products *= self._scales[rows]
        return products

    def all_scores(self, vector: Vector) -> Vector:
        """The inner products of all, (rows,)."""
        found = np.empty(len(self), np.float32)
        for start in range(0, len(self), _AT_ONCE):
            end = start + _AT_ONCE
            np.matmul(self._codes[start:end].astype(np.float32), vector, out=found[start:end])
        found *= self._scales
        return found

    def gramian(self) -> NDArray[np.float64]:
        """The sum of every vector's outer product with itself, (dimensions, dimensions)."""
        total = np.zeros((self._codes.shape[1],) * 2)
        for start in range(0, len(self), _AT_ONCE):
            some = self.take(np.arange(start, min(start + _AT_ONCE, len(self))))
            total += some.T @ some
        return total

    @staticmethod
    def save(folder: Path, name: str, vectors: Matrix) -> None:
        """Writes `vectors`, (rows, dimensions). Raises ValueError for numbers that are not
        finite."""
        greatest = np.abs(vectors).max(axis=1, initial=0.0)
        if not np.isfinite(greatest).all():
            row = int(np.argmin(np.isfinite(greatest)))
            raise ValueError(f"vector {row} is not finite; see what the training made of it")
        scales = (greatest / _MOST).astype(np.float32)
        divisors = np.where(scales > 0, scales, 1)[:, None]
        save(folder, f"{name}.codes", np.rint(vectors / divisors).clip(-_MOST, _MOST), np.int8)
        save(folder, f"{name}.scales", scales, np.float32)
