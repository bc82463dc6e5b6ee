"""What the catalog's instances keep of what the store reads (F088, F099, F140, F141): bounded, by
key, for a time.

Albums, artists and lists change as tracks are published, and a publish must be seen within a
minute, so they are kept shorter than tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.catalog import store
from shared.catalog.models import Album, Artist, Track
from shared.platform.cache import ReadThroughCache

TRACK_TTL_S = 300  # F088
SILENT_TTL_S = 2  # a track of a loaded catalogue whose sound may come any moment
ALBUM_TTL_S = 30  # visible within 60 s of a publish (decision 11)
NEGATIVE_TTL_S = 30  # F099
TRACKS_KEPT = 20_000  # about 5 kB each with their encodings
ALBUMS_KEPT = 5_000
ARTISTS_KEPT = 5_000
TRACK_LISTS_KEPT = 1_000
ARTIST_LISTS_KEPT = 1_000
ARTIST_ALBUMS = 500  # an artist's newest
ARTIST_TRACKS = 100  # an artist's most popular
RECORDINGS = 20  # tracks with one ISRC
GENRE_ARTISTS = 50  # a genre's most popular
GENRES_OF_ARTISTS = 300  # whose genres are the ones to name
NEW_ALBUMS = 200


async def _read_lists(album_ids: Sequence[str]) -> dict[str, tuple[Track, ...]]:
    return {album_id: await store.read_album_tracks(album_id) for album_id in album_ids}


async def _read_artist_albums(artist_ids: Sequence[str]) -> dict[str, tuple[Album, ...]]:
    return {one: await store.read_artist_albums(one, ARTIST_ALBUMS) for one in artist_ids}


async def _read_artist_tracks(artist_ids: Sequence[str]) -> dict[str, tuple[Track, ...]]:
    return {one: await store.read_artist_tracks([one], ARTIST_TRACKS) for one in artist_ids}


async def _read_recordings(isrcs: Sequence[str]) -> dict[str, tuple[Track, ...]]:
    return {one: await store.read_recordings(one, RECORDINGS) for one in isrcs}


async def _read_genres(genres: Sequence[str]) -> dict[str, tuple[Artist, ...]]:
    return {one: await store.read_genre_artists(one, GENRE_ARTISTS) for one in genres}


async def _read_pools(
    keys: Sequence[tuple[tuple[str, ...], int]],
) -> dict[tuple[tuple[str, ...], int], tuple[Track, ...]]:
    return {key: await store.read_artist_tracks(*key) for key in keys}


async def _read_names(_: Sequence[None]) -> dict[None, tuple[str, ...]]:
    return {None: tuple(sorted(await store.read_top_genres(GENRES_OF_ARTISTS)))}


async def _read_newest(_: Sequence[None]) -> dict[None, tuple[Album, ...]]:
    today = datetime.now(UTC).date().isoformat()
    return {None: await store.read_newest_albums(today, NEW_ALBUMS)}


def _track_ttl_s(track: Track) -> float:
    return TRACK_TTL_S if track.encodings else SILENT_TTL_S


tracks: ReadThroughCache[str, Track] = ReadThroughCache(
    store.read_tracks, maximum=TRACKS_KEPT, ttl_s=_track_ttl_s, negative_ttl_s=NEGATIVE_TTL_S
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

artist_albums: ReadThroughCache[str, tuple[Album, ...]] = ReadThroughCache(
    _read_artist_albums,
    maximum=ARTIST_LISTS_KEPT,
    ttl_s=ALBUM_TTL_S,
    negative_ttl_s=NEGATIVE_TTL_S,
)
artist_tracks: ReadThroughCache[str, tuple[Track, ...]] = ReadThroughCache(
    _read_artist_tracks,
    maximum=ARTIST_LISTS_KEPT,
    ttl_s=ALBUM_TTL_S,
    negative_ttl_s=NEGATIVE_TTL_S,
)
recordings: ReadThroughCache[str, tuple[Track, ...]] = ReadThroughCache(
    _read_recordings,
    maximum=ARTIST_LISTS_KEPT,
    ttl_s=TRACK_TTL_S,
    negative_ttl_s=NEGATIVE_TTL_S,
)
genre_artists: ReadThroughCache[str, tuple[Artist, ...]] = ReadThroughCache(
    _read_genres, maximum=ARTIST_LISTS_KEPT, ttl_s=TRACK_TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)
pools: ReadThroughCache[tuple[tuple[str, ...], int], tuple[Track, ...]] = ReadThroughCache(
    _read_pools, maximum=ARTIST_LISTS_KEPT, ttl_s=TRACK_TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)
genre_names: ReadThroughCache[None, tuple[str, ...]] = ReadThroughCache(
    _read_names, maximum=1, ttl_s=TRACK_TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)
newest: ReadThroughCache[None, tuple[Album, ...]] = ReadThroughCache(
    _read_newest, maximum=1, ttl_s=ALBUM_TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)
