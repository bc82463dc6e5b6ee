"""Trains the sequence model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shared.recommendations.sequence.choosing import choose
from shared.recommendations.sequence.counting import Sessions, Shape, arrays_of, counted, weighted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def fit(
    sessions: Sequence[Sequence[int]],
    n_items: int,
    *,
    shape: Shape | None = None,
    seed: int = 0,
) -> Mapping[str, NDArray[np.generic]]:
    """The arrays of `model.SequenceModel` from `sessions`: rows 0..n_items - 1 in the order in
    which they were played, the oldest session first, what was skipped left out. Without a `shape`
    it is chosen (by `seed`) so that the newest sessions are predicted best from those before. No
    session at all gives a model that expects nothing.

    Takes about 2 s a million plays, and the choice a minute at most, on one core. Raises ValueError
    for rows that are out of range.
    """
    chosen = shape or choose(sessions, n_items, seed=seed)
    known = Sessions.of(sessions, n_items)
    counts = counted(known, chosen.distance, chosen.session)
    return arrays_of(weighted(counts, known, chosen), chosen)
