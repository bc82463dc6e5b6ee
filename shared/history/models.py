"""Playback events (F075, F269) and plays.

A play in the history is a `play_started`: it appears at once, and whatever else happens in its
session, in whatever order that arrives, neither adds nor removes one. Plays that count for money
and charts are those of at least 30 s (decision 15); reports make them from the warehouse.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from shared.platform.events import Event
from shared.topology import PLAYBACK_EVENTS, Topic

MAX_BATCH = 100
HISTORY_LIFE = timedelta(days=90)  # F159
MAX_AGE = HISTORY_LIFE  # of a reported event: a device may have been offline
MAX_AHEAD = timedelta(minutes=5)  # a device's clock may be fast
MAX_TRACK_MS = 24 * 3600 * 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EventType = Literal[
    "play_started",
    "progress",
    "paused",
    "resumed",
    "seeked",
    "completed",
    "skipped",
    "stopped",
    "qoe",
]


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch; exact, as floats are not."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_ms(moment_ms: int) -> datetime:
    """The moment `moment_ms` after the epoch, in UTC."""
    return _EPOCH + timedelta(milliseconds=moment_ms)


def _read_moment(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int | datetime):
        raise ValueError("must be an RFC 3339 time or milliseconds since the epoch")
    if isinstance(value, int):
        try:
            return from_ms(value)
        except OverflowError:
            raise ValueError("is no time: milliseconds since the epoch are out of range") from None
    if isinstance(value, str) and value[4:5] != "-":  # else pydantic takes digits for seconds
        raise ValueError("must be an RFC 3339 time, for example 2026-01-31T12:00:00Z")
    return value


def _whole_ms(moment: datetime) -> datetime:
    return from_ms(to_ms(moment))


def _plausible(moment: datetime) -> datetime:
    now = datetime.now(UTC)
    if moment < now - MAX_AGE:
        raise ValueError(f"is more than {MAX_AGE.days} days old")
    if moment > now + MAX_AHEAD:
        raise ValueError("is more than 5 minutes in the future")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_read_moment), AfterValidator(_whole_ms)]
Token = Annotated[str, Field(pattern=r"^[0-9A-Za-z._:-]{1,64}$")]  # never the row key's '#'


class _Fields(BaseModel):
    """What a player reports; RFC 3339 times or epoch milliseconds become whole milliseconds."""

    model_config = ConfigDict(frozen=True)

    event_id: Token
    type: EventType
    track_id: str = Field(pattern=r"^[0-9A-Za-z]{22}$")
    session_id: Token
    device_id: Token | None = None
    position_ms: int = Field(ge=0, le=MAX_TRACK_MS)
    ts: Moment
    context_uri: str | None = Field(
        default=None, pattern=r"^[a-z]{1,20}:[a-z]{1,20}:[0-9A-Za-z_.-]{1,100}$"
    )
    bitrate_kbps: int | None = Field(default=None, ge=1, le=10_000)
    time_to_first_audio_ms: int | None = Field(default=None, ge=0, le=600_000)
    cdn: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9-]{0,30}$")


class ReportedEvent(_Fields):
    """One event of a batch. Fields that are not known are ignored: a player may be newer than
    this, and what it says about the person would not be believed."""

    ts: Annotated[Moment, AfterValidator(_plausible)]


class Batch(BaseModel):
    """The body of `POST /v1/events`: 1..100 events."""

    events: Annotated[list[ReportedEvent], Field(min_length=1, max_length=MAX_BATCH)]


class PlaybackEvent(Event, _Fields):
    """A reported event, with what the access token says about the person."""

    TOPIC: ClassVar[Topic] = PLAYBACK_EVENTS

    user_id: Token
    country: str
    tier: str
    suspected: Literal[True] | None = None  # of not being a person (F286); absent where not


class Play(BaseModel):
    """One play in a person's history; `event_id` tells apart those of one millisecond."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    track_id: str
    played_at_ms: int
    context_uri: str | None = None
    device_id: str | None = None


class Listener(BaseModel):
    """Somebody with plays in the history, and when the newest was."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    last_played_ms: int
