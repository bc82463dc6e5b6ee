"""One instance's hold on playlists: read and edited by what has changed, never whole again.

Of a long playlist that nobody edits here the beginning is all that is read and kept, as most
readers ask for no more.

A view (F161) is kept per playlist and brought up to date before each use: one read of the document
tells the version, and only when that is another one are the items changed since read, as of the
time of that document, so document and items always are of one version. An edit is
planned against the view and committed on condition that the document is unchanged, so even a view
that has become old can do no harm: the commit fails, the view is brought up to date, and the edit
is planned again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from cachetools import LRUCache

from shared.platform.contention import retried
from shared.platform.errors import DomainError, InvalidInput, NotFound
from shared.platform.ids import random_id
from shared.playlists import store
from shared.playlists.coalescing import Coalesced
from shared.playlists.edits import Add, Change, Done, Edit, Replace
from shared.playlists.models import EDITS_KEPT, Item, Playlist
from shared.playlists.views import View

ITEMS_HELD = 200_000  # of all views together; about 0.5 kB each
HEAD_ITEMS = 200  # two pages
HEADS_HELD = 500
LONG_ITEMS = 1_000  # playlists longer than this are not read whole for their beginning
VIEW_OVERHEAD = 20  # what an empty view counts for, in items
# A removed item is deleted a week later: a view that has not looked for so long has missed some.
VIEW_AGE_LIMIT_S = 86_400
FIRST_PAUSE_S = 0.01  # a commit takes about as long
EDIT_PATIENCE_S = 30.0
MARK_CHARS = 10

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ItemsPage:
    """Part of a playlist's items, and the playlist at the very version of them."""

    playlist: Playlist
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit did: the playlist as it became, the version to answer, and the items that came
    and went; none where the edit had been made before. `left` are those URIs of what went that are
    still in it, as another item."""

    playlist: Playlist
    version: int
    added: tuple[Item, ...] = ()
    removed: tuple[Item, ...] = ()
    left: frozenset[str] = frozenset()


class Replica:
    """The playlists that this instance has in hand. All calls are safe beside each other."""

    def __init__(self, items_held: int = ITEMS_HELD) -> None:
        self._views: LRUCache[str, View] = LRUCache(
            items_held, getsizeof=lambda view: view.size + VIEW_OVERHEAD
        )
        self._seen_at: dict[str, float] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._fresh: Coalesced[str, View | None] = Coalesced(self._refresh)
        self._heads: LRUCache[str, ItemsPage] = LRUCache(HEADS_HELD)
        self._fresh_heads: Coalesced[str, ItemsPage | None] = Coalesced(self._read_head)

    async def page(self, playlist_id: str, limit: int, offset: int) -> ItemsPage:
        """At most `limit` items from `offset` on, as they are now or were at some moment after
        this call. Raises NotFound."""
        if offset + limit <= HEAD_ITEMS and playlist_id not in self._views:
            head = await self._fresh_heads.get(playlist_id)
            if head is not None:
                return ItemsPage(head.playlist, head.items[offset : offset + limit])
        view = await self.view(playlist_id)
        return ItemsPage(view.playlist, tuple(view.items[offset : offset + limit]))

    async def view(self, playlist_id: str) -> View:
        """The playlist as it is now, or was at some moment after this call. Raises NotFound."""
        view = await self._fresh.get(playlist_id)
        if view is None:
            raise NotFound(f"Non existing id: 'spotify:playlist:{playlist_id}'")
        return view

    async def edit(
        self, playlist_id: str, edit: Edit, allowed: Callable[[Playlist], None]
    ) -> Edited:
        """Makes `edit`, once `allowed` has passed the playlist that it is made of.

        Raises what `allowed` and the edit's plan raise, NotFound, and Unavailable when others
        have changed the playlist for as long as patience lasts.
        """
        from google.api_core.exceptions import AlreadyExists, FailedPrecondition

        # Those who edit one playlist here queue up, instead of refusing each other's commits.
        lock = self._locks.setdefault(playlist_id, asyncio.Lock())
        async with lock:
            step: Edit | None = edit
            edited: Edited | None = None
            while step is not None:
                attempt = _Attempt(self, playlist_id, step, allowed)
                change = await retried(
                    attempt.make,
                    FailedPrecondition,
                    AlreadyExists,
                    first_pause_s=FIRST_PAUSE_S,
                    patience_s=EDIT_PATIENCE_S,
                )
                if isinstance(change, Done):
                    return Edited(attempt.playlist, change.version)
                edited = _after(edited, change)
                step = change.then
            assert edited is not None
            return replace(edited, left=self._left(playlist_id, edited.removed))

    def _left(self, playlist_id: str, removed: Iterable[Item]) -> frozenset[str]:
        gone, view = {item.uri for item in removed}, self.last_known(playlist_id)
        if view is None or not gone:
            return frozenset()
        return frozenset(item.uri for item in view.items if item.uri in gone)

    async def _refresh(self, playlist_id: str) -> View | None:
        held = await store.read(playlist_id)
        if held is None:
            self._views.pop(playlist_id, None)
            return None
        now = time.monotonic()
        view = self._views.get(playlist_id)
        if view is not None and now - self._seen_at.get(playlist_id, now) > VIEW_AGE_LIMIT_S:
            view = None
        if view is not None and view.version < held.playlist.version:
            changes = await store.read_changes(held, view.version)
            view.apply(held.playlist, held.update_time, changes)
        if view is None or len(view.items) != view.playlist.item_count:
            if view is not None:
                _log.error("the view of playlist %s lost count; it is read anew", playlist_id)
            view = View(held.playlist, held.update_time, await store.read_items(held))
        self._keep(view)
        return view

    async def _read_head(self, playlist_id: str) -> ItemsPage | None:
        """The first `HEAD_ITEMS`; None for a playlist that had better be read whole."""
        held = await store.read(playlist_id)
        if held is None or held.playlist.item_count <= LONG_ITEMS:
            return None
        head = self._heads.get(playlist_id)
        if head is not None and head.playlist.version == held.playlist.version:
            return head
        items = await store.read_items(held, HEAD_ITEMS)
        head = self._heads[playlist_id] = ItemsPage(held.playlist, tuple(items))
        return head

    def _keep(self, view: View) -> None:
        playlist_id = view.playlist.id
        self._views[playlist_id] = view  # counts its size anew
        self._seen_at[playlist_id] = time.monotonic()
        if len(self._seen_at) > 2 * len(self._views) + 100:
            self._seen_at = {one: self._seen_at[one] for one in self._views}

    def last_known(self, playlist_id: str) -> View | None:
        """The view as it was last seen, for an edit to be tried on."""
        return self._views.get(playlist_id)

    async def reach_back(self, view: View, version: int, rebuilds: bool) -> None:
        """Sees to it that the order at `version` can be rebuilt, if it is to be. Raises
        InvalidInput for a version from too long ago, or one that there has not been."""
        if version > view.version:
            raise InvalidInput("Invalid snapshot id")
        if not rebuilds:
            return
        if version < view.playlist.oldest_snapshot(datetime.now(UTC)) and version < view.version:
            raise InvalidInput(
                "snapshot_id: too old; read the playlist again and name its present snapshot"
            )
        if version < view.history_from:
            removed = await store.read_removed(view.playlist.id, version)
            view.remember(removed, version)

    async def learn_item(self, playlist_id: str, item_id: str) -> None:
        """Takes in one item that turned out to be in the store already."""
        view, item = self._views.get(playlist_id), await store.read_item(playlist_id, item_id)
        if view is not None and item is not None:
            view.remember([item], view.history_from)

    def committed(self, view: View, change: Change, update_time: datetime) -> None:
        """Takes in a commit of our own."""
        view.apply(change.playlist, update_time, change.items)
        self._keep(view)


def _after(edited: Edited | None, change: Change) -> Edited:
    """`edited` and one step more."""
    version = change.playlist.version
    added = tuple(item for item in change.items if item.id in change.created)
    removed = tuple(item for item in change.items if item.removed_version == version)
    if edited is not None:
        added, removed = (*edited.added, *added), (*edited.removed, *removed)
    return Edited(change.playlist, version, added, removed)


class _Attempt:
    """One step of an edit, tried until it is committed.

    The first try takes the view as it was last seen: whoever edits the same playlist again and
    again pays one commit for each edit. What such a try refuses is refused only after a look.

    A commit may be made though its answer is an error (the connection broke, the client tried
    again by itself and met its own write). So each leaves its mark in the document, and a further
    try that finds it there is done.
    """

    def __init__(
        self,
        replica: Replica,
        playlist_id: str,
        edit: Edit,
        allowed: Callable[[Playlist], None],
    ) -> None:
        self._replica = replica
        self._playlist_id = playlist_id
        self._edit = edit
        self._allowed = allowed
        self._mark = random_id()[:MARK_CHARS]
        self._committing: Change | None = None
        self._looks = False
        self.playlist: Playlist

    async def make(self) -> Change | Done:
        """Plans and commits; raises what the commit raises when the view was old."""
        from google.api_core.exceptions import AlreadyExists

        view = None if self._looks else self._replica.last_known(self._playlist_id)
        is_old = view is not None
        self._looks = True
        if view is None:
            view = await self._replica.view(self._playlist_id)
        if self._committing is not None and self._mark in view.playlist.recent_edits:
            self.playlist = self._committing.playlist
            return self._committing
        try:
            if self._edit.base is not None:
                await self._replica.reach_back(view, self._edit.base, self._edit.rebuilds)
            self._allowed(view.playlist)
            planned = self._edit.plan(view, datetime.now(UTC))
        except DomainError:
            if is_old:
                return await self.make()
            raise
        if isinstance(planned, Done):
            self.playlist = view.playlist
            return planned
        marks = (*view.playlist.recent_edits, self._mark)[-EDITS_KEPT:]
        playlist = planned.playlist.model_copy(update={"recent_edits": marks})
        self._committing = change = replace(planned, playlist=playlist)
        try:
            update_time = await store.commit(view.playlist, view.update_time, change)
        except AlreadyExists:
            if isinstance(self._edit, Add | Replace):
                await self._replica.learn_item(self._playlist_id, self._edit.items[0].id)
            raise
        self._replica.committed(view, change, update_time)
        self.playlist = playlist
        return change
