"""Lyrics in the API's shape."""

from __future__ import annotations

from shared.lyrics.models import Lyrics
from shared.lyrics.shapes import LyricsObject


def lyrics_object(track_id: str, lyrics: Lyrics) -> LyricsObject:
    """LyricsObject; `language` is there where the lyrics state it."""
    shown: LyricsObject = {
        "track_id": track_id,
        "synced": lyrics.synced,
        "lines": [
            {
                "start_ms": line.start_ms,
                "end_ms": line.end_ms,
                "text": line.text,
                "words": [
                    {"start_ms": word.start_ms, "end_ms": word.end_ms, "text": word.text}
                    for word in line.words
                ],
            }
            for line in lyrics.lines
        ],
    }
    if lyrics.language is not None:
        shown["language"] = lyrics.language
    return shown
