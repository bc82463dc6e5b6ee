"""Players to test with."""

from __future__ import annotations

from typing import Any

from shared.connect.commands import Play
from shared.connect.machine import apply
from shared.connect.models import Item, Player, QueueEntry

NOW_MS = 1_800_000_000_000
SECOND_MS = 1000
TRACK_MS = 200 * SECOND_MS
ALBUM = "spotify:album:" + "a" * 22


def an_item(number: int, duration_ms: int = TRACK_MS, kind: str = "track") -> Item:
    return Item(f"spotify:{kind}:{number:022d}", duration_ms)


def an_entry(number: int, duration_ms: int = TRACK_MS) -> QueueEntry:
    return QueueEntry(f"entry-{number}", an_item(1000 + number, duration_ms))


def a_player(count: int = 5, start: int | None = 0, **changes: Any) -> Player:
    """A player that has just begun with item `start` of an album of `count`."""
    play = Play(tuple(an_item(number) for number in range(count)), ALBUM, seed=7, start=start)
    return apply(Player(device_id="speaker", **changes), play, NOW_MS)


def number(player: Player) -> int | None:
    """Which of the numbered items is current."""
    return None if player.current is None else int(player.current.id)
