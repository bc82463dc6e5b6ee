"""What the podcast operations answer: shows and episodes found and shaped.

`market` is a checked country code, or None. `listener_id` is whose resume points are shown, None
where the token may not read them. Raises NotFound for an unknown id, except where several are
asked at once: there it is null.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.platform.shapes import Page
from shared.podcasts import render, service, shapes
from shared.podcasts.models import Episode, ResumePoint


async def show(show_id: str, market: str | None, listener_id: str | None) -> shapes.ShowObject:
    """ShowObject with its newest episodes."""
    found = await service.get_show(show_id)
    episodes = await service.show_episodes(show_id, render.SHOW_PAGE)
    total = await service.count_episodes(show_id)
    points = await _points(listener_id, episodes)
    return render.show_object(found, episodes, total, market, points)


async def shows(show_ids: Sequence[str]) -> shapes.ShowsObject:
    """SimplifiedShowObjects."""
    found = await service.get_shows(show_ids)
    return {"shows": [render.simplified_show(one) if one else None for one in found]}


async def show_episodes(
    show_id: str, market: str | None, listener_id: str | None, limit: int, offset: int
) -> Page[shapes.SimplifiedEpisodeObject]:
    """A page of a show's episodes, newest first."""
    found = await service.get_show(show_id)
    episodes = await service.show_episodes(show_id, limit, offset)
    total = await service.count_episodes(show_id)
    points = await _points(listener_id, episodes)
    return render.episodes_page(found, episodes, total, limit, offset, market, points)


async def episode(
    episode_id: str, market: str | None, listener_id: str | None
) -> shapes.EpisodeObject:
    """EpisodeObject."""
    found = await service.get_episode(episode_id)
    its_show = await service.get_show(found.show_id)
    points = await _points(listener_id, [found])
    return render.episode_object(found, its_show, market, points[episode_id] if points else None)


async def episodes(
    episode_ids: Sequence[str], market: str | None, listener_id: str | None
) -> shapes.EpisodesObject:
    """EpisodeObjects."""
    found = await service.with_shows(await service.get_episodes(episode_ids))
    points = await _points(listener_id, [pair[0] for pair in found if pair])
    return {
        "episodes": [
            render.episode_object(*pair, market, points[pair[0].id] if points else None)
            if pair
            else None
            for pair in found
        ]
    }


async def found_shows(
    show_ids: Sequence[str], where: str | None, *, explicit: bool
) -> list[shapes.SimplifiedShowObject]:
    """SimplifiedShowObjects of what a search found, without what is no longer there, not released
    in `where` (None: anywhere), or, unless `explicit` is wanted, explicit (F187)."""
    return [
        render.simplified_show(one)
        for one in await service.get_shows(show_ids)
        if one and one.is_released_in(where) and (explicit or not one.explicit)
    ]


async def found_episodes(
    episode_ids: Sequence[str], where: str | None, market: str | None, *, explicit: bool
) -> list[shapes.SimplifiedEpisodeObject]:
    """SimplifiedEpisodeObjects of what a search found, as `found_shows`."""
    pairs = await service.with_shows(await service.get_episodes(episode_ids))
    return [
        render.simplified_episode(episode, show, market)
        for episode, show in filter(None, pairs)
        if show.is_released_in(where) and (explicit or not (episode.explicit or show.explicit))
    ]


async def _points(
    listener_id: str | None, found: Sequence[Episode]
) -> dict[str, ResumePoint] | None:
    if listener_id is None:
        return None
    return await service.resume_points(listener_id, [one.id for one in found])
