"""Which tracks point where a track points, among all. Pure, but for files while it works.

To compare some with all takes the product of their numbers: for few it is done exactly, in parts
that fit the memory, and for many an index is built and asked.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.recommendations.index.nearest import Nearest

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix

EXACT_PAIRS = 2_000_000_000  # of 128 dimensions, in some ten seconds
AT_ONCE = 8_000_000  # cosines in memory together: 16 bytes each with what puts them in order
LEAST_RECALL = 0.9  # of the index; one that finds less is not asked

Found = tuple[NDArray[np.int32], NDArray[np.float32]]


def alike(vectors: Matrix, rows: NDArray[np.int64], most: int) -> Found:
    """For each of `rows` up to `most` other rows with the greatest cosines, and these, which are
    above 0; best first, padded with -1 and 0. (len(rows), at most `most`)"""
    most = max(min(most, len(vectors) - 1), 0)
    if not most or not len(rows):
        return np.zeros((len(rows), 0), np.int32), np.zeros((len(rows), 0), np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
    if len(rows) * len(vectors) > EXACT_PAIRS:
        with tempfile.TemporaryDirectory(prefix="directions-") as scratch:
            Nearest.save(Path(scratch), "directions", directions)
            index = Nearest(Path(scratch), "directions")
            if all(one.recall >= LEAST_RECALL for one in index.efforts):
                return _by_index(index, directions, rows, most)
    return _exactly(directions, rows, most)


def _by_index(index: Nearest, directions: Matrix, rows: NDArray[np.int64], most: int) -> Found:
    indices = np.full((len(rows), most), -1, np.int32)
    cosines = np.zeros((len(rows), most), np.float32)
    for place, row in enumerate(rows.tolist()):
        found = index.search(directions[row], most, without=(row,))
        near = [(other, cosine) for other, cosine in found if cosine > 0]
        for at, (other, cosine) in enumerate(near):
            indices[place, at], cosines[place, at] = other, cosine
    return indices, cosines


def _exactly(directions: Matrix, rows: NDArray[np.int64], most: int) -> Found:
    indices = np.empty((len(rows), most), np.int32)
    cosines = np.empty((len(rows), most), np.float32)
    size = max(AT_ONCE // len(directions), 1)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        some = rows[part]
        all_of_them = directions[some] @ directions.T
        all_of_them[np.arange(len(some)), some] = -1
        best = np.argpartition(-all_of_them, most - 1, axis=1)[:, :most]
        near = np.take_along_axis(all_of_them, best, axis=1)
        order = np.argsort(-near, axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        near = np.take_along_axis(near, order, axis=1)
        indices[part] = np.where(near > 0, best, -1)
        cosines[part] = np.where(near > 0, near, 0)
    return indices, cosines
