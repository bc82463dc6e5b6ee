"""What a person saved (F155-F157)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

LibraryKind = Literal["track", "album", "show", "episode"]
KINDS: tuple[LibraryKind, ...] = get_args(LibraryKind)


@dataclass(frozen=True, slots=True)
class Library:
    """One person's things of one kind, by their number. `version` grows with every change; 0 and
    empty where nothing was ever saved."""

    version: int
    count: int


@dataclass(frozen=True, slots=True)
class SavedItem:
    """A saved thing; `added_at` has a time zone."""

    item_id: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class SavedPage:
    """Part of what is saved, newest first (ties: the greater id first), out of `total`, all as of
    one moment. The same object for as long as the library is as it was."""

    items: tuple[SavedItem, ...]
    total: int
    version: int


def moment(added_at: datetime, now: datetime) -> datetime:
    """When a thing counts as saved that its client says was saved at `added_at`: then, in UTC, but
    never in the future. Without a time zone it is taken as UTC."""
    if added_at.tzinfo is None:
        added_at = added_at.replace(tzinfo=UTC)
    try:
        return min(added_at.astimezone(UTC), now)
    except OverflowError:  # on the edge of the calendar, where UTC has another year
        return now if added_at.year > 1 else datetime.min.replace(tzinfo=UTC)
