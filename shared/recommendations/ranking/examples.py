"""What the chances are learned from: plays that ended, with what was known before each. Pure.

A play teaches if it was judged: heard to its end (`completed`), or left (`skipped`: within half a
minute, or before half of the track). What was merely stopped, or never ended, says nothing of the
track. Everything that is known of a play is as of just before it: signals of the same person and
counts of the track (`shared.signals.training`), and how it had been shown. Nothing later is looked
at, least of all the play itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.recommendations.items import Item
from shared.recommendations.ranking.features import (
    RANKING_FEATURES,
    Affinity,
    ItemOf,
    Met,
    matrix,
)
from shared.recommendations.ranking.impressions import Screens, is_recommended
from shared.signals.counting import DAY_MS
from shared.signals.listening import AT_ONCE_MS, Listen
from shared.signals.preferences import confidences
from shared.signals.training import TrainingRow

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A judged play: `RANKING_FEATURES` before it, and how it ended. `session` tells sessions of
    one person apart."""

    user_id: str
    session: str
    ts_ms: int
    features: Floats
    skipped: bool
    completed: bool


@dataclass(frozen=True, slots=True)
class Examples:
    """Judged plays as columns: `features` is plays by `RANKING_FEATURES`."""

    users: NDArray[np.str_]
    sessions: NDArray[np.str_]
    ts_ms: NDArray[np.int64]
    features: Floats
    skipped: NDArray[np.bool_]
    completed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ts_ms)

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Examples:
        """All of them."""
        return cls(
            np.array([one.user_id for one in examples], dtype=np.str_),
            np.array([f"{one.user_id} {one.session}" for one in examples], dtype=np.str_),
            np.array([one.ts_ms for one in examples], dtype=np.int64),
            np.array([one.features for one in examples]).reshape(-1, len(RANKING_FEATURES)),
            np.array([one.skipped for one in examples], dtype=np.bool_),
            np.array([one.completed for one in examples], dtype=np.bool_),
        )

    def only(self, chosen: NDArray[np.bool_]) -> Examples:
        """Those that are `chosen` (a truth for each)."""
        return Examples(
            self.users[chosen],
            self.sessions[chosen],
            self.ts_ms[chosen],
            self.features[chosen],
            self.skipped[chosen],
            self.completed[chosen],
        )


def example_of(row: TrainingRow, screens: Screens, item_of: ItemOf) -> Example | None:
    """What a play teaches; None where it was not judged."""
    listen, play = row.listen, row.listen.play
    if listen.ending not in ("skip", "complete"):
        return None
    now_ms, item = play.ts_ms, item_of(row.track_id)
    (features,) = matrix(
        [Met(screens.last_before(row.track_id, now_ms), item, row.track, row.pair)],
        affinity=Affinity.of(confidences(row.before, now_ms), item_of),
        user=row.user,
        now_ms=now_ms,
        is_recommended=is_recommended(play.context_uri),
    )
    return Example(
        play.user_id,
        play.session_id or f"{now_ms // DAY_MS}",
        now_ms,
        features,
        _is_skipped(listen, item),
        listen.ending == "complete",
    )


def _is_skipped(listen: Listen, item: Item | None) -> bool:
    if listen.ending != "skip":
        return False
    half_ms = item.duration_ms / 2 if item else 0
    return (listen.heard_ms or 0) < max(AT_ONCE_MS, half_ms)
