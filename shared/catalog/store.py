"""The catalog in Firestore: `tracks`, `albums` and `artists`, each by id."""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from shared import topology
from shared.catalog.merging import merged_album, merged_artist, merged_track
from shared.catalog.models import Album, Artist, Document, Publication, Track
from shared.platform import bulk, clients
from shared.platform.contention import retried
from shared.platform.scanning import scan

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncWriteBatch, DocumentSnapshot

D = TypeVar("D", bound=Document)
T = TypeVar("T")

# Of the workers that publish one album together, one gets through in each round, and the rounds
# are short: thirty workers are done well within this.
PUBLISH_PATIENCE_S = 60.0
PUBLISH_FIRST_PAUSE_S = 0.02
ALBUMS_A_READ = 300


async def read_tracks(track_ids: Sequence[str]) -> dict[str, Track]:
    """Those tracks that exist, by id, in one round trip."""
    return await _read(topology.TRACKS, Track, track_ids)


async def read_albums(album_ids: Sequence[str]) -> dict[str, Album]:
    """Those albums that exist, by id, in one round trip."""
    return await _read(topology.ALBUMS, Album, album_ids)


async def read_artists(artist_ids: Sequence[str]) -> dict[str, Artist]:
    """Those artists that exist, by id, in one round trip."""
    return await _read(topology.ARTISTS, Artist, artist_ids)


async def read_album_tracks(album_id: str) -> tuple[Track, ...]:
    """All tracks of an album, by disc and track number."""
    found = [
        Track.model_validate(snapshot.to_dict()) async for snapshot in _tracks_of(album_id).stream()
    ]
    return tuple(sorted(found, key=lambda one: (one.disc_number, one.track_number, one.id)))


async def read_artist_albums(artist_id: str, limit: int) -> tuple[Album, ...]:
    """The newest albums that the artist made or is on, at most `limit`."""
    return await _found(Album, _of_artists(topology.ALBUMS, [artist_id], "release_date", limit))


async def read_artist_tracks(artist_ids: Sequence[str], limit: int) -> tuple[Track, ...]:
    """The most popular tracks of any of the artists (at most 30), at most `limit`."""
    return await _found(Track, _of_artists(topology.TRACKS, artist_ids, "popularity", limit))


async def read_recordings(isrc: str, limit: int) -> tuple[Track, ...]:
    """The tracks that are the recording `isrc`, at most `limit`."""
    from google.cloud.firestore import FieldFilter

    same = clients.collection(topology.TRACKS).where(filter=FieldFilter("isrc", "==", isrc))
    return await _found(Track, same.limit(limit))


async def read_genre_artists(genre: str, limit: int) -> tuple[Artist, ...]:
    """The most popular artists of a genre, at most `limit`."""
    from google.cloud.firestore import FieldFilter

    of_genre = FieldFilter("genres", "array_contains", genre)
    artists = clients.collection(topology.ARTISTS).where(filter=of_genre)
    return await _found(Artist, _falling(artists, "popularity", limit))


async def read_top_genres(artists: int) -> frozenset[str]:
    """Every genre of the most popular `artists`."""
    query = _falling(clients.collection(topology.ARTISTS), "popularity", artists)
    snapshots = [one async for one in query.select(["genres"]).stream()]
    return frozenset(genre for one in snapshots for genre in one.get("genres") or ())


async def read_newest_albums(until: str, limit: int) -> tuple[Album, ...]:
    """The albums released latest, up to the date `until` (YYYY-MM-DD), at most `limit`."""
    from google.cloud.firestore import FieldFilter

    released = FieldFilter("release_date", "<=", until)
    albums = clients.collection(topology.ALBUMS).where(filter=released)
    return await _found(Album, _falling(albums, "release_date", limit))


def scan_tracks() -> AsyncIterator[list[Track]]:
    """Every track, a page at a time, without its encodings."""
    return scan(topology.TRACKS, Track, without={"encodings"})


def scan_albums() -> AsyncIterator[list[Album]]:
    """Every album, a page at a time."""
    return scan(topology.ALBUMS, Album)


def scan_artists() -> AsyncIterator[list[Artist]]:
    """Every artist, a page at a time."""
    return scan(topology.ARTISTS, Artist)


async def write_all(
    tracks: Iterable[Track], albums: Iterable[Album], artists: Iterable[Artist]
) -> None:
    """Stores all of them over what is there but its blocks, artists and albums before the tracks
    that name them."""
    await bulk.write(topology.ARTISTS, _loadable(artists), merge=True)
    await bulk.write(topology.ALBUMS, _loadable(albums), merge=True)
    await bulk.write(topology.TRACKS, _loadable(tracks), merge=True)


def _loadable(loaded: Iterable[Track | Album | Artist]) -> Iterator[bulk.Document]:
    """Their documents, silent about blocks that they do not have: those that are there stay."""
    for one in loaded:
        fields = one.to_document()
        album = fields.get("album", {})
        for part in (fields, album):
            if not part.get("blocked_in"):
                part.pop("blocked_in", None)
        yield one.id, fields


async def publish(track: Track, album: Album, artists: Sequence[Artist]) -> Publication:
    """Writes `track` and what it belongs to; the same call again changes nothing.

    Track, album and the album's copies in its other tracks change in one commit, so
    `total_tracks` is right however many tracks of the album are published together.
    """
    written_artists = [await _against_rivals(partial(_upsert_artist, one)) for one in artists]
    new_track, new_album = await _against_rivals(partial(_publish_once, track, album))
    return Publication(track=new_track, album=new_album, artists=tuple(written_artists))


async def change_track(track_id: str, change: Callable[[Track | None], Track]) -> Track:
    """Stores what `change` makes of the track (None where there is none); returns that. It is
    asked again where the track changed meanwhile."""

    async def once() -> Track:
        before = await clients.collection(topology.TRACKS).document(track_id).get()
        held = _parsed(before, Track)
        changed = change(held)
        if changed != held:
            batch = clients.firestore().batch()
            _put(batch, before, changed.to_document())
            await batch.commit()
        return changed

    return await _against_rivals(once)


async def change_artist(artist_id: str, change: Callable[[Artist], Artist]) -> Artist | None:
    """Stores what `change` makes of the artist; returns that, None where there is none."""

    async def once() -> Artist | None:
        before = await clients.collection(topology.ARTISTS).document(artist_id).get()
        held = _parsed(before, Artist)
        if held is None:
            return None
        changed = change(held)
        if changed != held:
            batch = clients.firestore().batch()
            _put(batch, before, changed.to_document())
            await batch.commit()
        return changed

    return await _against_rivals(once)


async def change_album_blocks(
    album_id: str, change: Callable[[Album], tuple[str, ...]]
) -> Album | None:
    """Stores where the album is blocked, by `change`, in it and in its tracks' copies of it, in
    one commit; returns it as it is then, None where there is none."""

    async def once() -> Album | None:
        before = await clients.collection(topology.ALBUMS).document(album_id).get()
        held = _parsed(before, Album)
        if held is None:
            return None
        blocked = list(change(held))
        batch = clients.firestore().batch()
        # Also where it has these blocks already: a copy that was written meanwhile may not.
        _put(batch, before, {"blocked_in": blocked})
        async for track in _tracks_of(album_id).stream():
            batch.update(track.reference, {"album.blocked_in": blocked})
        await batch.commit()
        return held.model_copy(update={"blocked_in": tuple(blocked)})

    return await _against_rivals(once)


async def read_album_blocks(album_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Where albums are blocked, of those of `album_ids` that are, by id."""
    documents = clients.collection(topology.ALBUMS)
    found: dict[str, tuple[str, ...]] = {}
    ids = list(album_ids)
    for start in range(0, len(ids), ALBUMS_A_READ):
        references = [documents.document(one) for one in ids[start : start + ALBUMS_A_READ]]
        async for album in clients.firestore().get_all(references, field_paths=["blocked_in"]):
            if blocked := (album.to_dict() or {}).get("blocked_in"):
                found[album.id] = tuple(blocked)
    return found


async def _against_rivals(write: Callable[[], Awaitable[T]]) -> T:
    from google.api_core.exceptions import AlreadyExists, FailedPrecondition

    return await retried(
        write,
        AlreadyExists,
        FailedPrecondition,
        first_pause_s=PUBLISH_FIRST_PAUSE_S,
        patience_s=PUBLISH_PATIENCE_S,
    )


async def _publish_once(track: Track, album: Album) -> tuple[Track, Album]:
    """One try: reads, merges, and commits only if nothing that it read has changed since.

    Not a transaction: its shared read locks would have every pair of publishers of one album wait
    for each other until one times out, where a failed precondition costs one round trip. Whatever
    writes a track writes its album too, so the album's precondition guards the tracks as well.
    """
    albums, tracks = clients.collection(topology.ALBUMS), clients.collection(topology.TRACKS)
    album_before = await albums.document(album.id).get()
    track_before = await tracks.document(track.id).get()
    held_album, held_track = _parsed(album_before, Album), _parsed(track_before, Track)
    is_new_here = held_track is None or held_track.album_id != album.id
    new_album = merged_album(album, held_album, track, int(is_new_here))
    new_track = merged_track(track, held_track, new_album)
    if new_album == held_album and new_track == held_track:
        return new_track, new_album

    batch = clients.firestore().batch()
    _put(batch, album_before, new_album.to_document())
    _put(batch, track_before, new_track.to_document())
    if held_album is not None and new_album.ref() != held_album.ref():
        copy = new_album.ref().to_document()
        async for sibling in _tracks_of(album.id).stream():
            if sibling.id != track.id:
                batch.update(sibling.reference, {"album": copy})
    if held_track is not None and is_new_here:
        left = await albums.document(held_track.album_id).get()
        if left.exists:
            total = max(left.get("total_tracks") - 1, 0)
            _put(batch, left, {"total_tracks": total})
    await batch.commit()
    return new_track, new_album


def _put(batch: AsyncWriteBatch, before: DocumentSnapshot[Any], data: dict[str, Any]) -> None:
    """Creates the document, or updates it if it still is as `before` shows it."""
    if before.exists:
        unchanged = clients.firestore().write_option(last_update_time=before.update_time)
        batch.update(before.reference, data, option=unchanged)
    else:
        batch.create(before.reference, data)


async def _upsert_artist(artist: Artist) -> Artist:
    """An artist's document is shared by all of their albums: it is written only when it changes,
    only the fields that changed, and only over what was read, so no alias or genre is lost."""
    from google.api_core.exceptions import AlreadyExists

    reference = clients.collection(topology.ARTISTS).document(artist.id)
    snapshot = await reference.get()
    if not snapshot.exists:
        try:
            await reference.create(artist.to_document())
            return artist
        except AlreadyExists:
            snapshot = await reference.get()
    held = Artist.model_validate(snapshot.to_dict())
    merged = merged_artist(artist, held)
    before, after = held.to_document(), merged.to_document()
    changes = {name: value for name, value in after.items() if value != before[name]}
    if changes:
        unchanged = clients.firestore().write_option(last_update_time=snapshot.update_time)
        await reference.update(changes, option=unchanged)
    return merged


def _parsed(snapshot: DocumentSnapshot[Any], model: type[D]) -> D | None:
    return model.model_validate(snapshot.to_dict()) if snapshot.exists else None


def _of_artists(
    declared: topology.Collection, artist_ids: Sequence[str], order: str, limit: int
) -> Any:
    from google.cloud.firestore import FieldFilter

    if len(artist_ids) == 1:
        named = FieldFilter("artist_ids", "array_contains", artist_ids[0])
    else:
        named = FieldFilter("artist_ids", "array_contains_any", list(artist_ids))
    return _falling(clients.collection(declared).where(filter=named), order, limit)


def _falling(query: Any, order: str, limit: int) -> Any:
    from google.cloud.firestore import Query

    return query.order_by(order, direction=Query.DESCENDING).limit(limit)


async def _found(model: type[D], query: Any) -> tuple[D, ...]:
    return tuple([model.model_validate(one.to_dict()) async for one in query.stream()])


def _tracks_of(album_id: str) -> Any:
    from google.cloud.firestore import FieldFilter

    return clients.collection(topology.TRACKS).where(filter=FieldFilter("album_id", "==", album_id))


async def _read(declared: topology.Collection, model: type[D], ids: Sequence[str]) -> dict[str, D]:
    documents = clients.collection(declared)
    if len(ids) == 1:
        one = await documents.document(ids[0]).get()
        return {ids[0]: model.model_validate(one.to_dict())} if one.exists else {}
    references = [documents.document(document_id) for document_id in ids]
    return {
        snapshot.id: model.model_validate(snapshot.to_dict())
        async for snapshot in clients.firestore().get_all(references)
        if snapshot.exists
    }
