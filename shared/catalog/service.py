"""Reading and publishing the catalog.

Reads go through bounded in-process caches (F088, F099). Albums and artists change as tracks are
published, and a publish must be seen within a minute, so they are kept shorter than tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from shared.catalog import store
from shared.catalog.models import Album, Artist, Publication, Track, TrackPublished
from shared.platform.cache import ReadThroughCache
from shared.platform.errors import InvalidInput, NotFound
from shared.platform.ids import content_id, is_id

D = TypeVar("D")

TRACK_TTL_S = 300  # F088
ALBUM_TTL_S = 30  # visible within 60 s of a publish (decision 11)
NEGATIVE_TTL_S = 30  # F099
TRACKS_KEPT = 20_000  # about 5 kB each with their encodings
ALBUMS_KEPT = 5_000
ARTISTS_KEPT = 5_000
TRACK_LISTS_KEPT = 1_000
MAX_IDS = 100  # of one `get_tracks` read


async def _read_lists(album_ids: Sequence[str]) -> dict[str, tuple[Track, ...]]:
    return {album_id: await store.read_album_tracks(album_id) for album_id in album_ids}


tracks: ReadThroughCache[str, Track] = ReadThroughCache(
    store.read_tracks, maximum=TRACKS_KEPT, ttl_s=TRACK_TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)
albums: ReadThroughCache[str, Album] = ReadThroughCache(
    store.read_albums, maximum=ALBUMS_KEPT, ttl_s=ALBUM_TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)
artists: ReadThroughCache[str, Artist] = ReadThroughCache(
    store.read_artists, maximum=ARTISTS_KEPT, ttl_s=ALBUM_TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)
track_lists: ReadThroughCache[str, tuple[Track, ...]] = ReadThroughCache(
    _read_lists, maximum=TRACK_LISTS_KEPT, ttl_s=ALBUM_TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)


def checked_id(text: str) -> str:
    """`text` if it has the form of an id; raises InvalidInput."""
    if not is_id(text):
        raise InvalidInput("Invalid base62 id")
    return text


async def get_track(track_id: str) -> Track:
    """The track. Raises InvalidInput for a malformed id, NotFound for an unknown one."""
    track = await tracks.get(checked_id(track_id))
    if track is None:
        raise NotFound(f"Non existing id: 'spotify:track:{track_id}'")
    return track


async def get_album(album_id: str) -> Album:
    """The album. Raises InvalidInput for a malformed id, NotFound for an unknown one."""
    album = await albums.get(checked_id(album_id))
    if album is None:
        raise NotFound(f"Non existing id: 'spotify:album:{album_id}'")
    return album


async def get_artist(artist_id: str) -> Artist:
    """The artist. Raises InvalidInput for a malformed id, NotFound for an unknown one."""
    artist = await artists.get(checked_id(artist_id))
    if artist is None:
        raise NotFound(f"Non existing id: 'spotify:artist:{artist_id}'")
    return artist


async def get_tracks(track_ids: Sequence[str]) -> list[Track | None]:
    """The tracks in the order of `track_ids`, None where there is none, in few reads."""
    return await _many(tracks, track_ids)


async def get_albums(album_ids: Sequence[str]) -> list[Album | None]:
    """The albums in the order of `album_ids`, None where there is none."""
    return await _many(albums, album_ids)


async def get_artists(artist_ids: Sequence[str]) -> list[Artist | None]:
    """The artists in the order of `artist_ids`, None where there is none."""
    return await _many(artists, artist_ids)


async def _many(cache: ReadThroughCache[str, D], ids: Sequence[str]) -> list[D | None]:
    found: dict[str, D] = {}
    for start in range(0, len(ids), MAX_IDS):
        found.update(await cache.get_many(ids[start : start + MAX_IDS]))
    return [found.get(one) for one in ids]


async def all_album_tracks(album_id: str) -> tuple[Track, ...]:
    """All tracks of the album by disc and track number; the same tuple while it is cached."""
    return await track_lists.get(album_id) or ()


async def publish_track(track: Track, album: Album, artists_: Sequence[Artist]) -> Publication:
    """Makes `track` visible; safe to call again and from many workers at once.

    Returns the documents as they now stand (united with what was there before): index those.
    """
    publication = await store.publish(track, album, artists_)
    tracks.forget(track.id)
    albums.forget(album.id)
    track_lists.forget(album.id)
    for artist in artists_:
        artists.forget(artist.id)
    return publication


def track_published(track: Track) -> TrackPublished:
    """The event that tells the rest of the platform; one per asset, however often it is sent."""
    return TrackPublished(
        event_id=content_id("track-published", track.id, track.asset_version),
        track_id=track.id,
        asset_version=track.asset_version,
        content_hash=track.content_hash,
        album_id=track.album_id,
        artist_ids=tuple(artist.id for artist in track.artists),
        published_at=track.published_at,
    )
