"""Reading and publishing the catalog.

Reads go through bounded in-process caches (`shared.catalog.caches`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

from shared.catalog import store, withdrawals
from shared.catalog.caches import (
    ARTIST_LISTS_KEPT,
    NEGATIVE_TTL_S,
    TRACK_TTL_S,
    albums,
    artist_albums,
    artist_tracks,
    artists,
    genre_artists,
    genre_names,
    newest,
    pools,
    recordings,
    track_lists,
    tracks,
)
from shared.catalog.merging import on_blocked_album, sounding_track, stated_track, united
from shared.catalog.models import Album, Artist, Publication, Sound, Track, TrackPublished
from shared.catalog.related import related
from shared.catalog.withdrawals import Kind
from shared.platform.cache import ReadThroughCache
from shared.platform.errors import InvalidInput, NotFound
from shared.platform.ids import content_id, is_id

D = TypeVar("D")

RELATED_GENRES = 3  # of an artist, whose artists may be related
MAX_IDS = 100  # of one `get_tracks` read
MOST_TRACKS = 50_000  # of one artist; more than anybody has
MAX_POOL_ARTISTS = 30  # Firestore's limit of one disjunction


async def _relate(artist_ids: Sequence[str]) -> dict[str, tuple[Artist, ...]]:
    return {one: await _related_to(one) for one in artist_ids}


related_artists: ReadThroughCache[str, tuple[Artist, ...]] = ReadThroughCache(
    _relate, maximum=ARTIST_LISTS_KEPT, ttl_s=TRACK_TTL_S, negative_ttl_s=NEGATIVE_TTL_S
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


async def relinked(track: Track, market: str | None) -> Track:
    """`track`, or where it is not released in `market` the most popular track of the same
    recording (by its ISRC) that is."""
    if market is None or not track.isrc or track.is_released_in(market):
        return track
    same = await recordings.get(track.isrc) or ()
    released = [one for one in same if one.is_released_in(market)]
    return max(released, key=lambda one: (one.popularity, one.id), default=track)


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


async def tracks_of_albums(album_ids: Sequence[str]) -> dict[str, tuple[Track, ...]]:
    """The same for several albums, by album id; reads go out together."""
    lists = await asyncio.gather(*(all_album_tracks(one) for one in album_ids))
    return dict(zip(album_ids, lists, strict=True))


async def get_artist_albums(artist_id: str) -> tuple[Album, ...]:
    """The newest albums that the artist made or is on, at most `caches.ARTIST_ALBUMS`; the same
    tuple while it is cached."""
    return await artist_albums.get(artist_id) or ()


async def get_artist_tracks(artist_id: str) -> tuple[Track, ...]:
    """The artist's tracks by popularity, at most `caches.ARTIST_TRACKS`; the same tuple while it is
    cached."""
    return await artist_tracks.get(artist_id) or ()


async def get_tracks_of_artists(artist_ids: Sequence[str], limit: int) -> tuple[Track, ...]:
    """The `limit` most popular tracks of any of the artists, of whom the first
    `MAX_POOL_ARTISTS` count."""
    chosen = tuple(sorted(set(artist_ids[:MAX_POOL_ARTISTS])))
    return await pools.get((chosen, limit)) or () if chosen else ()


async def get_genre_artists(genre: str) -> tuple[Artist, ...]:
    """The most popular artists of a genre, at most `caches.GENRE_ARTISTS`."""
    return await genre_artists.get(genre) or ()


async def get_genres() -> tuple[str, ...]:
    """The genres of the most popular artists, in alphabetical order."""
    return await genre_names.get(None) or ()


async def get_related_artists(artist_id: str) -> tuple[Artist, ...]:
    """Artists like this one, most alike first (see `related`); the same tuple while it is cached.
    None for an unknown artist."""
    return await related_artists.get(artist_id) or ()


async def get_newest_albums() -> tuple[Album, ...]:
    """The albums that were released latest, newest first, at most `caches.NEW_ALBUMS`; the same
    tuple while it is cached."""
    return await newest.get(None) or ()


async def _related_to(artist_id: str) -> tuple[Artist, ...]:
    artist = await artists.get(artist_id)
    if artist is None:
        return ()
    together = [track.artist_ids for track in await get_artist_tracks(artist_id)]
    companions = sorted({one for ids in together for one in ids} - {artist_id})
    candidates = [one for one in await get_artists(companions) if one]
    for genre in artist.genres[:RELATED_GENRES]:
        candidates += await get_genre_artists(genre)
    return tuple(one.artist for one in related(artist, together, candidates))


def every_track() -> AsyncIterator[list[Track]]:
    """The whole catalogue's tracks as stored now, a page at a time, without their encodings."""
    return store.scan_tracks()


def every_album() -> AsyncIterator[list[Album]]:
    """All albums as stored now, a page at a time."""
    return store.scan_albums()


def every_artist() -> AsyncIterator[list[Artist]]:
    """All artists as stored now, a page at a time."""
    return store.scan_artists()


async def load(
    new_tracks: Sequence[Track], new_albums: Sequence[Album], new_artists: Sequence[Artist]
) -> None:
    """Stores a whole catalogue, or a part of it, over what is there: thousands of documents a
    second, nothing read but whether the tracks' albums are withdrawn; what is withdrawn stays so.

    Give an album together with its tracks: so its `guest_ids`, its `total_tracks` (where that is
    0) and the tracks' copies of it come out right. Index for search what was loaded.
    """
    blocks = await store.read_album_blocks({one.album_id for one in new_tracks})
    agreed, whole = united(new_tracks, new_albums, blocks)
    await store.write_all(agreed, whole, new_artists)
    for cache in (tracks, albums, artists, track_lists, artist_albums, artist_tracks):
        cache.clear()


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
        artist_albums.forget(artist.id)
        artist_tracks.forget(artist.id)
    return publication


async def put_track(track: Track) -> Track:
    """Stores what a catalogue states of `track`, whose sound comes by ingestion: a sound that it
    has already stays, and so do its blocks."""
    blocks = await store.read_album_blocks([track.album_id])
    stated = on_blocked_album(track, blocks.get(track.album_id, ()))

    def change(held: Track | None) -> Track:
        return stated if held is None else stated_track(stated, held)

    return await _change_track(track.id, change)


async def add_sound(track_id: str, sound: Sound) -> Track:
    """Gives the track its sound; a preview that its catalogue named stays. Raises NotFound."""

    def change(held: Track | None) -> Track:
        if held is None:
            raise NotFound(f"Non existing id: 'spotify:track:{track_id}'")
        return sounding_track(held, sound)

    return await _change_track(track_id, change)


async def _change_track(track_id: str, change: Callable[[Track | None], Track]) -> Track:
    track = await store.change_track(track_id, change)
    tracks.forget(track_id)
    track_lists.forget(track.album_id)
    for artist in track.artists:
        artist_tracks.forget(artist.id)
    return track


async def withdraw(kind: Kind, item_id: str, markets: Sequence[str]) -> None:
    """Blocks a track, an album with its tracks, or an artist's entry in `markets` (ISO 3166-1
    alpha-2; none: everywhere), besides those in which it is blocked already. Nothing but
    `restore` lifts a block. Raises InvalidInput, NotFound."""
    await _reblock(kind, item_id, lambda held: withdrawals.withdrawn(held, markets))


async def restore(kind: Kind, item_id: str, markets: Sequence[str]) -> None:
    """Lifts the item's own blocks in `markets` (none: all of them); a track stays blocked where
    its album is. Raises InvalidInput, NotFound."""
    await _reblock(kind, item_id, lambda held: withdrawals.restored(held, markets))


async def _reblock(
    kind: Kind, item_id: str, blocks: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> None:
    unknown = NotFound(f"Non existing id: 'spotify:{kind}:{item_id}'")
    checked_id(item_id)
    if kind == "track":

        def change(held: Track | None) -> Track:
            if held is None:
                raise unknown
            return held.model_copy(update={"blocked_in": blocks(held.blocked_in)})

        await _change_track(item_id, change)
    elif kind == "album":
        album = await store.change_album_blocks(item_id, lambda held: blocks(held.blocked_in))
        if album is None:
            raise unknown
        for track in await store.read_album_tracks(item_id):
            tracks.forget(track.id)
        albums.forget(item_id)
        track_lists.forget(item_id)
        for artist_id in album.artist_ids:
            artist_albums.forget(artist_id)
            artist_tracks.forget(artist_id)
    else:
        artist = await store.change_artist(
            item_id, lambda held: held.model_copy(update={"blocked_in": blocks(held.blocked_in)})
        )
        if artist is None:
            raise unknown
        artists.forget(item_id)


async def tracks_by_artist(artist_id: str) -> tuple[Track, ...]:
    """Every track that the artist is on, as stored now."""
    return await store.read_artist_tracks([artist_id], MOST_TRACKS)


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
