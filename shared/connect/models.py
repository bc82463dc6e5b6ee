"""What plays, in which order, on which device (F070).

Times are epoch milliseconds of the server's clock. URIs are `spotify:track:<id>` or
`spotify:episode:<id>`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Repeat = Literal["off", "context", "track"]

# The context of what autoplay plays; plays from it are known to be recommended.
AUTOPLAY_URI = "segue:shelf:autoplay"
DEVICE_LEASE_MS = 60_000  # F266: a device that is silent for longer has left
DEVICE_TYPES = (
    "Computer",
    "Tablet",
    "Smartphone",
    "Speaker",
    "TV",
    "AVR",
    "STB",
    "AudioDongle",
    "GameConsole",
    "CastVideo",
    "CastAudio",
    "Automobile",
    "Unknown",
)


@dataclass(frozen=True, slots=True)
class Item:
    """A track or an episode; `duration_ms` is 1 or more."""

    uri: str
    duration_ms: int

    @property
    def kind(self) -> str:
        """`track` or `episode`."""
        return self.uri.split(":")[1]

    @property
    def id(self) -> str:
        """22 base62 characters."""
        return self.uri.split(":")[2]


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """An item that somebody queued; `id` tells one request's entry from another's."""

    id: str
    item: Item


@dataclass(frozen=True, slots=True)
class Shuffle:
    """A shuffled order: what `ordering.order` makes of the seed, with the item at index `first`
    before all others (-1: none is)."""

    seed: int
    first: int = -1


@dataclass(frozen=True, slots=True)
class Player:
    """The state of a person's player.

    `items` are the context's, in its natural order; `index` is where in them playback stands, and
    goes on after the queue. What is heard is `current`: `items[index]`, or an entry taken from
    the queue (`from_queue`). `position_ms` was true at `at_ms`. `changed_at_ms` is when a person or
    a device last changed something. `version` grows with each change that is stored; 0 is a player
    that was never used. `recent_entries` are the ids of queue entries that were accepted lately.
    `autoplay` is what it goes on with when the context has ended and nothing is repeated.
    """

    version: int = 0
    context_uri: str | None = None
    items: tuple[Item, ...] = ()
    index: int = -1
    current: Item | None = None
    from_queue: bool = False
    queue: tuple[QueueEntry, ...] = ()
    recent_entries: tuple[str, ...] = ()
    repeat: Repeat = "off"
    shuffle: Shuffle | None = None
    is_playing: bool = False
    position_ms: int = 0
    at_ms: int = 0
    changed_at_ms: int = 0
    device_id: str | None = None
    autoplay: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Device:
    """A device of a person. It is there until `expires_at_ms`, unless it says so again."""

    id: str
    name: str
    type: str
    volume_percent: int = 100
    supports_volume: bool = True
    is_private_session: bool = False
    is_restricted: bool = False  # takes no commands from others
    expires_at_ms: int = 0

    def is_live(self, now_ms: int) -> bool:
        """Whether its lease holds."""
        return self.expires_at_ms > now_ms


@dataclass(frozen=True, slots=True)
class Devices:
    """All devices of a person whose lease has not long ended, by id."""

    by_id: dict[str, Device] = field(default_factory=dict)

    def live(self, now_ms: int) -> list[Device]:
        """Those that are there, by name."""
        there = [one for one in self.by_id.values() if one.is_live(now_ms)]
        return sorted(there, key=lambda one: (one.name, one.id))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A person's player and devices, read together."""

    player: Player = Player()
    devices: Devices = field(default_factory=Devices)
