"""Shows and episodes, and how far each person has heard them (F242, F243).

What is published is cached like the rest of the catalog. Resume points are a person's own and
change under their hands: they are read each time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

from shared.platform.cache import ReadThroughCache
from shared.platform.errors import InvalidInput, NotFound
from shared.podcasts import store
from shared.podcasts.models import Episode, ResumePoint, Show

TTL_S = 300  # F088
LIST_TTL_S = 30  # a new episode is seen within a minute
NEGATIVE_TTL_S = 30  # F099
SHOWS_KEPT = 2_000
EPISODES_KEPT = 10_000  # about 2 kB each
LISTS_KEPT = 500
MAX_EPISODES = 10_000  # of one show, the newest
EARLIEST_REPORT = datetime(2020, 1, 1, tzinfo=UTC)
MAX_CLOCK_LEAD = timedelta(seconds=30)  # of a player's clock before ours


async def _read_lists(show_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {one: await store.read_episode_ids(one, MAX_EPISODES) for one in show_ids}


shows: ReadThroughCache[str, Show] = ReadThroughCache(
    store.read_shows, maximum=SHOWS_KEPT, ttl_s=TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)
episodes: ReadThroughCache[str, Episode] = ReadThroughCache(
    store.read_episodes, maximum=EPISODES_KEPT, ttl_s=TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)
episode_lists: ReadThroughCache[str, tuple[str, ...]] = ReadThroughCache(
    _read_lists, maximum=LISTS_KEPT, ttl_s=LIST_TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)


async def get_show(show_id: str) -> Show:
    """The show. Raises NotFound."""
    show = await shows.get(show_id)
    if show is None:
        raise NotFound(f"Non existing id: 'spotify:show:{show_id}'")
    return show


async def get_shows(show_ids: Sequence[str]) -> list[Show | None]:
    """The shows in the order of `show_ids`, None where there is none."""
    found = await shows.get_many(show_ids)
    return [found.get(one) for one in show_ids]


async def get_episode(episode_id: str) -> Episode:
    """The episode. Raises NotFound."""
    episode = await episodes.get(episode_id)
    if episode is None:
        raise NotFound(f"Non existing id: 'spotify:episode:{episode_id}'")
    return episode


async def get_episodes(episode_ids: Sequence[str]) -> list[Episode | None]:
    """The episodes in the order of `episode_ids`, None where there is none."""
    found = await episodes.get_many(episode_ids)
    return [found.get(one) for one in episode_ids]


async def with_shows(found: Sequence[Episode | None]) -> list[tuple[Episode, Show] | None]:
    """Each episode with its show, None where there is no episode or no show of it."""
    of = await shows.get_many({one.show_id for one in found if one})
    return [(one, of[one.show_id]) if one and one.show_id in of else None for one in found]


async def count_episodes(show_id: str) -> int:
    """How many episodes the show has (at most `MAX_EPISODES`)."""
    return len(await episode_lists.get(show_id) or ())


async def show_episodes(
    show_id: str, limit: int | None = None, offset: int = 0
) -> tuple[Episode, ...]:
    """The show's episodes, newest first: all of them (at most `MAX_EPISODES`), or `limit` from
    `offset` on."""
    ids = await episode_lists.get(show_id) or ()
    asked = ids[offset:] if limit is None else ids[offset : offset + limit]
    return tuple(one for one in await get_episodes(asked) if one)


async def resume_points(user_id: str, episode_ids: Sequence[str]) -> dict[str, ResumePoint]:
    """How far the person has heard each of the episodes; the beginning where they never
    reported."""
    held = await store.read_resume_points(user_id, episode_ids)
    return {
        one: held.get(one) or ResumePoint(user_id=user_id, episode_id=one, position_ms=0)
        for one in episode_ids
    }


async def set_resume_point(
    user_id: str,
    episode_id: str,
    position_ms: int,
    fully_played: bool = False,
    at: datetime | None = None,
) -> ResumePoint:
    """Reports how far the person has heard the episode, at the time `at` (now); returns the
    point that stands, which is that of the latest report by its time, in whatever order they
    arrive.

    A position past the end counts as the end. Raises NotFound for an unknown episode,
    InvalidInput for a negative position or an impossible time.
    """
    if position_ms < 0:
        raise InvalidInput("position_ms: 0 or more")
    now = datetime.now(UTC)
    if at is not None and not (at.tzinfo and EARLIEST_REPORT < at <= now + MAX_CLOCK_LEAD):
        raise InvalidInput("reported_at: a time with its zone, since 2020 and not in the future")
    episode = await get_episode(episode_id)
    point = ResumePoint(
        user_id=user_id,
        episode_id=episode_id,
        position_ms=min(position_ms, episode.duration_ms),
        fully_played=fully_played,
        reported_at=min(at or now, now),
    )
    return await store.write_resume_point(point)


def every_show() -> AsyncIterator[list[Show]]:
    """All shows as stored now, a page at a time, without their descriptions in HTML."""
    return store.scan_shows()


def every_episode() -> AsyncIterator[list[Episode]]:
    """All episodes as stored now, a page at a time, without their descriptions."""
    return store.scan_episodes()


async def load(new_shows: Sequence[Show], new_episodes: Sequence[Episode]) -> None:
    """Stores shows and episodes over what is there. Index for search what was loaded."""
    await store.write_all(new_shows, new_episodes)
    for cache in (shows, episodes, episode_lists):
        cache.clear()
