"""Joins retrieval and ranking: the second stage of a list (F195), with what it must read.

What a model learned from counts of tracks it must be asked with, and those are rows of Bigtable. A
job that makes lists for thousands holds them for an hour. A request ranks few (`choosing.NEAR`) and
waits for counts no longer than `PATIENCE_S`: without them a track counts as one that nobody has
played.

Of the first `SHOWN` places a share is for tracks that nobody knows yet
(`shared.experiments.exploration`), whatever ranking makes of them: or they would never be known.
The rules come after it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.experiments.bandit import generator_of
from shared.experiments.exploration import NEW_BELOW_PLAYS, with_floor
from shared.platform.cache import ReadThroughCache
from shared.recommendations.items import Bundle, Scored, Why
from shared.recommendations.products.choosing import Order
from shared.recommendations.ranking.features import items_of
from shared.recommendations.ranking.ranker import Context, Ranker
from shared.recommendations.taste import Listener
from shared.signals import service as signals
from shared.signals.features import track_features

if TYPE_CHECKING:
    import numpy as np

SHOWN = 50  # as long as the longest list
PATIENCE_S = 0.15
HELD_S, JOB_HELD_S = 60.0, 3_600.0
KEPT = 100_000  # tracks of some 2 kB
_log = logging.getLogger(__name__)


class Ordering:
    """Orders candidates for listeners. `is_job`: time is no matter, but every read counts."""

    def __init__(self, ranker: Ranker | None = None, *, is_job: bool = False) -> None:
        self.ranker = ranker or Ranker()
        self._patience_s = None if is_job else PATIENCE_S
        held_s = JOB_HELD_S if is_job else HELD_S
        self._tracks: ReadThroughCache[str, Mapping[str, float]] = ReadThroughCache(
            _read, maximum=KEPT, ttl_s=held_s, negative_ttl_s=held_s
        )

    def __call__(self, bundle: Bundle, listener: Listener) -> Order:
        """The order for one person, as of now."""

        async def order(candidates: Sequence[Scored]) -> Sequence[Scored]:
            tracks = await self._features([one.item.track_id for one in candidates])
            now_ms = time.time_ns() // 1_000_000
            context = Context(now_ms, items_of(bundle), listener.signals)
            ranked = self.ranker.order(listener.taste, candidates, context, tracks)
            chances = generator_of(listener.taste.user_id, datetime.now(UTC), "new tracks")
            return explored(ranked, chances)

        return order

    async def _features(self, track_ids: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
        reading = self._tracks.get_many(track_ids)
        try:
            return await asyncio.wait_for(reading, self._patience_s)
        except Exception as error:
            if self._patience_s is None:
                raise
            _log.warning("ranked without counts of tracks: %r", error)
            return {}


def explored(
    ranked: Sequence[Scored], generator: np.random.Generator, shown: int = SHOWN
) -> list[Scored]:
    """`ranked`, best first, with its share of new tracks among the first `shown`. Those that were
    drawn say so, and are scored as the place that they were given. Pure."""
    by_row = {one.row: one for one in ranked}
    new = [one.row for one in ranked if one.item.plays < NEW_BELOW_PLAYS]
    first = with_floor([one.row for one in ranked], new, shown, generator)
    best = {one.row for one in ranked[:shown]}
    drawn = [row for row in first if row not in best]
    if not drawn:
        return list(ranked)
    taken = set(first)
    rest = [one for one in ranked if one.row not in taken]
    score = rest[0].score if rest else ranked[-1].score
    found: list[Scored] = []
    for row in reversed(first):  # each drawn one takes the score of the next that was not
        one = by_row[row]
        if row in drawn:
            one = replace(one, score=score, why=Why("something_new"))
        score = one.score
        found.append(one)
    return [*reversed(found), *rest]


async def _read(track_ids: Sequence[str]) -> dict[str, Mapping[str, float]]:
    now_ms = time.time_ns() // 1_000_000
    counts = await signals.track_counts(track_ids)
    return {one: track_features(found, now_ms) for one, found in counts.items()}
