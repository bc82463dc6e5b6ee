"""What a person likes, for search to rank by (F179): whom they follow, what they play.

An artist whom they follow weighs 1. One whom they play weighs s / (s + 3), where s is the score of
`shared.history.taste` over four weeks: three plays of today make a half, and no number of them
outweighs a follow. A track that they play weighs likewise.

Affinity is taken as of a whole minute, and that minute travels in the links to the next page, so
that a play in between moves nothing from one page to another, on whichever instance.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence

from shared.catalog import service as catalog
from shared.history import taste
from shared.history.store import plays
from shared.platform.cache import ReadThroughCache
from shared.search.models import Affinity
from shared.social import service as social

HALF_SCORE = 3.0  # the taste score that weighs a half
PLAYS_READ = 200  # the newest
FOLLOWED_READ = 200  # artists, the newest
PATIENCE_S = 0.05  # of a first page; the next query has what came too late
PAGE_PATIENCE_S = 2.0  # of a later page, which must be cut from the same order
PAGES_LAST_MIN = 60  # so old a minute may be asked for
_MINUTE_MS = 60_000
_KEPT = 2_000  # people; about 20 kB each
_KEPT_S = 900

NONE = Affinity()
_log = logging.getLogger(__name__)


async def of(user_id: str, minute: int | None = None) -> tuple[Affinity, int]:
    """What `user_id` likes as of `minute` (minutes since 1970; None: the present one), and that
    minute; nothing and 0 where the stores take too long or fail, for no search waits for this.
    A page that follows another gives the other's minute: 0 stays nothing."""
    present = int(time.time()) // 60
    is_first = minute is None or not present - PAGES_LAST_MIN <= minute <= present
    if minute == 0:
        return NONE, 0
    asked = present if is_first or minute is None else minute
    reading = asyncio.ensure_future(_held.get((user_id, asked)))
    reading.add_done_callback(_complain)
    done, _ = await asyncio.wait([reading], timeout=PATIENCE_S if is_first else PAGE_PATIENCE_S)
    if not done or reading.exception() is not None:
        return NONE, 0
    return reading.result() or NONE, asked


def weighed(
    followed: Iterable[str],
    track_scores: Mapping[str, float],
    artists_of: Mapping[str, Sequence[str]],
) -> Affinity:
    """The weights of `followed` artists and of what `track_scores` (by track id) says is played;
    `artists_of` names the artists of each track."""
    played = taste.artist_scores(track_scores, artists_of)
    artists = {one: score / (score + HALF_SCORE) for one, score in played.items()}
    artists.update(dict.fromkeys(followed, 1.0))
    tracks = {f"track:{one}": score / (score + HALF_SCORE) for one, score in track_scores.items()}
    return Affinity(artists, tracks)


async def _read(user_id: str, minute: int) -> Affinity:
    now_ms = minute * _MINUTE_MS
    reach_ms = int(taste.SPANS["short_term"].reaches_back.total_seconds() * 1000)
    followed, played = await asyncio.gather(
        social.following(user_id, "artist", FOLLOWED_READ),
        plays.plays(user_id, now_ms - reach_ms, PLAYS_READ),
    )
    before = [play for play in played if play.played_at_ms < now_ms]
    scores = taste.track_scores(before, "short_term", now_ms)
    tracks = await catalog.get_tracks(list(scores))
    return weighed(followed.ids, scores, {one.id: one.artist_ids for one in tracks if one})


async def _read_many(keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Affinity]:
    found = await asyncio.gather(*(_read(*key) for key in keys))
    return dict(zip(keys, found, strict=True))


_held: ReadThroughCache[tuple[str, int], Affinity] = ReadThroughCache(
    _read_many, maximum=_KEPT, ttl_s=_KEPT_S, negative_ttl_s=_KEPT_S
)


def _complain(reading: asyncio.Future[Affinity | None]) -> None:
    if not reading.cancelled() and (error := reading.exception()) is not None:
        _log.warning("a search goes without affinity: %r", error)
