"""Following artists, people and playlists (F154, F158, F236).

Whether the target exists, and whether the caller may see it, is for the one who calls. An
acknowledged change is never lost to the rest of the platform: it is committed first, then its
event is published, and only then is the call answered. Where the publish fails the call fails, and
the same call again, though it finds nothing to change, publishes again; consumers drop what they
have by its event id. Beside it goes the signal that recommendations learn from, which nobody waits
for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from shared.platform import counters
from shared.platform.errors import InvalidInput, Unavailable
from shared.platform.events import publish
from shared.signals import service as signals
from shared.social.models import (
    FollowChanged,
    FollowCursorPage,
    FollowKind,
    FollowPage,
    is_target_id,
)
from shared.social.store import follows as store

IDS_A_COMMIT = 50


async def follow(
    follower_id: str,
    kind: FollowKind,
    ids: Sequence[str],
    *,
    public: bool = True,
    suspected: bool = False,
) -> None:
    """Makes `follower_id` follow all of `ids`; those followed already keep their place, and take
    `public` (whether others may see it). What is `suspected` to be a machine's (F286) teaches
    nobody anything. Raises InvalidInput for a malformed id, Unavailable."""
    await _change(
        follower_id,
        kind,
        ids,
        True,
        suspected,
        lambda part: store.follow(follower_id, kind, part, public),
    )


async def unfollow(
    follower_id: str, kind: FollowKind, ids: Sequence[str], *, suspected: bool = False
) -> None:
    """Makes `follower_id` follow none of `ids`; `suspected` as in `follow`. Raises InvalidInput
    for a malformed id, Unavailable."""
    await _change(
        follower_id,
        kind,
        ids,
        False,
        suspected,
        lambda part: store.unfollow(follower_id, kind, part),
    )


async def load(
    follower_id: str, kind: FollowKind, ids: Sequence[str], *, public: bool = True
) -> None:
    """`follow` for a catalogue that is being loaded: it publishes no events."""
    distinct = _checked(follower_id, kind, ids)
    for start in range(0, len(distinct), IDS_A_COMMIT):
        await store.follow(follower_id, kind, distinct[start : start + IDS_A_COMMIT], public)


async def is_following(follower_id: str, kind: FollowKind, ids: Sequence[str]) -> list[bool]:
    """For each of `ids`, whether it is followed. Raises InvalidInput for a malformed id."""
    distinct = _checked(follower_id, kind, ids)
    followed = await store.are_followed(follower_id, kind, distinct) if distinct else set()
    return [one in followed for one in ids]


async def following(follower_id: str, kind: FollowKind, limit: int, offset: int = 0) -> FollowPage:
    """At most `limit` (1 or more) of what is followed, newest first."""
    found, total = await store.following(follower_id, kind, limit, offset)
    return FollowPage(tuple(found), total)


async def following_after(
    follower_id: str, kind: FollowKind, limit: int, after: str | None
) -> FollowCursorPage:
    """At most `limit` (1 or more) of what is followed, newest first, from the one after `after`
    on. It starts at the newest where `after` is None or is not followed any longer, so that a
    reader who unfollows page by page misses none. Raises InvalidInput for a malformed `after`."""
    if after is not None:
        _checked(follower_id, kind, [after])
    # One more than asked for tells whether there is a next page.
    found, total = await store.following_after(follower_id, kind, limit + 1, after)
    ids = tuple(found[:limit])
    return FollowCursorPage(ids, total, ids[-1] if len(found) > limit else None)


async def follower_count(kind: FollowKind, target_id: str) -> int:
    """How many follow `target_id`; other instances' changes show after half a minute at most."""
    return await counters.total(store.counter_kind(kind), target_id)


async def follower_counts(kind: FollowKind, ids: Iterable[str]) -> dict[str, int]:
    """The same for each of `ids`."""
    return await counters.totals(store.counter_kind(kind), ids)


async def _change(
    follower_id: str,
    kind: FollowKind,
    ids: Sequence[str],
    following: bool,
    suspected: bool,
    write: Callable[[Sequence[str]], Awaitable[store.Times]],
) -> None:
    from google.api_core.exceptions import GoogleAPICallError

    distinct = _checked(follower_id, kind, ids)
    for start in range(0, len(distinct), IDS_A_COMMIT):
        times = await write(distinct[start : start + IDS_A_COMMIT])
        events = [
            FollowChanged.of(follower_id, kind, target_id, following, at)
            for target_id, at in times.items()
        ]
        try:
            await asyncio.gather(
                publish(events), signals.publish(event.as_signal(suspected) for event in events)
            )
        except GoogleAPICallError as error:
            raise Unavailable("Not everybody could be told; please send this again.") from error


def _checked(follower_id: str, kind: FollowKind, ids: Sequence[str]) -> list[str]:
    """`ids` without repetitions; raises InvalidInput for one that is none."""
    if not is_target_id("user", follower_id):
        raise InvalidInput("Invalid user id")
    for one in ids:
        if not is_target_id(kind, one):
            raise InvalidInput(f"Invalid {kind} id")
    return list(dict.fromkeys(ids))
