"""What everybody did, as the models want it. Pure.

A person comes whole: all of their signals at once, in the order of time. Somebody who is suspected
to be a machine teaches nobody anything (F286), so their signals are passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.signals.models import Signal
from shared.signals.preferences import confidences

if TYPE_CHECKING:
    from shared.recommendations.collaborative.interactions import Interactions

SESSION_GAP_MS = 30 * 60_000  # of silence ends a session, as in most of the literature
SESSION_MOST = 200  # tracks; a shop that never stops is no session
LEAST_HEARD_MS = 30_000  # of a track that was not skipped in spite (decision 15 counts plays so)


@dataclass(frozen=True, slots=True, order=True)
class Session:
    """What somebody heard in a row, from `began_ms` on (since the epoch)."""

    began_ms: int
    track_ids: tuple[str, ...]


@dataclass(slots=True)
class Log:
    """What was gathered so far: `likes` holds one entry per person and track (how surely), the
    sessions what was heard in a row."""

    people: list[str] = field(default_factory=list)
    likes: list[dict[str, float]] = field(default_factory=list)  # by person, of track ids
    sessions: list[Session] = field(default_factory=list)
    plays: Counter[str] = field(default_factory=Counter)  # by track id, from `plays_since_ms` on
    plays_since_ms: int = 0

    def add(self, user_id: str, signals: Sequence[Signal], now_ms: int) -> None:
        """Takes in everything that one person did, in the order of time."""
        believed = [one for one in signals if not one.suspected]
        if not believed:
            return
        likes = confidences(believed, now_ms)
        if likes:
            self.people.append(user_id)
            self.likes.append(likes)
        self.sessions += [one for one in sessions(believed) if len(one.track_ids) > 1]
        self.plays.update(
            one.track_id
            for one in believed
            if one.kind == "play" and one.track_id and one.ts_ms >= self.plays_since_ms
        )

    def sessions_of(self, row_of: Mapping[str, int]) -> list[list[int]]:
        """The sessions as rows, the oldest first; what is in `row_of` of them."""
        found = (
            [row_of[one] for one in each.track_ids if one in row_of]
            for each in sorted(self.sessions)
        )
        return [one for one in found if len(one) > 1]

    def interactions(self, track_ids: Sequence[str]) -> Interactions:
        """The likes as a matrix over `track_ids`; what is no longer among them is left out, and so
        is whoever liked nothing else."""
        import numpy as np
        from scipy.sparse import csr_matrix

        from shared.recommendations.collaborative.interactions import Interactions

        row_of = {track_id: row for row, track_id in enumerate(track_ids)}
        people: list[str] = []
        columns: list[int] = []
        weights: list[float] = []
        starts = [0]
        for user_id, likes in zip(self.people, self.likes, strict=True):
            known = sorted((row_of[one], weight) for one, weight in likes.items() if one in row_of)
            if known:
                people.append(user_id)
                columns += [row for row, _ in known]
                weights += [weight for _, weight in known]
                starts.append(len(columns))
        matrix = csr_matrix(
            (
                np.asarray(weights, dtype=np.float32),
                np.asarray(columns, dtype=np.int32),
                np.asarray(starts, dtype=np.int64),
            ),
            shape=(len(people), len(track_ids)),
        )
        return Interactions(tuple(people), tuple(track_ids), matrix)


def sessions(signals: Sequence[Signal]) -> Iterator[Session]:
    """The tracks that a person heard in a row, in order; one that they skipped before
    `LEAST_HEARD_MS` was not heard, and the same track twice in a row is once."""
    skipped = {
        (one.session_id, one.track_id)
        for one in signals
        if one.kind == "skip" and (one.position_ms or 0) < LEAST_HEARD_MS
    }
    heard: list[str] = []
    began_ms = last_ms = 0
    for one in signals:
        if one.kind != "play" or one.track_id is None:
            continue
        if heard and (one.ts_ms - last_ms > SESSION_GAP_MS or len(heard) == SESSION_MOST):
            yield Session(began_ms, tuple(heard))
            heard = []
        last_ms = one.ts_ms
        was_skipped = one.session_id is not None and (one.session_id, one.track_id) in skipped
        if not was_skipped and (not heard or heard[-1] != one.track_id):
            began_ms = began_ms if heard else one.ts_ms
            heard.append(one.track_id)
    if heard:
        yield Session(began_ms, tuple(heard))
