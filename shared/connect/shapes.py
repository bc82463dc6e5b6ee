"""The Web API's player objects as types.

Keys that the published document lacks and clients insist on: `smart_shuffle`, and `disallows`
around what `actions` refuses.
"""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from shared.catalog.shapes import TrackObject
from shared.history.shapes import ContextObject
from shared.platform.shapes import ErrorBody
from shared.podcasts.shapes import EpisodeObject

Playable = TrackObject | EpisodeObject


class DeviceObject(TypedDict):
    """A device; `volume_percent` 0..100, null where it cannot be set."""

    id: str | None
    is_active: bool
    is_private_session: bool
    is_restricted: bool
    name: str
    type: str
    volume_percent: int | None
    supports_volume: bool


class DevicesObject(TypedDict):
    """The devices that are there, by name."""

    devices: list[DeviceObject]


class Disallows(TypedDict):
    """What the player would refuse now; a key is there where it is true."""

    pausing: NotRequired[bool]
    resuming: NotRequired[bool]
    seeking: NotRequired[bool]
    skipping_next: NotRequired[bool]
    skipping_prev: NotRequired[bool]
    toggling_repeat_context: NotRequired[bool]
    toggling_repeat_track: NotRequired[bool]
    toggling_shuffle: NotRequired[bool]
    transferring_playback: NotRequired[bool]


class ActionsObject(TypedDict):
    """What can be done with the player now."""

    disallows: Disallows


class CurrentlyPlayingObject(TypedDict):
    """What plays. `timestamp` is the epoch millisecond of the last change; `item` is null for an
    episode that the request does not ask for (`additional_types`)."""

    timestamp: int
    context: ContextObject | None
    progress_ms: int | None
    item: Playable | None
    currently_playing_type: Literal["track", "episode", "unknown"]
    actions: ActionsObject
    is_playing: bool


class CurrentlyPlayingContextObject(CurrentlyPlayingObject):
    """What plays, where and how."""

    device: DeviceObject
    repeat_state: Literal["off", "context", "track"]
    shuffle_state: bool
    smart_shuffle: bool


class QueueObject(TypedDict):
    """What plays and the next 20 at most: the queue, then the context."""

    currently_playing: Playable | None
    queue: list[Playable]


class StateObject(TypedDict):
    """The player as its devices need it: `version` goes back with a report, `playback` is null
    while nothing is loaded or no device is there, `queue` are the URIs of what comes next."""

    version: int
    playback: CurrentlyPlayingContextObject | None
    queue: list[str]
    server_time_ms: int


class StaleObject(ErrorBody):
    """The refusal of a report that is out of date, with the present state."""

    state: StateObject


# One server-sent event; its data is StateObject or DevicesObject in JSON.
EVENT_SCHEMA = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["state", "devices"]},
        "id": {"type": "string", "description": "the state's version"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
