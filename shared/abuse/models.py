"""What bot detection reads, concludes and stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict

Override = Literal["cleared", "suspected"]
OVERRIDES: tuple[Override, ...] = ("cleared", "suspected")
Change = Literal["started", "ended"]


# --- what is judged -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listen:
    """The start of a play. `artist_id` is the track's first artist; it and `duration_ms` are
    empty and 0 for a track that the catalogue does not know, `device_id` is empty where the
    player named none."""

    started_at_ms: int
    track_id: str
    artist_id: str = ""
    duration_ms: int = 0
    device_id: str = ""


class Finding(BaseModel):
    """What one signal says: its `value` in its unit, and how far that counts, 0 (excluded) to 1;
    `points` is what it adds to the score."""

    model_config = ConfigDict(frozen=True)

    signal: str
    value: float
    unit: str
    strength: float
    points: float


class Assessment(BaseModel):
    """A person's day of plays: `score` 0 (a person) to 1 (a machine), and the findings that it
    is the sum of, those with most points first."""

    model_config = ConfigDict(frozen=True)

    score: float = 0.0
    findings: tuple[Finding, ...] = ()


# --- what is stored -------------------------------------------------------------------------


def _read_override(value: object) -> object:
    """People type it by hand. What cannot be read is the milder one: who wrote anything here did
    so to correct the job."""
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip().lower()
    return text if text in OVERRIDES else "cleared"


class Verdict(BaseModel):
    """`bot_verdicts/{user_id}`. Suspected from `suspected_since` until `suspected_until`, which
    the job moves on while the behaviour goes on; `score` and `findings` are those of
    `judged_at`. `override` is an operator's and outranks the job; Firestore deletes the document
    after `expires_at` (never where that is None)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    user_id: str
    score: float = 0.0
    findings: tuple[Finding, ...] = ()
    judged_at: datetime | None = None
    suspected_since: datetime | None = None
    suspected_until: datetime | None = None
    override: Annotated[Override | None, BeforeValidator(_read_override)] = None
    note: str = ""
    expires_at: datetime | None = None

    def suspects(self, now: datetime) -> bool:
        """Whether the account is to be treated as suspected at `now`."""
        if self.override is not None:
            return self.override == "suspected"
        return self.suspected_until is not None and now < self.suspected_until


class Sweep(BaseModel):
    """`bot_sweeps/{slice}`: how far the search through a slice of people is. `since_ms` is when
    the last complete one began; while one is under way, `started_ms` is set and everybody before
    `position` has been visited."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    since_ms: int
    started_ms: int | None = None
    position: str = ""

    def begun(self, now_ms: int) -> Sweep:
        """The one under way, or else a new one."""
        if self.started_ms is not None:
            return self
        return Sweep(since_ms=self.since_ms, started_ms=now_ms)

    def at(self, position: str) -> Sweep:
        """With everybody before `position` visited."""
        return self.model_copy(update={"position": position})

    def finished(self) -> Sweep:
        """With everybody visited: the next one looks for who played since this one began."""
        return Sweep(since_ms=self.since_ms if self.started_ms is None else self.started_ms)


# --- what the history tells -----------------------------------------------------------------


class Played(Protocol):
    """One play of the listening history."""

    @property
    def track_id(self) -> str: ...
    @property
    def played_at_ms(self) -> int: ...
    @property
    def device_id(self) -> str | None: ...


class Listener(Protocol):
    """Somebody who has plays in the history, and the moment of the newest."""

    @property
    def user_id(self) -> str: ...
    @property
    def last_played_ms(self) -> int: ...


class History(Protocol):
    """The listening history as `shared.history.service` tells it. That feature stands above this
    one, so the job hands it in."""

    def listeners(self, start: str, end: str | None) -> AsyncIterator[Listener]:
        """Everybody from `start` to before `end` (None: to the last), in the order of ids."""

    async def plays_since(self, user_id: str, since_ms: int, limit: int) -> Sequence[Played]:
        """The newest `limit` plays since then."""
