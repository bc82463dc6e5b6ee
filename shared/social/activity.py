"""What friends played last (F237).

Who sees what: a person's last play is shown to those who follow them, and only while they have
opted in; plays from before they did are never shown, nor any older than `SHOWN_FOR`. To opt out
deletes what is kept. It may lag behind the music by as long as events take.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from shared.social.models import Activity, LastPlay
from shared.social.store import activity as store
from shared.social.store import follows

SHOWN_FOR = timedelta(days=30)
FRIENDS_ASKED = 500  # the latest followed; Firestore bills each document that is asked for


async def set_sharing(user_id: str, enabled: bool, since: datetime | None = None) -> None:
    """Opts `user_id` in, from now or as of `since`, or out; the same again changes nothing."""
    if enabled:
        await store.opt_in(user_id, since or datetime.now(UTC))
    else:
        await store.opt_out(user_id)


async def is_sharing(user_id: str) -> bool:
    """Whether `user_id` has opted in."""
    return user_id in await store.read([user_id])


async def record_activity(
    user_id: str, track_id: str, played_at: datetime, context_uri: str | None = None
) -> None:
    """Keeps the play as the last one of `user_id` if they opted in before it; plays may come in
    any order and more than once. One from a player whose clock is ahead counts as played now, or it
    would stay the last for as long."""
    played_at = min(played_at, datetime.now(UTC))
    await store.put(user_id, LastPlay(track_id, played_at, context_uri))


async def friends_activity(user_id: str, limit: int) -> list[tuple[str, LastPlay]]:
    """At most `limit` of the people whom `user_id` follows with what each played last, newest
    first."""
    friends, _ = await follows.following(user_id, "user", FRIENDS_ASKED, 0)
    if not friends:
        return []
    shared = await store.read(friends)
    return newest(shared.values(), datetime.now(UTC), limit)


def newest(activities: Iterable[Activity], now: datetime, limit: int) -> list[tuple[str, LastPlay]]:
    """The latest `limit` plays that may still be shown, newest first (ties by user id)."""
    plays = [
        (one.user_id, one.last)
        for one in activities
        if one.last is not None and now - SHOWN_FOR <= one.last.played_at
    ]
    return sorted(plays, key=lambda play: (play[1].played_at, play[0]), reverse=True)[:limit]
