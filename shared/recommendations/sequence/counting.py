"""Which tracks follow which, counted over sessions: the training of the sequence model.

For tracks i and j, over all sessions s and positions x < y in them with j at y and i at x,

    c_ij = sum of length(s)^-session * (y - x)^-distance, and `backward` of that for j before i
    w_ij = c_ij / ((n_i + prior)^source * (n_j + prior)^target)

where n counts in how many places a track stands. Of each track the `KEPT` greatest w are kept. A
session's expectation of j is the sum over its tracks of age^-age_exponent * w_ij, the newest track
having age 1. Distance 0, age 0 and backward 1 make it a co-occurrence model of unordered sets;
steep ones make it a Markov chain that knows more than the last step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

WINDOW = 30  # tracks of a session that are looked at, back from each one
KEPT = 50  # successors of a track
GREATEST = 32_768.0  # weight that is kept


@dataclass(frozen=True, slots=True)
class Shape:
    """The exponents and the prior of the formulas above. The defaults are what was chosen for
    simulated sessions of music; `choosing.choose` finds those of other data."""

    distance: float = 1.0
    age: float = 1.5
    backward: float = 0.3
    session: float = 0.0
    source: float = 0.75
    target: float = 0.1
    prior: float = 1.0


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions end to end: `tracks` (m,) rows 0..n_items - 1, `session` (m,) which one each is
    in, ascending."""

    tracks: NDArray[np.int32]
    session: NDArray[np.int64]
    n_items: int

    @classmethod
    def of(cls, sessions: Sequence[Sequence[int]], n_items: int) -> Sessions:
        """Raises ValueError where a row is not of 0..n_items - 1."""
        lengths = np.fromiter((len(one) for one in sessions), np.int64, len(sessions))
        tracks = (
            np.concatenate([np.asarray(one, np.int32) for one in sessions])
            if len(sessions)
            else np.empty(0, np.int32)
        )
        if len(tracks) and not (tracks.min() >= 0 and tracks.max() < n_items):
            raise ValueError(f"rows must be in 0..{n_items - 1}; leave out tracks without a row")
        return cls(tracks, np.repeat(np.arange(len(sessions)), lengths), n_items)


def counted(sessions: Sessions, distance: float, session: float) -> csr_array:
    """(n, n) The c_ij of pairs in order, without `backward`. Memory grows with the pairs that ever
    stood within `WINDOW` of one another."""
    from scipy.sparse import csr_array

    n, tracks, of = sessions.n_items, sessions.tracks, sessions.session
    lengths = np.bincount(of, minlength=1).astype(np.float64)
    weight = (lengths[of] ** -session).astype(np.float32)
    total = csr_array((n, n), dtype=np.float32)
    for lag in range(1, min(WINDOW, len(tracks) - 1) + 1):
        pairs = np.flatnonzero((of[lag:] == of[:-lag]) & (tracks[lag:] != tracks[:-lag]))
        if not len(pairs):
            continue
        values = weight[pairs] * np.float32(lag**-distance)
        total += csr_array((values, (tracks[pairs], tracks[pairs + lag])), shape=(n, n))
    return total


def weighted(counts: csr_array, sessions: Sessions, shape: Shape) -> csr_array:
    """(n, n) The w_ij, the `KEPT` greatest of each row."""
    from scipy.sparse import csr_array

    both = (counts + counts.T * shape.backward).tocsr() if shape.backward else counts.copy()
    places = np.bincount(sessions.tracks, minlength=sessions.n_items) + shape.prior
    rows = np.repeat(np.arange(sessions.n_items), np.diff(both.indptr))
    scale = places[rows] ** -shape.source * places[both.indices] ** -shape.target
    both.data = (both.data * scale).astype(np.float32)
    kept = _greatest(both.indptr, both.data)
    indptr = np.r_[np.int64(0), np.cumsum(kept, dtype=np.int64)][both.indptr]
    return csr_array((both.data[kept], both.indices[kept], indptr), shape=both.shape)


def _greatest(indptr: NDArray[np.int64], data: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which entries are among the `KEPT` greatest of their row."""
    kept = np.ones(len(data), np.bool_)
    # Row by row: few are long, and to sort all entries at once takes ten times as long.
    for row in np.flatnonzero(np.diff(indptr) > KEPT).tolist():
        start, stop = indptr[row], indptr[row + 1]
        rest = np.argpartition(data[start:stop], -KEPT)[:-KEPT]
        kept[start + rest] = False
    return kept


def by_age(shape: Shape) -> NDArray[np.float32]:
    """(WINDOW,) What the newest track of a session counts, the one before it, and so on."""
    ages: NDArray[np.float32] = (np.arange(1, WINDOW + 1) ** -shape.age).astype(np.float32)
    return ages


def arrays_of(successors: csr_array, shape: Shape) -> Mapping[str, NDArray[np.generic]]:
    """What a bundle keeps: see `model.SequenceModel`. Only ratios of weights matter, so they are
    scaled to where float16 has nine decades below the greatest."""
    scale = GREATEST / max(float(successors.data.max(initial=0.0)), 1e-30)
    return {
        "indptr": successors.indptr.astype(np.int64),
        "indices": successors.indices.astype(np.int32),
        "weights": (successors.data * scale).astype(np.float16),
        "by_age": by_age(shape),
    }
