"""What a person did: one signal each (F207).

Signals come from two topics: what players report (`playback-events`, see
`shared.history.signals`) and everything else (`listener-signals`). Both end in the same rows, so
features know one kind of thing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import ClassVar, Literal

from pydantic import Field

from shared.platform.events import Event
from shared.topology import LISTENER_SIGNALS, Topic

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SignalKind = Literal[
    # from players
    "play",
    "skip",
    "complete",
    "stop",
    # from the rest
    "save",
    "unsave",
    "playlist_add",
    "playlist_remove",
    "follow",
    "unfollow",
    "search",
    "share",
    "hide",  # "not for me"
    "unhide",
    "report",  # a complaint
]


class Signal(Event):
    """Something that `user_id` did at `ts`, told apart by `event_id` among their own.

    `track_id` is what it was done to where that is a track, else `subject_uri` names it
    (`spotify:artist:<id>`, `spotify:playlist:<id>`, ...). `position_ms` is how far the track was
    heard at a skip, a stop or a completion. What somebody searched for is in no signal: the words
    do not leave `search-events`.
    """

    TOPIC: ClassVar[Topic] = LISTENER_SIGNALS

    event_id: str = Field(pattern=r"^[0-9A-Za-z._:-]{1,64}$")
    user_id: str
    kind: SignalKind
    ts: datetime
    track_id: str | None = None
    subject_uri: str | None = None
    session_id: str | None = None
    device_id: str | None = None
    position_ms: int | None = Field(default=None, ge=0)
    country: str | None = None
    context_uri: str | None = None
    suspected: Literal[True] | None = None  # of not being a person (F286): counts for nobody else

    @cached_property
    def ts_ms(self) -> int:
        """`ts` in whole milliseconds since the epoch; exact, as floats are not."""
        return (self.ts - _EPOCH) // timedelta(milliseconds=1)
