"""What items and playlists refer to: tracks, episodes and people, read together and in bulk."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from shared.accounts import service as accounts
from shared.accounts.models import User
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.playlists.models import Item, Playlist
from shared.podcasts import service as podcasts
from shared.podcasts.models import Episode, Show


@dataclass(frozen=True, slots=True)
class Contents:
    """What there is of what was asked for: tracks and episodes by URI, people by id."""

    tracks: Mapping[str, Track]
    episodes: Mapping[str, tuple[Episode, Show]]
    users: Mapping[str, User]

    def has(self, uri: str) -> bool:
        """Whether `uri` is in the catalogue."""
        return uri in self.tracks or uri in self.episodes


async def contents_of(items: Iterable[Item] = (), playlists: Iterable[Playlist] = ()) -> Contents:
    """All that is needed to show `items` and, with their first item for a picture, `playlists`."""
    items, playlists = list(items), list(playlists)
    uris = {item.uri for item in items} | {one.first_uri for one in playlists if one.first_uri}
    people = {item.added_by for item in items} | {one.owner_id for one in playlists}
    found, users = await asyncio.gather(contents_by_uri(uris), _users(people))
    return Contents(found.tracks, found.episodes, users)


async def contents_by_uri(uris: Collection[str]) -> Contents:
    """The tracks and episodes that there are among `uris`."""
    track_ids = _ids(uris, "track")
    episode_ids = _ids(uris, "episode")
    tracks, episodes = await asyncio.gather(catalog.get_tracks(track_ids), _episodes(episode_ids))
    return Contents(
        {f"spotify:track:{one.id}": one for one in tracks if one is not None},
        {f"spotify:episode:{pair[0].id}": pair for pair in episodes if pair is not None},
        {},
    )


def _ids(uris: Collection[str], kind: str) -> list[str]:
    prefix = f"spotify:{kind}:"
    return [uri.removeprefix(prefix) for uri in uris if uri.startswith(prefix)]


async def _episodes(ids: list[str]) -> list[tuple[Episode, Show] | None]:
    return await podcasts.with_shows(await podcasts.get_episodes(ids)) if ids else []


async def _users(ids: Collection[str]) -> dict[str, User]:
    found = await accounts.get_users(list(ids)) if ids else []
    return {one.id: one for one in found if one is not None}
