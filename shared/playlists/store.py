"""Playlists in Firestore: `playlists/{id}` and, below each, `playlist_items/{item id}`.

A write commits the playlist's document together with the items, on condition that the document is
still the one that was read: whoever comes second is refused and plans anew, so the versions of a
playlist are serial and no commit is ever half there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared import topology
from shared.platform import clients
from shared.platform.contention import retried
from shared.platform.scanning import scan
from shared.playlists.edits import Change
from shared.playlists.models import Item, Playlist

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference

COMMIT_WRITES = 500
PARALLEL_COMMITS = 4
RECENT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Held:
    """A playlist's document, the precondition for changing it, and a time at which it was so: at
    that time its items are of its version."""

    playlist: Playlist
    update_time: datetime
    time: datetime


async def read(playlist_id: str) -> Held | None:
    """The playlist as it is now."""
    snapshot = await _document(playlist_id).get()
    if not snapshot.exists:
        return None
    playlist = Playlist.model_validate(snapshot.to_dict())
    # The version began with the commit that wrote the document, and its items with it. Firestore
    # lets us look back for an hour; a document that has not changed for most of that is taken as
    # of now.
    is_recent = snapshot.read_time - snapshot.update_time < RECENT
    return Held(
        playlist, snapshot.update_time, snapshot.update_time if is_recent else snapshot.read_time
    )


async def read_many(playlist_ids: Sequence[str]) -> dict[str, Playlist]:
    """Those playlists that exist, by id, in one round trip."""
    if not playlist_ids:
        return {}
    references = [_document(one) for one in dict.fromkeys(playlist_ids)]
    return {
        snapshot.id: Playlist.model_validate(snapshot.to_dict())
        async for snapshot in clients.firestore().get_all(references)
        if snapshot.exists
    }


def scan_all() -> AsyncIterator[list[Playlist]]:
    """Every playlist, public or not, a page at a time."""
    return scan(topology.PLAYLISTS, Playlist, without={"removals", "recent_edits"})


async def read_items(held: Held, limit: int | None = None) -> list[Item]:
    """The items of the playlist at the very version of `held`, which is less than an hour old, in
    order: all of them or the first `limit`."""
    # Removed items have no order key, and so no place in its index.
    query = _document(held.playlist.id).collection(_ITEMS).order_by("order_key")
    return await _items(query if limit is None else query.limit(limit), held.time)


async def read_item(playlist_id: str, item_id: str) -> Item | None:
    """One item, there or removed."""
    snapshot = await _document(playlist_id).collection(_ITEMS).document(item_id).get()
    return Item.from_document(snapshot.id, snapshot.to_dict()) if snapshot.exists else None


async def read_changes(held: Held, since: int) -> list[Item]:
    """The items that were written after version `since`, as they are in `held`."""
    return await _items(_later(held.playlist.id, "changed_version", since), held.time)


async def read_removed(playlist_id: str, since: int) -> list[Item]:
    """The items that were removed after version `since`."""
    return await _items(_later(playlist_id, "removed_version", since))


async def create(playlist: Playlist) -> bool:
    """Stores a new playlist; False if it was there already."""
    from google.api_core.exceptions import AlreadyExists

    async def once() -> bool:
        try:
            await _document(playlist.id).create(playlist.to_document())
        except AlreadyExists:
            return False
        return True

    return await retried(once)


async def commit(before: Playlist, update_time: datetime, change: Change) -> datetime:
    """Makes `change` of a playlist that still is as it was at `update_time`; the new one's.

    Raises FailedPrecondition or Aborted when it is not, AlreadyExists when what it creates is
    there; then nothing was written.
    """
    client, document = clients.firestore(), _document(before.id)
    old, new = before.to_document(), change.playlist.to_document()
    fields = {name: value for name, value in new.items() if value != old[name]}
    batch = client.batch()
    batch.update(document, fields, option=client.write_option(last_update_time=update_time))
    for item in change.items:
        reference = document.collection(_ITEMS).document(item.id)
        if item.id in change.created:
            batch.create(reference, item.to_document())
        else:
            batch.set(reference, item.to_document())
    results = await batch.commit()
    written: datetime = results[0].update_time
    return written


async def load(playlist: Playlist, items: Sequence[Item]) -> None:
    """Stores a playlist that is not there yet with its items. The document comes last: a load that
    is cut off leaves nothing to be seen, and what it left is cleared by the next."""
    client, document = clients.firestore(), _document(playlist.id)
    collection = document.collection(_ITEMS)
    wanted = {item.id: item for item in items}
    left = [one.id async for one in collection.select([]).stream() if one.id not in wanted]
    parallel = asyncio.Semaphore(PARALLEL_COMMITS)

    async def write(ids: Sequence[str]) -> None:
        batch = client.batch()
        for item_id in ids:
            if item_id in wanted:
                batch.set(collection.document(item_id), wanted[item_id].to_document())
            else:
                batch.delete(collection.document(item_id))
        async with parallel:
            await batch.commit()

    ids = [*left, *wanted]
    starts = range(0, len(ids), COMMIT_WRITES)
    await asyncio.gather(*(write(ids[start : start + COMMIT_WRITES]) for start in starts))
    await document.set(playlist.to_document())


async def write_covers(folder: str, sizes: Mapping[int, bytes]) -> None:
    """Stores a cover's JPEGs by edge length in px; `folder` tells the content, so what is there
    already stays."""
    from google.api_core.exceptions import PreconditionFailed

    def upload(size_px: int) -> None:
        blob = clients.bucket(topology.COVERS).blob(f"{folder}/{size_px}.jpg")
        blob.cache_control = topology.COVERS.cache_control
        try:
            blob.upload_from_string(sizes[size_px], "image/jpeg", if_generation_match=0)
        except PreconditionFailed:
            return

    await asyncio.gather(*(asyncio.to_thread(upload, size_px) for size_px in sizes))


_ITEMS = topology.PLAYLIST_ITEMS.name


def _document(playlist_id: str) -> AsyncDocumentReference:
    return clients.collection(topology.PLAYLISTS).document(playlist_id)


def _later(playlist_id: str, version: str, since: int) -> Any:
    from google.cloud.firestore import FieldFilter

    items = _document(playlist_id).collection(_ITEMS)
    return items.where(filter=FieldFilter(version, ">", since))


async def _items(query: Any, read_time: datetime | None = None) -> list[Item]:
    return [
        Item.from_document(snapshot.id, snapshot.to_dict())
        async for snapshot in query.stream(read_time=read_time)
    ]
