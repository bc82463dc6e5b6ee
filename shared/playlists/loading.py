"""Playlists in bulk, under fixed ids: for the loader of catalogues."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.platform.ids import content_id
from shared.playlists import covers, store
from shared.playlists.edits import Add, Details, NewItem, Replace
from shared.playlists.models import URIS_LIMIT, Cover, Item, LoadedPlaylist, Playlist
from shared.playlists.order_keys import keys_between
from shared.playlists.replica import Replica

PARALLEL_PLAYLISTS = 8


async def store_all(replica: Replica, loaded: Sequence[LoadedPlaylist]) -> list[Playlist]:
    """Stores playlists as they are given, over what is there; the same ones again change nothing.

    A playlist that is there already is changed by edits like any other, so who reads it meanwhile
    and who holds an older snapshot of it are not misled.
    """
    held = await store.read_many([one.id for one in loaded])
    parallel = asyncio.Semaphore(PARALLEL_PLAYLISTS)

    async def one_of_them(one: LoadedPlaylist) -> Playlist:
        async with parallel:
            cover = await _cover(one)
            if one.id in held:
                return await _update(replica, one, cover)
            return await _create(one, cover)

    return list(await asyncio.gather(*(one_of_them(one) for one in loaded)))


async def _create(one: LoadedPlaylist, cover: Cover | None) -> Playlist:
    playlist = Playlist(
        id=one.id,
        owner_id=one.owner_id,
        name=one.name,
        description=one.description,
        public=one.public,
        collaborative=one.collaborative,
        cover=cover,
        item_count=len(one.items),
        first_uri=one.items[0].uri if one.items else None,
        created_at=one.created_at,
    )
    keys = keys_between(None, None, len(one.items))
    items = [
        Item(
            id=new.id,
            uri=new.uri,
            added_at=new.added_at,
            added_by=new.added_by,
            added_version=1,
            changed_version=1,
            moved_version=1,
            order_key=key,
        )
        for new, key in zip(_new_items(one, 1), keys, strict=True)
    ]
    await store.load(playlist, items)
    return playlist


async def _update(replica: Replica, one: LoadedPlaylist, cover: Cover | None) -> Playlist:
    view = await replica.view(one.id)
    details = {
        "owner_id": one.owner_id,
        "name": one.name,
        "description": one.description,
        "public": one.public,
        "collaborative": one.collaborative,
        "cover": cover or view.playlist.cover,
    }
    if any(getattr(view.playlist, name) != value for name, value in details.items()):
        await replica.edit(one.id, Details(details), lambda _: None)
    if [item.uri for item in view.items] != [item.uri for item in one.items]:
        new = _new_items(one, view.playlist.version + 1)
        await replica.edit(one.id, Replace(new[:URIS_LIMIT]), lambda _: None)
        for start in range(URIS_LIMIT, len(new), URIS_LIMIT):
            await replica.edit(one.id, Add(new[start : start + URIS_LIMIT]), lambda _: None)
    return (await replica.view(one.id)).playlist


def _new_items(one: LoadedPlaylist, version: int) -> tuple[NewItem, ...]:
    return tuple(
        NewItem(
            content_id("loaded-playlist-item", one.id, str(version), str(index)),
            item.uri,
            item.added_at,
            item.added_by or one.owner_id,
        )
        for index, item in enumerate(one.items)
    )


async def _cover(one: LoadedPlaylist) -> Cover | None:
    if one.cover_jpeg is None:
        return None
    sizes = await asyncio.to_thread(covers.scaled, one.cover_jpeg)
    cover = Cover(path=covers.folder(one.id, one.cover_jpeg), sizes_px=tuple(sizes))
    await store.write_covers(cover.path, sizes)
    return cover
