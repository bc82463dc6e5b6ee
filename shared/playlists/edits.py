"""What an edit makes of a playlist: which items are written, and with what keys. Pure.

An edit is planned against the present, on which it is then committed or not at all. Where it names
positions of an older snapshot, they are looked up in the order at that snapshot, which gives the
items that the client meant; those items are then changed as they are now. So a track that somebody
else added is never touched, and one that somebody else moved is found where it is.

An edit of more than `WRITES_LIMIT` items is made in several steps, each of them whole and with a
version of its own; the last one's is the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.platform.errors import InvalidInput
from shared.playlists.models import (
    EARLIER_KEYS_KEPT,
    ITEMS_LIMIT,
    REMOVED_KEPT_DAYS,
    EarlierKey,
    Item,
    Playlist,
    Removals,
)
from shared.playlists.order_keys import is_crowded, keys_between, respaced
from shared.playlists.views import View

WRITES_LIMIT = 450  # of one commit, which may hold 500


@dataclass(frozen=True, slots=True)
class Change:
    """What to commit: `playlist` as it becomes (one version on), `items` as they become, of which
    `created` are new. `then` is the next step of an edit that needs several."""

    playlist: Playlist
    items: tuple[Item, ...] = ()
    created: frozenset[str] = frozenset()
    then: Edit | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The edit was made before, by an earlier try whose answer was lost; it gave `version`."""

    version: int


class Edit(Protocol):
    """An edit; `base` is the version of the snapshot that it was made against (None: the present),
    and `rebuilds` whether it needs the order at that version."""

    @property
    def base(self) -> int | None: ...

    @property
    def rebuilds(self) -> bool: ...

    def plan(self, view: View, now: datetime) -> Change | Done:
        """What becomes of `view`. Raises InvalidInput."""
        ...


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item to add, under an id that is the same however often the request is tried."""

    id: str
    uri: str
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True)
class Add:
    """Adds items (`WRITES_LIMIT` // 4 at most) before `position` of the present, None: at the
    end."""

    items: tuple[NewItem, ...]
    position: int | None = None
    base: None = None
    rebuilds: bool = False

    def plan(self, view: View, now: datetime) -> Change | Done:
        """See `Edit`."""
        made_before = view.find(self.items[0].id) if self.items else None
        if made_before is not None:
            return Done(made_before.added_version)
        position = len(view.items) if self.position is None else self.position
        if position > len(view.items):
            raise InvalidInput(
                f"position: index out of bounds; the playlist has {len(view.items)} items"
            )
        return _change(view, now, added=_insert(view, (), position, self.items))


@dataclass(frozen=True, slots=True)
class Remove:
    """Removes items that the snapshot `base` (None: the present) has.

    `uris` are removed wherever they stood in it; of `occurrences`, (URI, position), only those.
    """

    uris: frozenset[str] = frozenset()
    occurrences: tuple[tuple[str, int], ...] = ()
    base: int | None = None

    @property
    def rebuilds(self) -> bool:
        """Only positions need the snapshot's order."""
        return bool(self.occurrences)

    def plan(self, view: View, now: datetime) -> Change | Done:
        """See `Edit`."""
        version = view.version if self.base is None else self.base
        chosen = [
            item for item in view.items if item.uri in self.uris and item.added_version <= version
        ]
        if self.occurrences:
            then = view.at(version)
            for uri, position in self.occurrences:
                if position >= len(then) or then[position].uri != uri:
                    raise InvalidInput(
                        f"Could not remove tracks, please check parameters: {uri} is not at "
                        f"position {position}"
                    )
                chosen.append(then[position])
        return RemoveItems(tuple(dict.fromkeys(item.id for item in chosen))).plan(view, now)


@dataclass(frozen=True, slots=True)
class RemovePositions:
    """Removes what stood at `positions` of the snapshot `base`, whatever it is."""

    positions: tuple[int, ...]
    base: int | None = None
    rebuilds: bool = True

    def plan(self, view: View, now: datetime) -> Change | Done:
        """See `Edit`."""
        then = view.at(view.version if self.base is None else self.base)
        if any(position >= len(then) for position in self.positions):
            raise InvalidInput(f"positions: index out of bounds; the playlist has {len(then)}")
        chosen = dict.fromkeys(then[position].id for position in self.positions)
        return RemoveItems(tuple(chosen)).plan(view, now)


@dataclass(frozen=True, slots=True)
class RemoveItems:
    """Removes items by id, those that are still there."""

    ids: tuple[str, ...]
    base: None = None
    rebuilds: bool = False

    def plan(self, view: View, now: datetime) -> Change | Done:
        """See `Edit`."""
        there = [item for item in map(view.find, self.ids) if item is not None and item.order_key]
        now_removed, later = there[:WRITES_LIMIT], there[WRITES_LIMIT:]
        rest = RemoveItems(tuple(item.id for item in later)) if later else None
        return _change(view, now, removed=now_removed, then=rest)


@dataclass(frozen=True, slots=True)
class Reorder:
    """Moves `length` items from `start` of the snapshot `base` (None: the present) to before
    position `before` of it.

    On the present that means: those of them that are still there come to stand after the nearest
    item before that position which is still there and has not been moved since; or first, where
    there is none.
    """

    start: int
    length: int
    before: int
    base: int | None = None
    rebuilds: bool = True

    def plan(self, view: View, now: datetime) -> Change | Done:
        """See `Edit`."""
        base = view.version if self.base is None else self.base
        then = view.at(base)
        if self.start + self.length > len(then) or self.before > len(then):
            raise InvalidInput(
                "range_start, range_length and insert_before: index out of bounds; "
                f"the playlist has {len(then)} items"
            )
        moved = then[self.start : self.start + self.length]
        ids = {item.id for item in moved}
        anchor = next(
            (
                item.id
                for item in reversed(then[: self.before])
                if item.id not in ids and item.order_key and item.moved_version <= base
            ),
            None,
        )
        return MoveItems(tuple(item.id for item in moved), anchor).plan(view, now)


@dataclass(frozen=True, slots=True)
class MoveItems:
    """Moves items by id, those that are still there, to after the item `after` (None: first, as
    it also is when that item is gone)."""

    ids: tuple[str, ...]
    after: str | None
    base: None = None
    rebuilds: bool = False

    def plan(self, view: View, now: datetime) -> Change | Done:
        """See `Edit`."""
        there = [item for item in map(view.find, self.ids) if item is not None and item.order_key]
        moving, later = there[: WRITES_LIMIT // 4], there[WRITES_LIMIT // 4 :]
        rest = MoveItems(tuple(item.id for item in later), moving[-1].id) if later else None
        anchor = view.find(self.after) if self.after is not None else None
        position = view.index(anchor) + 1 if anchor is not None and anchor.order_key else 0
        return _change(view, now, moved=_insert(view, moving, position, moving), then=rest)


@dataclass(frozen=True, slots=True)
class Replace:
    """Puts `items` (`WRITES_LIMIT` // 4 at most) in the place of all that the snapshot `base`
    (None: the present) has; what others added since stays, behind them."""

    items: tuple[NewItem, ...]
    base: int | None = None
    rebuilds: bool = False

    def plan(self, view: View, now: datetime) -> Change | Done:
        """See `Edit`."""
        version = view.version if self.base is None else self.base
        made_before = view.find(self.items[0].id) if self.items else None
        if made_before is not None:
            version = min(version, made_before.added_version - 1)
        old = [item for item in view.items if item.added_version <= version]
        if made_before is not None:
            left = RemoveItems(tuple(item.id for item in old))
            return left.plan(view, now) if old else Done(made_before.added_version)
        added = _insert(view, (), 0, self.items)
        writes = max(WRITES_LIMIT - len(added.items) - len(added.respaced), 0)
        rest = RemoveItems(tuple(item.id for item in old[writes:])) if old[writes:] else None
        return _change(view, now, added=added, removed=old[:writes], then=rest)


@dataclass(frozen=True, slots=True)
class Details:
    """Changes fields of the playlist itself."""

    changes: dict[str, Any] = field(default_factory=dict)
    base: None = None
    rebuilds: bool = False

    def plan(self, view: View, now: datetime) -> Change | Done:
        """See `Edit`."""
        changed = view.playlist.model_copy(update=self.changes)
        if changed.collaborative and changed.public:
            raise InvalidInput(
                "collaborative: only a playlist that is not public can be collaborative"
            )
        return Change(changed.model_copy(update={"version": view.version + 1}))


@dataclass(frozen=True, slots=True)
class _Inserted:
    """Items with the keys of their new places, and neighbours that had to get new ones too."""

    items: list[tuple[Item | NewItem, str]]
    respaced: list[tuple[Item, str]]


def _insert(
    view: View, leaving: Sequence[Item], position: int, coming: Sequence[Item | NewItem]
) -> _Inserted:
    """Keys for `coming` before `position` of the present, whence `leaving` go away."""
    if not coming:
        return _Inserted([], [])
    gone = {item.id for item in leaving}

    def neighbour(index: int, step: int) -> str | None:
        while 0 <= index < len(view.items):
            if view.items[index].id not in gone:
                return view.items[index].order_key
            index += step
        return None

    keys = keys_between(neighbour(position - 1, -1), neighbour(position, 1), len(coming))
    if not is_crowded(keys):
        return _Inserted(list(zip(coming, keys, strict=True)), [])
    staying = [item for item in view.items if item.id not in gone]
    at = position - sum(item.id in gone for item in view.items[:position])
    start, keys = respaced([item.order_key or "" for item in staying], at, len(coming))
    middle, end = at - start, at - start + len(coming)
    return _Inserted(
        list(zip(coming, keys[middle:end], strict=True)),
        [
            *zip(staying[start:at], keys[:middle], strict=True),
            *zip(staying[at:], keys[end:], strict=False),
        ],
    )


def _change(
    view: View,
    now: datetime,
    *,
    added: _Inserted | None = None,
    moved: _Inserted | None = None,
    removed: Sequence[Item] = (),
    then: Edit | None = None,
) -> Change:
    version = view.version + 1
    expires_at = (now + timedelta(days=REMOVED_KEPT_DAYS + 1)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    written = {
        item.id: replace(
            _rekeyed(item, None, version), removed_version=version, expires_at=expires_at
        )
        for item in removed
    }
    created = {}
    for inserted in filter(None, (added, moved)):
        for one, key in inserted.respaced:
            if one.id not in written:
                written[one.id] = _rekeyed(one, key, version)
        for new, key in inserted.items:
            if isinstance(new, Item):
                written[new.id] = replace(_rekeyed(new, key, version), moved_version=version)
            else:
                created[new.id] = Item(
                    id=new.id,
                    uri=new.uri,
                    added_at=new.added_at,
                    added_by=new.added_by,
                    added_version=version,
                    changed_version=version,
                    moved_version=version,
                    order_key=key,
                )
    count = len(view.items) - len(removed) + len(created)
    if created and count > ITEMS_LIMIT and then is None:
        raise InvalidInput(f"A playlist holds {ITEMS_LIMIT} items at most")
    items = (*written.values(), *created.values())
    dropped = [item.earlier[0].until for item in written.values() if _is_full(item)]
    items = tuple(_bounded(item) for item in items)
    playlist = view.playlist.model_copy(
        update={
            "version": version,
            "item_count": count,
            "first_uri": _first_uri(view, items),
            "oldest_version": max([view.playlist.oldest_version, *dropped]),
            "removals": _removals(view.playlist, version, expires_at, now)
            if removed
            else view.playlist.removals,
        }
    )
    return Change(playlist, items, frozenset(created), then)


def _rekeyed(item: Item, key: str | None, version: int) -> Item:
    return replace(
        item,
        order_key=key,
        earlier=(*item.earlier, EarlierKey(version, item.order_key or "")),
        changed_version=version,
    )


def _is_full(item: Item) -> bool:
    return len(item.earlier) > EARLIER_KEYS_KEPT


def _bounded(item: Item) -> Item:
    return replace(item, earlier=item.earlier[1:]) if _is_full(item) else item


def _first_uri(view: View, written: Iterable[Item]) -> str | None:
    changed = {item.id: item for item in written}
    untouched = next((item for item in view.items if item.id not in changed), None)
    candidates = [item for item in changed.values() if item.order_key is not None]
    if untouched is not None:
        candidates.append(untouched)
    first = min(candidates, key=lambda item: item.order_key or "", default=None)
    return first.uri if first is not None else None


def _removals(
    playlist: Playlist, version: int, expires_at: datetime, now: datetime
) -> tuple[Removals, ...]:
    """One entry for each day of removals, so their number is bounded by the days that removed
    items are kept; those that have expired become one."""
    expired = [one for one in playlist.removals if one.expires_at <= now]
    kept = [one for one in playlist.removals if now < one.expires_at < expires_at]
    return (*expired[-1:], *kept, Removals(version=version, expires_at=expires_at))
