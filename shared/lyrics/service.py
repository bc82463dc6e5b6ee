"""Lyrics of tracks.

The LRC is stored as it came and read into lines on each request, which takes about a
millisecond: whoever has just replaced lyrics sees the new ones, and a better reader serves old
lyrics too.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence

from shared.lyrics import store
from shared.lyrics.lrc import parse
from shared.lyrics.models import Lyrics, LyricsSource
from shared.platform.errors import InvalidInput, NotFound, TooLarge

MAX_LRC_BYTES = 64 * 1024


async def get_lyrics(track_id: str) -> Lyrics:
    """The lyrics of a track. Raises NotFound."""
    source = await store.read(track_id)
    if source is None:
        raise NotFound("There are no lyrics of this track.")
    return parse(source.lrc, source.duration_ms)


async def limited(body: AsyncIterable[bytes]) -> bytes:
    """The whole of `body`. Raises TooLarge as soon as it has more than 64 KB."""
    held = bytearray()
    async for part in body:
        held += part
        if len(held) > MAX_LRC_BYTES:
            raise TooLarge(f"Lyrics have at most {MAX_LRC_BYTES} bytes (64 KB).")
    return bytes(held)


async def put_lyrics(track_id: str, lrc: bytes, *, duration_ms: int) -> Lyrics:
    """Stores `lrc` (UTF-8, at most 64 KB) as the lyrics of a track of `duration_ms`; returns what
    was read in it. Whether the caller may is the caller's business.

    Raises TooLarge, and InvalidInput, which names the line, for text that is no LRC.
    """
    if len(lrc) > MAX_LRC_BYTES:
        raise TooLarge(f"Lyrics have at most {MAX_LRC_BYTES} bytes (64 KB).")
    try:
        text = lrc.decode("utf-8")
    except UnicodeDecodeError as error:
        number = lrc.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"line {number}: the text is not UTF-8") from None
    lyrics = parse(text, duration_ms)
    await store.write(LyricsSource(track_id=track_id, lrc=text, duration_ms=duration_ms))
    return lyrics


async def load(sources: Sequence[LyricsSource]) -> None:
    """Stores lyrics over what is there. Raises InvalidInput, which names the track, before
    anything is written."""
    for source in sources:
        try:
            parse(source.lrc, source.duration_ms)
        except InvalidInput as fault:
            raise InvalidInput(f"lyrics of track {source.track_id}: {fault.message}") from None
    await store.write_all(sources)
