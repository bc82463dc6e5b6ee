"""What the fields of a catalogue's lines may hold."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

Kind = Literal["artist", "album", "track", "show", "episode", "playlist", "user", "category"]
Reference = tuple[Kind, str]

DEFAULT_DURATION_MS = 180_000
DEFAULT_EPISODE_MS = 1_800_000
MAX_ITEMS = 10_000


def _real(date: str) -> str:
    """`date` if the calendar has it; raises ValueError."""
    if len(date) == len("YYYY-MM-DD"):
        dt.date.fromisoformat(date)
    return date


Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{22}$")]
UserId = Annotated[str, Field(pattern=r"^[0-9A-Za-z_.-]{1,64}$")]
CategoryId = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
ItemUri = Annotated[str, Field(pattern=r"^spotify:(track|episode):[0-9A-Za-z]{22}$")]
ContextUri = Annotated[
    str, Field(pattern=r"^spotify:(album|artist|playlist|show):[0-9A-Za-z]{22}$")
]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Text = Annotated[str, Field(max_length=10_000)]
Word = Annotated[str, Field(min_length=1, max_length=100)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Date = Annotated[
    str,
    Field(pattern=r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$"),
    AfterValidator(_real),
]
Popularity = Annotated[int, Field(ge=0, le=100)]
DurationMs = Annotated[int, Field(ge=1, le=24 * 3600 * 1000)]
Share = Annotated[float, Field(ge=0, le=1)]
RelativePath = Annotated[str, Field(min_length=1, max_length=1000)]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Copyright(Strict):
    """A copyright line."""

    text: Name
    type: Literal["C", "P"]


class Features(Strict):
    """The sound of a track in numbers."""

    danceability: Share
    energy: Share
    speechiness: Share
    acousticness: Share
    instrumentalness: Share
    liveness: Share
    valence: Share
    key: int = Field(ge=-1, le=11)
    mode: int = Field(ge=0, le=1)
    loudness: float = Field(ge=-100, le=20)
    tempo: float = Field(ge=0, le=1000)
    time_signature: int = Field(ge=3, le=7)


def _as_item(value: Any) -> Any:
    return {"uri": value} if isinstance(value, str) else value


class ItemEntry(Strict):
    """An item of a playlist."""

    uri: ItemUri
    added_at: AwareDatetime | None = None
    added_by: UserId | None = None


Item = Annotated[ItemEntry, BeforeValidator(_as_item)]


def _as_saved(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


class SavedEntry(Strict):
    """Something that a person saved."""

    id: Id
    added_at: AwareDatetime | None = None


Saved = Annotated[SavedEntry, BeforeValidator(_as_saved)]


class ResumeEntry(Strict):
    """How far a person has heard an episode."""

    episode: Id
    position_ms: int = Field(ge=0)
    fully_played: bool = False
    at: AwareDatetime | None = None


class PlayedEntry(Strict):
    """One play."""

    track: Id
    at: AwareDatetime | None = None
    hours_ago: Annotated[float, Field(ge=0, le=90 * 24)] | None = None
    context_uri: ContextUri | None = None

    @model_validator(mode="after")
    def _one_time(self) -> PlayedEntry:
        if (self.at is None) == (self.hours_ago is None):
            raise ValueError("give `at` or `hours_ago`, one of them")
        return self


def by_uri(uri: str) -> Reference:
    """What `spotify:<kind>:<id>` names."""
    _, kind, item_id = uri.split(":")
    return kind, item_id  # type: ignore[return-value]
