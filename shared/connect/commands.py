"""What a person or a device can ask of a player."""

from __future__ import annotations

from dataclasses import dataclass

from shared.connect.models import Item, QueueEntry, Repeat


@dataclass(frozen=True, slots=True)
class Play:
    """Plays `items` from the one at `start` (None: the first in playing order) on, and after the
    last one `autoplay`."""

    items: tuple[Item, ...]
    context_uri: str | None
    seed: int
    start: int | None = None
    position_ms: int = 0
    autoplay: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Resume:
    """Plays on, from `position_ms` if given."""

    position_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Holds the sound."""


@dataclass(frozen=True, slots=True)
class Next:
    """Goes to what comes next: the queue, then the context."""


@dataclass(frozen=True, slots=True)
class Previous:
    """Goes to the item before."""


@dataclass(frozen=True, slots=True)
class Seek:
    """Goes to `position_ms`; past the end of the item is the next one."""

    position_ms: int


@dataclass(frozen=True, slots=True)
class SetRepeat:
    """Repeats nothing, the context or the track."""

    mode: Repeat


@dataclass(frozen=True, slots=True)
class SetShuffle:
    """Shuffles by `seed`, or returns to the natural order."""

    on: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Puts an entry at the end of the queue."""

    entry: QueueEntry


@dataclass(frozen=True, slots=True)
class Transfer:
    """Moves playback to a device; `play` starts it there, else it stays as it is."""

    device_id: str
    play: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """The device that plays is gone."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the active device really does: `item` (None: whatever is current) at `position_ms`."""

    item: Item | None
    position_ms: int
    is_playing: bool
    context_uri: str | None = None


Command = (
    Play
    | Resume
    | Pause
    | Next
    | Previous
    | Seek
    | SetRepeat
    | SetShuffle
    | Enqueue
    | Transfer
    | Leave
    | Report
)
