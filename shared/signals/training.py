"""Plays with how they ended, and the features as they were just before each: what a ranker learns
from. Nothing that happened at the play's own moment or later is in its features.

What the past cannot be asked is when a signal reached us: features hold by when things were done,
so a device that was offline is ahead here of what it was online.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from shared.signals import warehouse
from shared.signals.counting import Timeline, TrackCounts
from shared.signals.features import pair_features, track_features, user_features
from shared.signals.listening import Listen, listens
from shared.signals.log import cut, newest_first
from shared.signals.models import Signal

MOST_OF_A_PERSON = 100  # plays: nobody's taste is everybody's, and features cost a ms or two


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A play whose ending is known (`listen.ending`), `user`, `track` and `pair` features as of
    just before it, and for further features the person's signals that counted then (`before`,
    newest first)."""

    listen: Listen
    user: Mapping[str, float]
    track: Mapping[str, float]
    pair: Mapping[str, float]
    before: Sequence[Signal]

    @property
    def track_id(self) -> str:
        """The track that was played."""
        return self.listen.play.track_id or ""


def rows_of(
    signals: Sequence[Signal],
    timelines: Mapping[str, Timeline],
    artists_of: Mapping[str, Sequence[str]],
    since_ms: int,
    chance: random.Random,
    most: int = MOST_OF_A_PERSON,
) -> Iterator[TrainingRow]:
    """The rows of one person, whose `signals` may come in any order, oldest first: `most` of
    their ended plays from `since_ms` on, drawn by `chance` where there are more. `artists_of`
    names the artists of each track."""
    ordered = newest_first(signals)
    ended = [
        one for one in listens(ordered) if one.ending is not None and one.play.ts_ms >= since_ms
    ]
    drawn = chance.sample(ended, most) if len(ended) > most else ended
    for listen in sorted(drawn, key=lambda one: (one.play.ts_ms, one.play.event_id)):
        now_ms, track_id = listen.play.ts_ms, listen.play.track_id or ""
        first = bisect_right(ordered, -now_ms, key=lambda one: -one.ts_ms)
        before = cut(islice(ordered, first, None), now_ms)
        counts = timelines[track_id].at(now_ms) if track_id in timelines else TrackCounts()
        yield TrainingRow(
            listen,
            user=user_features(before, now_ms),
            track=track_features(counts, now_ms),
            pair=pair_features(before, track_id, artists_of.get(track_id, ()), now_ms),
            before=before,
        )


async def training_rows(
    days: int,
    until: datetime | None = None,
    artists_of: Mapping[str, Sequence[str]] | None = None,
    *,
    most_of_a_person: int = MOST_OF_A_PERSON,
    seed: int = 0,
) -> AsyncIterator[TrainingRow]:
    """The rows of everybody who played anything in the `days` before `until` (None: now), person
    by person, in an order that is always the same. Nobody who was suspected to be a machine in
    that time is among them. Raises Unavailable."""
    until = until or datetime.now(UTC)
    timelines = await warehouse.timelines(days, until)
    since_ms = int((until - timedelta(days=days)).timestamp() * 1000)
    async for user_id, signals in warehouse.people(days + warehouse.DAYS, until):
        if any(one.suspected for one in signals):
            continue
        chance = random.Random(f"{seed} {user_id}")
        for row in rows_of(
            signals, timelines, artists_of or {}, since_ms, chance, most_of_a_person
        ):
            yield row
