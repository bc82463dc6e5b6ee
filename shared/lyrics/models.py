"""Lyrics and their times (F245)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from shared.catalog.models import Document

Synced = Literal["line", "word", "none"]


class Word(Document):
    """A word or syllable and when it is sung."""

    start_ms: int
    end_ms: int
    text: str


class Line(Document):
    """A line and when it is sung; a line without text is a pause. `words` is empty where only
    the line has a time."""

    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()


class Lyrics(Document):
    """Lyrics with times in milliseconds from the track's start, in order of time; where `synced`
    is "none" every time is 0 and the order is the text's."""

    synced: Synced
    lines: tuple[Line, ...]
    language: str | None = None  # ISO 639, as the lyrics state it


class LyricsSource(Document):
    """What is stored: the LRC as it was given, and the track's length, which ends the last
    line."""

    track_id: str
    lrc: str
    duration_ms: int = Field(gt=0)
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
