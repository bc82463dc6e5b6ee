"""What a player can play from: albums, artists, playlists, shows, saved tracks, lists of items.

A player keeps at most `CONTEXT_LIMIT` items. Of anything longer it plays a window around the item
that it starts at: 2,000 tracks are five days of music. Items that are not released in the
listener's country are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.connect.models import Item
from shared.platform.errors import Forbidden, InvalidInput, NotFound

CONTEXT_LIMIT = 2_000
BEFORE_START = 500  # of these, how many from before the item that it starts at
ITEM_PATTERN = r"^spotify:(track|episode):[0-9A-Za-z]{22}$"
CONTEXT_PATTERN = (
    r"^spotify:((album|artist|playlist|show):[0-9A-Za-z]{22}"
    r"|user:[0-9A-Za-z_.-]{1,64}:(collection|playlist:[0-9A-Za-z]{22}))$"
)
_ITEM = re.compile(ITEM_PATTERN)
_CONTEXT = re.compile(CONTEXT_PATTERN)


@dataclass(frozen=True, slots=True)
class Listener:
    """Whose player it is; `country` is ISO 3166-1 alpha-2."""

    user_id: str
    country: str


@dataclass(frozen=True, slots=True)
class Offset:
    """Where in a context to start: at an index (0 ..) or at an item."""

    position: int | None = None
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The items to play, and the index to start at, if the request said one."""

    items: tuple[Item, ...]
    start: int | None


async def open_context(listener: Listener, uri: str, offset: Offset | None) -> Opened:
    """The items of a context. Raises InvalidInput for what is no context, NotFound where there is
    none or it lacks the item at `offset`, Forbidden for somebody else's saved tracks."""
    if not _CONTEXT.fullmatch(uri):
        raise InvalidInput(f"context_uri: no context that can be played: {uri[:100]!r}")
    return await _opened(listener, await _uris(listener, uri), offset)


async def open_items(listener: Listener, uris: Sequence[str], offset: Offset | None) -> Opened:
    """The items of a list. Raises InvalidInput for what is neither track nor episode, NotFound
    when none of them is there."""
    for uri in uris:
        checked_item(uri)
    return await _opened(listener, uris, offset)


async def released(listener: Listener, track_ids: Sequence[str]) -> tuple[Item, ...]:
    """Those of these tracks that are there and released in the listener's country, in order."""
    uris = [f"spotify:track:{one}" for one in track_ids]
    found = await _items(listener, uris)
    return tuple(found[uri] for uri in uris if uri in found)


async def get_item(listener: Listener, uri: str) -> Item:
    """One item. Raises InvalidInput or NotFound."""
    found = (await _items(listener, [checked_item(uri)])).get(uri)
    if found is None:
        raise NotFound(f"Non existing or unavailable: {uri!r}", reason="NO_SPECIFIC_TRACK")
    return found


def checked_item(uri: str) -> str:
    """`uri` if it is a track's or an episode's. Raises InvalidInput."""
    if not _ITEM.fullmatch(uri):
        raise InvalidInput(f"Invalid track uri: {uri[:100]!r}")
    return uri


async def _opened(listener: Listener, uris: Sequence[str], offset: Offset | None) -> Opened:
    start = _start(uris, offset)
    low = min(max((start or 0) - BEFORE_START, 0), max(len(uris) - CONTEXT_LIMIT, 0))
    window = uris[low : low + CONTEXT_LIMIT]
    found = await _items(listener, window)
    indices = [index for index, uri in enumerate(window) if uri in found]
    items = tuple(found[window[index]] for index in indices)
    if not items:
        raise NotFound("There is nothing to play here", reason="NO_SPECIFIC_TRACK")
    if start is None:
        return Opened(items, None)
    # An item that is passed over is followed by the next that is not.
    place = next((n for n, index in enumerate(indices) if index + low >= start), None)
    if place is None:
        raise NotFound("Nothing is left to play there", reason="NO_SPECIFIC_TRACK")
    return Opened(items, place)


def _start(uris: Sequence[str], offset: Offset | None) -> int | None:
    if offset is None:
        return None
    if offset.uri is not None:
        if offset.uri not in uris:
            raise NotFound("offset.uri: the context has no such item", reason="NO_SPECIFIC_TRACK")
        return list(uris).index(offset.uri)
    if offset.position is None:
        return None
    if offset.position >= len(uris):
        raise NotFound(
            f"offset.position: the context has {len(uris)} items", reason="NO_SPECIFIC_TRACK"
        )
    return offset.position


async def _uris(listener: Listener, uri: str) -> list[str]:
    """All items of the context `uri`, in its order."""
    _, kind, item_id, *rest = uri.split(":")
    if kind == "user" and rest == ["collection"]:
        return await _saved_tracks(listener, item_id)
    if kind == "user":  # as playlists were named when they belonged to a name
        kind, item_id = "playlist", rest[1]
    if kind == "album":
        await catalog.get_album(item_id)
        return [_track_uri(track) for track in await catalog.all_album_tracks(item_id)]
    if kind == "artist":
        await catalog.get_artist(item_id)
        return [_track_uri(track) for track in await catalog.get_artist_tracks(item_id)]
    if kind == "show":
        from shared.podcasts import service as podcasts

        await podcasts.get_show(item_id)
        return [f"spotify:episode:{one.id}" for one in await podcasts.show_episodes(item_id)]
    from shared.playlists import service as playlists

    uris = await playlists.item_uris(listener.user_id, item_id)
    return [one for one in uris if _ITEM.fullmatch(one)]


async def _saved_tracks(listener: Listener, owner_id: str) -> list[str]:
    from shared.library import service as library

    if owner_id != listener.user_id:
        raise Forbidden("These are somebody else's saved tracks", reason="CONTEXT_DISALLOW")
    page = await library.saved(owner_id, "track", CONTEXT_LIMIT, 0)
    return [f"spotify:track:{saved.item_id}" for saved in page.items]


async def _items(listener: Listener, uris: Sequence[str]) -> dict[str, Item]:
    """Those of `uris` that are there and released in the listener's country."""
    tracks = list(dict.fromkeys(uri[14:] for uri in uris if uri.startswith("spotify:track:")))
    episodes = list(dict.fromkeys(uri[16:] for uri in uris if uri.startswith("spotify:episode:")))
    found = {
        _track_uri(track): Item(_track_uri(track), track.duration_ms)
        for track in await catalog.get_tracks(tracks)
        if track is not None and track.is_released_in(listener.country)
    }
    if episodes:
        found.update(await _episodes(listener, episodes))
    return found


async def _episodes(listener: Listener, episode_ids: Sequence[str]) -> dict[str, Item]:
    from shared.podcasts import service as podcasts

    found = await podcasts.with_shows(await podcasts.get_episodes(episode_ids))
    return {
        f"spotify:episode:{episode.id}": Item(f"spotify:episode:{episode.id}", episode.duration_ms)
        for episode, show in filter(None, found)
        if show.is_released_in(listener.country)
    }


def _track_uri(track: Track) -> str:
    return f"spotify:track:{track.id}"
