"""Lyrics as the API shows them (ours: the published document has none)."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict


class WordObject(TypedDict):
    """A word or syllable and when it is sung."""

    start_ms: int
    end_ms: int
    text: str


class LineObject(TypedDict):
    """A line and when it is sung; `words` is empty where only the line has a time."""

    start_ms: int
    end_ms: int
    text: str
    words: list[WordObject]


class LyricsObject(TypedDict):
    """Lyrics of a track; `synced` is what has times: words, lines or nothing."""

    track_id: str
    language: NotRequired[str]
    synced: Literal["line", "word", "none"]
    lines: list[LineObject]
