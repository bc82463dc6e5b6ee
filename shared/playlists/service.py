"""Playlists: reading, creating, editing and following them (F143-F154, F160-F162).

What a person changes is read back at once everywhere: every read looks at the playlist's version
first (`shared.playlists.replica`), so nothing here is answered from an old copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from shared.accounts import service as accounts
from shared.platform.auth import Principal
from shared.platform.errors import Forbidden, InvalidInput, NotFound
from shared.platform.ids import content_id, random_id
from shared.playlists import covers, loading, rights, store, told
from shared.playlists.contents import contents_by_uri
from shared.playlists.edits import (
    Add,
    Details,
    Edit,
    NewItem,
    Remove,
    RemovePositions,
    Reorder,
    Replace,
)
from shared.playlists.models import (
    Cover,
    LoadedPlaylist,
    Move,
    Playlist,
    Removal,
    Replacement,
)
from shared.playlists.replica import ItemsPage, Replica
from shared.playlists.snapshots import snapshot_id, version_of
from shared.search import service as search
from shared.search.documents import playlist_document
from shared.search.models import SearchDocument
from shared.signals import service as signals
from shared.social import service as social

PARALLEL_READS = 16  # of whole playlists, by jobs

replica = Replica()


# --- reading ----------------------------------------------------------------------------------


async def get_playlist(caller_id: str | None, playlist_id: str) -> Playlist:
    """The playlist, without its items, if `caller_id` (None: an app) may see it. Raises
    NotFound."""
    (found,) = await get_playlists(caller_id, [playlist_id])
    if found is None:
        raise rights.not_found(playlist_id)
    return found


async def get_playlists(caller_id: str | None, ids: Sequence[str]) -> list[Playlist | None]:
    """The playlists in the order of `ids`, None for one that is not there or not to be seen."""
    found = await store.read_many(ids)
    playlists = [found.get(one) for one in ids]
    return [one if one and one.may_be_seen_by(caller_id) else None for one in playlists]


async def item_uris(caller_id: str | None, playlist_id: str) -> tuple[str, ...]:
    """The URIs of all items in their order. Raises NotFound as `get_playlist` does."""
    view = await replica.view(playlist_id)
    if not view.playlist.may_be_seen_by(caller_id):
        raise rights.not_found(playlist_id)
    return tuple(item.uri for item in view.items)


async def read(caller: Principal, playlist_id: str) -> Playlist:
    """The playlist, without its items, if caller and token may read it. Raises NotFound or
    InsufficientScope."""
    playlist = await get_playlist(caller.user_id, playlist_id)
    rights.check_readable(playlist, caller)
    return playlist


async def read_items(caller: Principal, playlist_id: str, limit: int, offset: int) -> ItemsPage:
    """At most `limit` items from `offset` on. Raises NotFound or InsufficientScope."""
    found = await replica.page(playlist_id, limit, offset)
    rights.check_readable(found.playlist, caller)
    return found


# --- the playlist itself ----------------------------------------------------------------------


async def create(
    caller: Principal,
    name: str,
    description: str | None,
    public: bool,
    collaborative: bool,
    seed: str,
) -> Playlist:
    """A new, empty playlist of the caller's, which they follow; the same one for the same `seed`.

    Raises InvalidInput for one that is public and collaborative, InsufficientScope.
    """
    owner_id = caller.require_user()
    if public and collaborative:
        raise InvalidInput("collaborative: a collaborative playlist cannot be public")
    for needed in {True, False} if collaborative else {public}:
        caller.require_scope(rights.modify_scope(needed))
    playlist = Playlist(
        id=content_id("playlist", owner_id, seed),
        owner_id=owner_id,
        name=name,
        description=description or None,
        public=public,
        collaborative=collaborative,
        created_at=datetime.now(UTC),
    )
    if not await store.create(playlist):
        playlist = await get_playlist(owner_id, playlist.id)
    await social.follow(
        owner_id,
        "playlist",
        [playlist.id],
        public=playlist.public,
        suspected=caller.suspected,
    )
    await _index(playlist)
    return playlist


async def change_details(caller: Principal, playlist_id: str, changes: dict[str, Any]) -> Playlist:
    """Changes `name`, `description`, `public` or `collaborative` of the caller's own playlist.

    Raises NotFound, Forbidden, InsufficientScope (for what it is or what it becomes), InvalidInput
    for one that would be public and collaborative.
    """

    def allowed(playlist: Playlist) -> None:
        rights.check_owned(playlist, caller)
        caller.require_scope(rights.modify_scope(changes.get("public", playlist.public)))

    if not changes:
        playlist = await get_playlist(caller.user_id, playlist_id)
        allowed(playlist)
        return playlist
    playlist = (await replica.edit(playlist_id, Details(changes), allowed)).playlist
    await _index(playlist)
    return playlist


async def set_cover(caller: Principal, playlist_id: str, body: bytes) -> None:
    """Makes the JPEG in `body` (base64) the cover of the caller's own playlist.

    Raises NotFound, Forbidden, InsufficientScope, InvalidInput, TooLarge.
    """
    allowed = partial(rights.check_owned, caller=caller)
    allowed(await get_playlist(caller.user_id, playlist_id))
    image = covers.decoded(body)
    sizes = await asyncio.to_thread(covers.scaled, image)
    cover = Cover(path=covers.folder(playlist_id, image), sizes_px=tuple(sizes))
    await store.write_covers(cover.path, sizes)
    await replica.edit(playlist_id, Details({"cover": cover}), allowed)


# --- items ------------------------------------------------------------------------------------


async def add_items(
    caller: Principal, playlist_id: str, uris: Sequence[str], position: int | None, seed: str
) -> str:
    """Adds at most 100 tracks and episodes before `position` (None: at the end); the new snapshot
    id. With the same `seed` they are added once.

    Raises NotFound, Forbidden, InsufficientScope, InvalidInput for an unknown URI or a position
    out of bounds.
    """
    allowed = await _allowing(caller, uris)
    edit = Add(_new_items(caller, playlist_id, uris, seed), position)
    return await _edit(caller, playlist_id, edit, allowed)


async def update_items(caller: Principal, playlist_id: str, wanted: Replacement | Move) -> str:
    """Replaces or moves items; the new snapshot id. Raises as `add_items`, and InvalidInput for a
    snapshot that is another playlist's or too old."""
    base = _base(playlist_id, wanted.snapshot)
    if isinstance(wanted, Move):
        edit: Edit = Reorder(wanted.start, wanted.length, wanted.before, base)
        return await _edit(caller, playlist_id, edit, _editable_by(caller))
    allowed = await _allowing(caller, wanted.uris)
    edit = Replace(_new_items(caller, playlist_id, wanted.uris, random_id()), base)
    return await _edit(caller, playlist_id, edit, allowed)


async def remove_items(caller: Principal, playlist_id: str, wanted: Removal) -> str:
    """Removes items; the new snapshot id. Raises as `update_items`, and InvalidInput for an item
    that is not at the position named."""
    base = _base(playlist_id, wanted.snapshot)
    edit: Edit = (
        Remove(wanted.uris, wanted.occurrences, base)
        if wanted.positions is None
        else RemovePositions(wanted.positions, base)
    )
    return await _edit(caller, playlist_id, edit, _editable_by(caller))


async def _edit(
    caller: Principal, playlist_id: str, edit: Edit, allowed: Callable[[Playlist], None]
) -> str:
    edited = await replica.edit(playlist_id, edit, allowed)
    await signals.publish(told.signals_of(caller, edited, datetime.now(UTC)))
    return snapshot_id(playlist_id, edited.version)


def _editable_by(caller: Principal) -> Callable[[Playlist], None]:
    return partial(rights.check_editable, caller=caller)


def _base(playlist_id: str, snapshot: str | None) -> int | None:
    return None if snapshot is None else version_of(playlist_id, snapshot)


async def _allowing(caller: Principal, uris: Sequence[str]) -> Callable[[Playlist], None]:
    """Allows those who may edit the items, and refuses URIs of nothing: in this order, though the
    catalogue is asked first, as an edit waits for nothing while it is planned."""
    known = await contents_by_uri(set(uris))
    unknown = next((uri for uri in uris if not known.has(uri)), None)

    def allowed(playlist: Playlist) -> None:
        rights.check_editable(playlist, caller)
        if unknown is not None:
            raise InvalidInput(f"Payload contains a non-existing ID: {unknown}")

    return allowed


def _new_items(
    caller: Principal, playlist_id: str, uris: Sequence[str], seed: str
) -> tuple[NewItem, ...]:
    now, user_id = datetime.now(UTC), caller.require_user()
    return tuple(
        NewItem(content_id("playlist-item", playlist_id, seed, str(index)), uri, now, user_id)
        for index, uri in enumerate(uris)
    )


# --- following --------------------------------------------------------------------------------


async def follow(caller: Principal, playlist_id: str, public: bool) -> None:
    """Makes the caller follow a playlist that they may see, for others to see if `public`. Raises
    NotFound, InsufficientScope."""
    user_id = caller.require_user()
    caller.require_scope(rights.modify_scope(public))
    playlist = await get_playlist(user_id, playlist_id)
    await social.follow(
        user_id, "playlist", [playlist_id], public=public, suspected=caller.suspected
    )
    if playlist.owner_id == user_id:
        await _index(playlist)


async def unfollow(caller: Principal, playlist_id: str) -> None:
    """Makes the caller not follow the playlist. An owner thereby deletes it: it is in nobody's
    list or search any longer but in those of its other followers, and can be followed again.

    Raises NotFound for a playlist that is neither seen nor followed.
    """
    user_id = caller.require_user()
    (playlist,) = await get_playlists(user_id, [playlist_id])
    if playlist is None and not await is_following(user_id, playlist_id):
        raise rights.not_found(playlist_id)
    await social.unfollow(user_id, "playlist", [playlist_id], suspected=caller.suspected)
    if playlist is not None and playlist.owner_id == user_id:
        await search.remove("playlist", playlist_id)


async def check_following(caller: Principal, playlist_id: str, named: str | None) -> bool:
    """Whether the caller, `named` or not, follows a playlist that they may see. Raises NotFound,
    and Forbidden for somebody else's id: whom others follow is theirs to tell."""
    user_id = caller.require_user()
    if named is not None and named != user_id:
        raise Forbidden("ids: only your own id; whom others follow is theirs to tell")
    await get_playlist(user_id, playlist_id)
    return await is_following(user_id, playlist_id)


async def is_following(user_id: str, playlist_id: str) -> bool:
    """Whether the person follows the playlist."""
    (follows,) = await social.is_following(user_id, "playlist", [playlist_id])
    return follows


async def load(loaded: Sequence[LoadedPlaylist]) -> None:
    """Stores playlists under their own ids, over what is there, followed by their owners; for
    catalogues, so neither items nor owners are looked up, and search finds them from its next
    index on."""
    playlists = await loading.store_all(replica, loaded)
    of_owner: dict[tuple[str, bool], list[str]] = {}
    for one in playlists:
        of_owner.setdefault((one.owner_id, one.public), []).append(one.id)
    for (owner_id, public), ids in of_owner.items():
        await social.load(owner_id, "playlist", ids, public=public)


async def every_document() -> AsyncIterator[list[SearchDocument]]:
    """What search finds of all playlists, a page at a time: of those that are public and that
    their owners keep."""
    async for page in store.scan_all():
        yield await _documents(await _kept([one for one in page if one.public]))


async def every_public_list() -> AsyncIterator[list[tuple[str, tuple[str, ...]]]]:
    """The name and the items' URIs of every playlist that is public and that its owner keeps, a
    page at a time; one that goes meanwhile is left out."""
    turns = asyncio.Semaphore(PARALLEL_READS)

    async def listed(playlist: Playlist) -> tuple[str, tuple[str, ...]] | None:
        async with turns:
            try:
                return playlist.name, await item_uris(None, playlist.id)
            except NotFound:
                return None

    async for page in store.scan_all():
        kept = await _kept([one for one in page if one.public])
        found = await asyncio.gather(*map(listed, kept))
        yield [one for one in found if one is not None]


async def _kept(playlists: Sequence[Playlist]) -> list[Playlist]:
    """Those that their owners follow: the others are deleted (`unfollow`)."""
    of_owner: dict[str, list[Playlist]] = {}
    for one in playlists:
        of_owner.setdefault(one.owner_id, []).append(one)
    followed = await asyncio.gather(
        *(
            social.is_following(owner_id, "playlist", [one.id for one in own])
            for owner_id, own in of_owner.items()
        )
    )
    return [
        one
        for own, are_kept in zip(of_owner.values(), followed, strict=True)
        for one, is_kept in zip(own, are_kept, strict=True)
        if is_kept
    ]


async def _index(playlist: Playlist) -> None:
    """Makes search find the playlist while it is public and its owner keeps it."""
    if not playlist.public or not await is_following(playlist.owner_id, playlist.id):
        await search.remove("playlist", playlist.id)
        return
    await search.index_many(await _documents([playlist]))


async def _documents(playlists: Sequence[Playlist]) -> list[SearchDocument]:
    owners, followers = await asyncio.gather(
        accounts.get_users([one.owner_id for one in playlists]),
        social.follower_counts("playlist", [one.id for one in playlists]),
    )
    return [
        playlist_document(
            one.id,
            one.name,
            one.description or "",
            (owner.display_name if owner else "") or "",
            followers[one.id],
        )
        for one, owner in zip(playlists, owners, strict=True)
    ]
