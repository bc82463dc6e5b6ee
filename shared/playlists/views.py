"""A playlist's items in their order, as one instance holds them, and as they were before. Pure.

A view is kept between requests and brought up to date by what has changed since, so a request
costs the changes and not the playlist. `shared.playlists.replica` keeps them.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.playlists.models import Item, Playlist

# Removed items are held for older snapshots; beyond these the oldest are let go, and read again
# when somebody asks for a snapshot from so long ago.
REMOVED_HELD = 2_000


def _key(item: Item) -> str:
    return item.order_key or ""


class View:
    """The `items` of one version of `playlist`, `update_time` being the precondition for changing
    that; `history_from` is the earliest version for which all items removed since are held."""

    def __init__(
        self, playlist: Playlist, update_time: datetime, items: Iterable[Item] = ()
    ) -> None:
        self.playlist = playlist
        self.update_time = update_time
        self.history_from = playlist.version
        self._present = sorted(items, key=_key)
        self._by_id = {item.id: item for item in self._present}
        self._removed: dict[str, None] = {}
        self._rebuilt: tuple[int, int, tuple[Item, ...]] | None = None

    @property
    def version(self) -> int:
        """The playlist's version."""
        return self.playlist.version

    @property
    def items(self) -> Sequence[Item]:
        """The items that are there now, in order."""
        return self._present

    @property
    def size(self) -> int:
        """How many items are held, those removed too."""
        return len(self._by_id)

    def find(self, item_id: str) -> Item | None:
        """The item, there or removed, if it is held."""
        return self._by_id.get(item_id)

    def index(self, item: Item) -> int:
        """The position of an item that is there now."""
        found = bisect.bisect_left(self._present, _key(item), key=_key)
        # While changes are taken in, two items may have the same key for a moment.
        while self._present[found].id != item.id:
            found += 1
        return found

    def at(self, version: int) -> Sequence[Item]:
        """The items in their order at `version` (`history_from` .. present).

        Items changed since are given as they are now, so their present fate can be told.
        """
        if version >= self.version:
            return self._present
        if self._rebuilt is None or self._rebuilt[:2] != (version, self.version):
            there = [item for item in self._by_id.values() if item.is_there_at(version)]
            there.sort(key=lambda item: item.key_at(version))
            self._rebuilt = (version, self.version, tuple(there))
        return self._rebuilt[2]

    def apply(self, playlist: Playlist, update_time: datetime, changed: Iterable[Item]) -> None:
        """Takes in a later version with every item that was changed up to it; what is known
        already is passed over, so changes may come twice and in any order."""
        for item in changed:
            self._put(item)
        if playlist.version > self.version:
            self.playlist, self.update_time = playlist, update_time
        if len(self._removed) > REMOVED_HELD:
            self._forget_removed(len(self._removed) - REMOVED_HELD // 2)

    def remember(self, removed: Iterable[Item], since: int) -> None:
        """Takes in all items removed after version `since`, which the history now reaches."""
        for item in removed:
            self._put(item)
        self.history_from = min(self.history_from, since)
        self._rebuilt = None

    def _put(self, item: Item) -> None:
        held = self._by_id.get(item.id)
        if held is not None:
            if held.changed_version >= item.changed_version:
                return
            if held.order_key is not None:
                del self._present[self.index(held)]
        self._by_id[item.id] = item
        if item.order_key is None:
            self._removed[item.id] = None
        else:
            bisect.insort(self._present, item, key=_key)

    def _forget_removed(self, count: int) -> None:
        oldest = sorted(self._removed, key=lambda one: self._by_id[one].removed_version or 0)
        for item_id in oldest[:count]:
            del self._removed[item_id]
            self.history_from = max(
                self.history_from, self._by_id.pop(item_id).removed_version or 0
            )
