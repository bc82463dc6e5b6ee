"""Factors of real data: `implicit`'s ALS on who heard which artist, and who saw which film."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from shared.recommendations.items import DIMENSIONS

DATA = Path(__file__).resolve().parents[5] / "shared/data"
Floats = NDArray[np.float32]


def _artists() -> csr_matrix:
    table = np.loadtxt(DATA / "lastfm-2k/user_artists.dat", skiprows=1, dtype=np.int64)
    numbers = [np.unique(column, return_inverse=True)[1] for column in table[:, :2].T]
    return csr_matrix((np.ones(len(table), np.float32), tuple(numbers)))


def _films() -> csr_matrix:
    lines = [
        [int(number) for number in line.split()]
        for name in ("train.txt", "test.txt")
        for line in (DATA / "ml-1m" / name).read_text().splitlines()
    ]
    people = np.repeat([line[0] for line in lines], [len(line) - 1 for line in lines])
    films = np.unique([film for line in lines for film in line[1:]], return_inverse=True)[1]
    return csr_matrix((np.ones(len(films), np.float32), (people, films)))


@cache
def real_factors(name: str) -> tuple[Floats, Floats]:
    """People's and items' factors of `implicit`'s ALS on a data set."""
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # as implicit asks for
        model = AlternatingLeastSquares(
            factors=DIMENSIONS, iterations=5, random_state=1, num_threads=1
        )
        model.fit(_artists() if name == "lastfm-2k" else _films(), show_progress=False)
    return model.user_factors, model.item_factors
