"""Row keys of the listening history: `user#reversed_ms#event_id` (decision 4).

They start with the user, so writes spread over the table, and time runs backwards, so the newest
play of a user is the first row.
"""

from __future__ import annotations

from dataclasses import dataclass

DIGITS = 13  # milliseconds until the year 2286
LAST_MS = 10**DIGITS - 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the history: all plays of `played_at_ms`, or the one play `event_id` of them."""

    played_at_ms: int
    event_id: str | None = None


def row_key(user_id: str, played_at_ms: int, event_id: str) -> bytes:
    """The key of one play."""
    return f"{_prefix(user_id, played_at_ms)}#{event_id}".encode()


def parse(key: bytes) -> tuple[int, str]:
    """The moment in ms and the event id in a row key."""
    _, reversed_ms, event_id = key.decode().split("#", 2)
    return LAST_MS - int(reversed_ms), event_id


def owner(key: bytes) -> str:
    """The user in a row key."""
    return key.split(b"#", 1)[0].decode()


def after_all_of(user_id: str) -> bytes:
    """The key that follows every play of `user_id`, and precedes those of the next person."""
    return f"{user_id}$".encode()  # '$' follows '#'


def key_range(
    user_id: str, oldest_ms: int, before: Cursor | None, after: Cursor | None
) -> tuple[bytes, bytes]:
    """First key (inclusive) and last key (exclusive) of the plays from `oldest_ms` on that are
    before the one and after the other cursor; neither cursor's own plays are among them."""
    start, end = _prefix(user_id, LAST_MS).encode(), _after_all_of(user_id, oldest_ms)
    if before is not None:
        start = max(start, _after(user_id, before))
    if after is not None:
        end = min(end, _at(user_id, after))
    return start, end


def _prefix(user_id: str, played_at_ms: int) -> str:
    return f"{user_id}#{LAST_MS - min(max(played_at_ms, 0), LAST_MS):0{DIGITS}d}"


def _after_all_of(user_id: str, played_at_ms: int) -> bytes:
    return f"{_prefix(user_id, played_at_ms)}$".encode()  # '$' follows '#'


def _after(user_id: str, cursor: Cursor) -> bytes:
    if cursor.event_id is None:
        return _after_all_of(user_id, cursor.played_at_ms)
    return row_key(user_id, cursor.played_at_ms, cursor.event_id) + b"\0"


def _at(user_id: str, cursor: Cursor) -> bytes:
    return row_key(user_id, cursor.played_at_ms, cursor.event_id or "")
