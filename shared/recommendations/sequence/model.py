"""The sequence model as it serves: a few additions over memory-mapped arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DTYPES = {"indptr": np.int64, "indices": np.int32, "weights": np.float16, "by_age": np.float32}


class SequenceModel:
    """Answers from the arrays that `training.fit` made, which may be memory-mapped:

    indptr   int64 (n + 1,)   where the successors of each row begin
    indices  int32 (s,)       rows that follow each
    weights  float16 (s,)     >= 0; their unit says nothing
    by_age   float32 (w,)     what the newest row of a session counts, and the w - 1 before it

    Safe for any number of readers at once.
    """

    def __init__(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Raises ValueError where an array is missing or of another dtype."""
        for name, dtype in DTYPES.items():
            if name not in arrays or arrays[name].dtype != dtype:
                raise ValueError(f"the sequence model needs {name} as {np.dtype(dtype)}")
        self._indptr: NDArray[np.int64] = arrays["indptr"]  # type: ignore[assignment]
        self._indices: NDArray[np.int32] = arrays["indices"]  # type: ignore[assignment]
        self._weights: NDArray[np.float16] = arrays["weights"]  # type: ignore[assignment]
        self._by_age: NDArray[np.float32] = arrays["by_age"]  # type: ignore[assignment]

    def __len__(self) -> int:
        """How many rows it knows."""
        return len(self._indptr) - 1

    def next_after(self, session: Sequence[int], count: int) -> list[tuple[int, float]]:
        """At most `count` rows that are expected after `session` (the newest last), best first,
        with scores > 0; none of the session's own. Rows that the model does not know say nothing.
        """
        newest_first = list(session)[::-1][: len(self._by_age)]
        found, scores = [], []
        for row, weight in zip(newest_first, self._by_age.tolist(), strict=False):
            if 0 <= row < len(self):
                start, stop = self._indptr[row], self._indptr[row + 1]
                found.append(self._indices[start:stop])
                scores.append(self._weights[start:stop] * np.float32(weight))
        if not found or count < 1:
            return []
        rows, place = np.unique(np.concatenate(found), return_inverse=True)
        total = np.bincount(place, np.concatenate(scores))
        total[np.isin(rows, list(session))] = 0.0
        best = np.argsort(-total, kind="stable")[:count]
        best = best[total[best] > 0]
        return list(zip(rows[best].tolist(), total[best].tolist(), strict=True))
