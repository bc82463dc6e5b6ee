"""The tracks and artists that somebody played most (`/v1/me/top`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cachetools import TTLCache

from shared.catalog import service as catalog
from shared.catalog.models import Artist, Track
from shared.history import taste
from shared.history.models import HISTORY_LIFE, to_ms
from shared.history.store import plays
from shared.history.taste import TimeRange

PLAYS_READ = 20_000  # newest first: over 200 a day for all of the history
RANKINGS_KEPT = 2_000  # about 50 kB each
RANKING_TTL_S = 60.0  # taste changes slowly; a new play makes a new ranking at once


@dataclass(frozen=True, slots=True)
class Ranking:
    """Tracks and artists that are in the catalog, best first; `newest` is the play it ends
    with."""

    newest: str | None
    tracks: tuple[str, ...]
    artists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopTracks:
    """Part of the ranking, of `total`."""

    items: tuple[Track, ...]
    total: int


@dataclass(frozen=True, slots=True)
class TopArtists:
    """Part of the ranking, of `total`."""

    items: tuple[Artist, ...]
    total: int


_rankings: TTLCache[tuple[str, TimeRange], Ranking] = TTLCache(
    RANKINGS_KEPT, RANKING_TTL_S, time.monotonic
)


async def top_tracks(user_id: str, time_range: TimeRange, limit: int, offset: int) -> TopTracks:
    """At most `limit` tracks from `offset` on; `taste` says how they are ranked and how far the
    ranges reach."""
    best = (await _ranking(user_id, time_range)).tracks
    found = await catalog.get_tracks(best[offset : offset + limit])
    return TopTracks(tuple(one for one in found if one is not None), len(best))


async def top_artists(user_id: str, time_range: TimeRange, limit: int, offset: int) -> TopArtists:
    """At most `limit` artists from `offset` on; see `top_tracks`."""
    best = (await _ranking(user_id, time_range)).artists
    found = await catalog.get_artists(best[offset : offset + limit])
    return TopArtists(tuple(one for one in found if one is not None), len(best))


async def _ranking(user_id: str, time_range: TimeRange) -> Ranking:
    now_ms = to_ms(datetime.now(UTC))
    oldest_ms = to_ms(datetime.now(UTC) - HISTORY_LIFE)
    newest = await plays.plays(user_id, oldest_ms, 1)
    last = newest[0].event_id if newest else None
    held = _rankings.get((user_id, time_range))
    if held is not None and held.newest == last:
        return held
    reaches_back_ms = now_ms - taste.SPANS[time_range].reaches_back.total_seconds() * 1000
    oldest_ms = max(oldest_ms, int(reaches_back_ms))
    played = await plays.plays(user_id, oldest_ms, PLAYS_READ) if newest else []
    scores = taste.track_scores(played, time_range, now_ms)
    found = await _tracks(taste.ranked(scores))
    tracks = {one: scores[one] for one in found}
    artists_of = {one: [artist.id for artist in track.artists] for one, track in found.items()}
    artists = taste.ranked(taste.artist_scores(tracks, artists_of))
    known = {one.id for one in await catalog.get_artists(artists) if one is not None}
    made = Ranking(last, taste.ranked(tracks), tuple(one for one in artists if one in known))
    _rankings[user_id, time_range] = made
    return made


async def _tracks(track_ids: Sequence[str]) -> dict[str, Track]:
    found = await catalog.get_tracks(track_ids)
    return {one.id: one for one in found if one is not None}
