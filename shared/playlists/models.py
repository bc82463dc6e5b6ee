"""What playlists store (F149-F152), and what a change of one consists of.

A playlist's `version` grows by one with each write, so the history of a playlist is serial. Items
carry the versions between which they were there and the order keys that they had, so the order at
an earlier version can be found again: `shared.playlists.views`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field

from shared.catalog.models import Document

NAME_LIMIT = 200
DESCRIPTION_LIMIT = 300  # as in the original
ITEMS_LIMIT = 10_000
URIS_LIMIT = 100  # of one request
# An item that moves more often than this loses its oldest key, and with it the playlist its
# oldest snapshots: `Playlist.oldest_version` tells.
EARLIER_KEYS_KEPT = 16
EDITS_KEPT = 16
REMOVED_KEPT_DAYS = 7  # how long removed items can be found in older snapshots


class Cover(Document):
    """A cover that the owner uploaded: `path` is a folder below the covers bucket that holds
    `<size>.jpg` for each of `sizes_px`, widest first; all are square."""

    path: str
    sizes_px: tuple[int, ...]


class Removals(Document):
    """`version` is the last one at which an item was removed that is kept until `expires_at`."""

    version: int
    expires_at: datetime


class Playlist(Document):
    """A playlist without its items.

    `first_uri` is that of the first item, whose album gives the picture where there is no cover.
    `recent_edits` names the last `EDITS_KEPT` writes, so one whose answer was lost knows itself.
    Snapshots before `oldest_version` cannot be rebuilt, nor can those before one of `removals`
    that has expired.
    """

    id: str
    owner_id: str
    name: str = Field(max_length=NAME_LIMIT)
    description: str | None = None
    public: bool = True
    collaborative: bool = False
    cover: Cover | None = None
    version: int = Field(default=1, ge=1)
    item_count: int = Field(default=0, ge=0)
    first_uri: str | None = None
    oldest_version: int = 1
    removals: tuple[Removals, ...] = ()
    recent_edits: tuple[str, ...] = ()
    created_at: datetime

    def oldest_snapshot(self, now: datetime) -> int:
        """The earliest version whose order can still be found."""
        expired = (one.version for one in self.removals if one.expires_at <= now)
        return max(self.oldest_version, *expired, 1)

    def may_be_seen_by(self, user_id: str | None) -> bool:
        """Whether `user_id` (None: an app) may read it. A collaborative one is open to everybody
        who knows its address, which is how collaborators are invited."""
        return self.public or self.collaborative or user_id == self.owner_id

    def may_be_edited_by(self, user_id: str) -> bool:
        """Whether `user_id` may change its items; only the owner changes anything else."""
        return self.collaborative or user_id == self.owner_id


@dataclass(frozen=True, slots=True)
class EarlierKey:
    """An order key that an item had before version `until`."""

    until: int
    key: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item; `uri` is a track's or an episode's.

    It is there in versions `added_version` .. `removed_version` - 1. `order_key` is None once it
    is removed, when its last key is the last of `earlier` (ascending). `moved_version` is that of
    the last move that somebody asked for; `changed_version` that of the last write.
    """

    id: str
    uri: str
    added_at: datetime
    added_by: str
    added_version: int
    changed_version: int
    moved_version: int
    order_key: str | None
    earlier: tuple[EarlierKey, ...] = ()
    removed_version: int | None = None
    expires_at: datetime | None = None

    def is_there_at(self, version: int) -> bool:
        """Whether it was in the playlist at `version`."""
        return self.added_version <= version and (
            self.removed_version is None or version < self.removed_version
        )

    def key_at(self, version: int) -> str:
        """Its order key at `version`, at which it was there."""
        for one in self.earlier:
            if version < one.until:
                return one.key
        return self.order_key or ""

    @classmethod
    def from_document(cls, item_id: str, raw: Mapping[str, Any]) -> Item:
        """The item that Firestore holds."""
        return cls(
            id=item_id,
            uri=raw["uri"],
            added_at=raw["added_at"],
            added_by=raw["added_by"],
            added_version=raw["added_version"],
            changed_version=raw["changed_version"],
            moved_version=raw["moved_version"],
            order_key=raw.get("order_key"),
            earlier=tuple(EarlierKey(one["until"], one["key"]) for one in raw.get("earlier", ())),
            removed_version=raw.get("removed_version"),
            expires_at=raw.get("expires_at"),
        )

    def to_document(self) -> dict[str, Any]:
        """The fields as Firestore stores them. Removed items have no `order_key`, so a query
        ordered by it gives the present ones; the others have no `removed_version`."""
        fields: dict[str, Any] = {
            "uri": self.uri,
            "added_at": self.added_at,
            "added_by": self.added_by,
            "added_version": self.added_version,
            "changed_version": self.changed_version,
            "moved_version": self.moved_version,
        }
        if self.order_key is not None:
            fields["order_key"] = self.order_key
        if self.earlier:
            fields["earlier"] = [{"until": one.until, "key": one.key} for one in self.earlier]
        if self.removed_version is not None:
            fields["removed_version"] = self.removed_version
            fields["expires_at"] = self.expires_at
        return fields


@dataclass(frozen=True, slots=True)
class Replacement:
    """All items (those of `snapshot`, where it is given) are to be replaced by `uris`."""

    uris: tuple[str, ...]
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """`length` items from `start` are to come before `before`; positions are those of `snapshot`,
    or of the present."""

    start: int
    length: int
    before: int
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be removed of `snapshot`, or of the present: `uris` wherever they stand;
    `occurrences`, (URI, position); or whatever stands at `positions`, if they are not None."""

    uris: frozenset[str] = frozenset()
    occurrences: tuple[tuple[str, int], ...] = ()
    positions: tuple[int, ...] | None = None
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class LoadedItem:
    """An item as the loader brings it; without `added_by` it is the owner's."""

    uri: str
    added_at: datetime
    added_by: str | None = None


@dataclass(frozen=True, slots=True)
class LoadedPlaylist:
    """A playlist as the loader brings it, under a fixed id (22 base62 characters). Items are not
    looked up in the catalogue; `cover_jpeg` is an image file."""

    id: str
    owner_id: str
    name: str
    items: tuple[LoadedItem, ...]
    created_at: datetime
    description: str | None = None
    public: bool = True
    collaborative: bool = False
    cover_jpeg: bytes | None = None
