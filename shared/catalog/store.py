"""The catalog in Firestore: `tracks`, `albums` and `artists`, each by id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from shared import topology
from shared.catalog.merging import merged_album, merged_artist, merged_track
from shared.catalog.models import Album, Artist, Document, Publication, Track
from shared.platform import clients

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference, AsyncTransaction

D = TypeVar("D", bound=Document)

# Publishes of one album contend for its document, and the emulator locks where the cloud
# retries. Thirty workers at once get through well within this.
PUBLISH_ATTEMPTS = 25
PUBLISH_BACKOFF_CEILING_S = 2.0


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


async def publish(track: Track, album: Album, artists: Sequence[Artist]) -> Publication:
    """Writes `track` and what it belongs to; the same call again changes nothing.

    Track, album and the album's copies in its other tracks change in one transaction, so
    `total_tracks` is right however many tracks of the album are published together.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception(_is_contention),
        wait=wait_random_exponential(multiplier=0.05, max=PUBLISH_BACKOFF_CEILING_S),
        stop=stop_after_attempt(PUBLISH_ATTEMPTS),
        reraise=True,
    )
    # A copy for each use: an AsyncRetrying keeps the statistics of its last run.
    written_artists: list[Artist] = [
        await retrying.copy()(_upsert_artist, artist) for artist in artists
    ]
    written: tuple[Track, Album] = await retrying.copy()(_publish_once, track, album)
    return Publication(track=written[0], album=written[1], artists=tuple(written_artists))


async def _publish_once(track: Track, album: Album) -> tuple[Track, Album]:
    from google.cloud.firestore import async_transactional

    transaction = clients.firestore().transaction(max_attempts=1)
    result: tuple[Track, Album] = await async_transactional(_write)(transaction, track, album)
    return result


async def _write(transaction: AsyncTransaction, track: Track, album: Album) -> tuple[Track, Album]:
    albums = clients.collection(topology.ALBUMS)
    track_ref = clients.collection(topology.TRACKS).document(track.id)
    # Every publish of the album reads the album first: that is the one place where they queue.
    held_album = await _get(transaction, albums.document(album.id), Album)
    held_track = await _get(transaction, track_ref, Track)
    is_new_here = held_track is None or held_track.album_id != album.id
    moved_from = None
    if held_track is not None and is_new_here:
        moved_from = await _get(transaction, albums.document(held_track.album_id), Album)
    new_album = merged_album(album, held_album, track, int(is_new_here))
    new_track = merged_track(track, held_track, new_album)
    siblings = []
    if new_album != held_album:
        siblings = [
            snapshot.reference
            async for snapshot in _tracks_of(album.id).stream(transaction=transaction)
            if snapshot.id != track.id
        ]

    if new_album != held_album:
        transaction.set(albums.document(album.id), new_album.to_document())
        copy = new_album.ref().to_document()
        for sibling in siblings:
            transaction.update(sibling, {"album": copy})
    if new_track != held_track:
        transaction.set(track_ref, new_track.to_document())
    if moved_from is not None:
        left = max(moved_from.total_tracks - 1, 0)
        transaction.update(albums.document(moved_from.id), {"total_tracks": left})
    return new_track, new_album


async def _upsert_artist(artist: Artist) -> Artist:
    """An artist's document is shared by all of their albums: it is written only when it changes,
    and only the fields that changed, with unions that two writers can make at once."""
    from google.api_core.exceptions import AlreadyExists
    from google.cloud.firestore import ArrayUnion

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
    if "genres" in changes:
        changes["genres"] = ArrayUnion(list(merged.genres))
    if changes:
        await reference.update(changes)
    return merged


def _tracks_of(album_id: str) -> Any:
    from google.cloud.firestore import FieldFilter

    return clients.collection(topology.TRACKS).where(filter=FieldFilter("album_id", "==", album_id))


async def _get(
    transaction: AsyncTransaction, reference: AsyncDocumentReference, model: type[D]
) -> D | None:
    snapshot = await reference.get(transaction=transaction)
    return model.model_validate(snapshot.to_dict()) if snapshot.exists else None


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


def _is_contention(error: BaseException) -> bool:
    from google.api_core.exceptions import Aborted

    # The client wraps an aborted commit in a ValueError once its own attempts are used up.
    return isinstance(error, Aborted) or isinstance(error.__cause__, Aborted)
