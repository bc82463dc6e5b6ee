"""Takes players' events in, keeps the history, and tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.history import quality
from shared.history.keys import Cursor
from shared.history.models import (
    HISTORY_LIFE,
    Listener,
    Play,
    PlaybackEvent,
    ReportedEvent,
    to_ms,
)
from shared.history.signals import signal_of
from shared.history.store import counts, plays
from shared.platform.auth import Principal
from shared.platform.cache import ReadThroughCache
from shared.platform.events import publish
from shared.signals import service as signals

if TYPE_CHECKING:
    from shared.history.shapes import CursorPagingPlayHistoryObject
    from shared.history.taste import TimeRange
    from shared.history.top import TopArtists, TopTracks

STARTS_A_PLAY = "play_started"
PLAY_COUNT_TTL_S = 10
PLAY_COUNTS_KEPT = 20_000

_play_counts: ReadThroughCache[str, int] = ReadThroughCache(
    counts.read, maximum=PLAY_COUNTS_KEPT, ttl_s=PLAY_COUNT_TTL_S, negative_ttl_s=PLAY_COUNT_TTL_S
)


async def accept(caller: Principal, reported: Sequence[ReportedEvent]) -> int:
    """The number of events that Pub/Sub has stored: all of them. Who played, where and on which
    plan is the token's word, never the player's. Raises Unauthenticated for an app's own token."""
    user_id = caller.require_user()
    events = [
        PlaybackEvent(
            **event.model_dump(),
            user_id=user_id,
            country=caller.country,
            tier=caller.tier,
            suspected=caller.suspected or None,
        )
        for event in reported
    ]
    await publish(events)
    quality.tell(events)
    return len(events)


async def record(event: PlaybackEvent) -> None:
    """Keeps a play, counts it, and tells the person's friends; keeps how it began and ended as
    signals of their taste. Other events are the warehouse's alone. Each effect may be repeated, so
    a delivery that failed half way is made again. What is suspected to be a machine's (F286) is in
    its own history, and in no count."""
    signal = signal_of(event)
    if signal is not None:
        await asyncio.gather(load(event), signals.record(signal))


async def load(event: PlaybackEvent) -> None:
    """`record` for a catalogue that is being loaded: plays that no player reported are in the
    history and in the counts, but in nobody's features, as the warehouse does not have them."""
    if event.type != STARTS_A_PLAY:
        return
    play = Play(
        event_id=event.event_id,
        track_id=event.track_id,
        played_at_ms=to_ms(event.ts),
        context_uri=event.context_uri,
        device_id=event.device_id,
    )
    from shared.social.activity import record_activity

    effects = [
        plays.record(event.user_id, play),
        record_activity(event.user_id, event.track_id, event.ts, event.context_uri),
    ]
    if not event.suspected:
        effects.append(counts.add(event.track_id, event.user_id, event.event_id))
    await asyncio.gather(*effects)


async def play_count(track_id: str) -> int:
    """How often everybody has started a track; see `play_counts`."""
    return (await play_counts([track_id]))[track_id]


async def play_counts(track_ids: Iterable[str]) -> dict[str, int]:
    """The same for several tracks. New plays show after `PLAY_COUNT_TTL_S` at most; plays that
    count for money are counted from the warehouse (decision 15)."""
    wanted = set(track_ids)
    found = await _play_counts.get_many(wanted)
    return {track_id: found.get(track_id, 0) for track_id in wanted}


async def top_tracks(user_id: str, time_range: TimeRange, limit: int, offset: int) -> TopTracks:
    """The tracks that a person played most; see `top`."""
    from shared.history import top

    return await top.top_tracks(user_id, time_range, limit, offset)


async def top_artists(user_id: str, time_range: TimeRange, limit: int, offset: int) -> TopArtists:
    """The artists that a person played most; see `top`."""
    from shared.history import top

    return await top.top_artists(user_id, time_range, limit, offset)


def listeners(start: str, end: str | None) -> AsyncIterator[Listener]:
    """Everybody with plays from the user `start` to before `end` (None: to the last), by id, with
    the moment of their newest; one row is read for each."""
    return plays.listeners(start, end)


async def plays_since(user_id: str, since_ms: int, limit: int) -> Sequence[Play]:
    """The newest `limit` plays of `user_id` from `since_ms` on, newest first."""
    return await plays.plays(user_id, since_ms, limit)


async def recently_played(
    caller: Principal, limit: int, before: Cursor | None = None, after: Cursor | None = None
) -> CursorPagingPlayHistoryObject:
    """The Web API's cursor page of `limit` (1..50) plays, newest first; a play whose track is no
    longer in the catalog is left out. Raises Unauthenticated for an app's own token."""
    # Not above: those who report and record events start without the catalog.
    from shared.catalog import service as catalog
    from shared.history import render

    oldest_ms = to_ms(datetime.now(UTC) - HISTORY_LIFE)
    # One more than asked for tells whether there is a next page.
    found = await plays.plays(caller.require_user(), oldest_ms, limit + 1, before, after)
    more = len(found) > limit
    page = found[1:] if more and after is not None else found[:limit]
    market = caller.country or None
    tracks = await catalog.get_tracks([play.track_id for play in page])
    return render.history_page(page, tracks, limit, market, before, after, more)
