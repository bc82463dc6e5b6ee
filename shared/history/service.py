"""Takes players' events in, keeps the history, and tells it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.history import store
from shared.history.keys import Cursor
from shared.history.models import (
    HISTORY_LIFE,
    Play,
    PlaybackEvent,
    ReportedEvent,
    to_ms,
)
from shared.platform.auth import Principal
from shared.platform.events import publish

STARTS_A_PLAY = "play_started"


async def accept(caller: Principal, reported: Sequence[ReportedEvent]) -> int:
    """The number of events that Pub/Sub has stored: all of them. Who played, where and on which
    plan is the token's word, never the player's. Raises Unauthenticated for an app's own token."""
    user_id = caller.require_user()
    events = [
        PlaybackEvent(
            **event.model_dump(), user_id=user_id, country=caller.country, tier=caller.tier
        )
        for event in reported
    ]
    await publish(events)
    return len(events)


async def record(event: PlaybackEvent) -> None:
    """Keeps a play; other events are the warehouse's alone."""
    if event.type != STARTS_A_PLAY:
        return
    play = Play(
        event_id=event.event_id,
        track_id=event.track_id,
        played_at_ms=to_ms(event.ts),
        context_uri=event.context_uri,
    )
    await store.record(event.user_id, play)


async def recently_played(
    caller: Principal, limit: int, before: Cursor | None = None, after: Cursor | None = None
) -> dict[str, Any]:
    """The Web API's cursor page of `limit` (1..50) plays, newest first; a play whose track is no
    longer in the catalog is left out. Raises Unauthenticated for an app's own token."""
    # Not above: those who report and record events start without the catalog.
    from shared.catalog import service as catalog
    from shared.history import render

    oldest_ms = to_ms(datetime.now(UTC) - HISTORY_LIFE)
    # One more than asked for tells whether there is a next page.
    found = await store.plays(caller.require_user(), oldest_ms, limit + 1, before, after)
    more = len(found) > limit
    page = found[1:] if more and after is not None else found[:limit]
    market = caller.country or None
    tracks = await catalog.get_tracks([play.track_id for play in page])
    return render.history_page(page, tracks, limit, market, before, after, more)
