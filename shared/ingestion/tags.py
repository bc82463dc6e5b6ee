"""A file's own tags, and their merge with what its uploader states (F003).

Reads Vorbis comments (FLAC, Ogg), ID3 (MP3, WAV) and MP4 atoms with mutagen; pure but for reading
the one file it is given.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from shared.ingestion.models import (
    MAX_ARTISTS,
    MAX_TEXT,
    Rejected,
    TrackMetadata,
    UploadMetadata,
)

UNKNOWN_ARTIST = "Unknown Artist"
_log = logging.getLogger(__name__)
MAX_ARTWORK_BYTES = 20 * 2**20
FRONT_COVER = 3  # picture type of ID3 and FLAC
# Several artists in one text: semicolons, and "featuring". A slash or an ampersand may be part of
# a name, so neither separates.
_SEPARATOR = re.compile(r"\s*;\s*|\s*\0\s*|\s+[\(\[]?(?:feat\.?|ft\.?|featuring)\s+", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")

_ID3 = {
    "title": "TIT2", "artist": "TPE1", "album": "TALB", "albumartist": "TPE2", "date": "TDRC",
    "tracknumber": "TRCK", "discnumber": "TPOS", "isrc": "TSRC", "genre": "TCON", "label": "TPUB",
    "artists": "TXXX:ARTISTS", "barcode": "TXXX:BARCODE", "upc": "TXXX:UPC",
    "advisory": "TXXX:ITUNESADVISORY", "compilation": "TCMP",
}  # fmt: skip
_MP4 = {
    "title": "©nam", "artist": "©ART", "album": "©alb", "albumartist": "aART", "date": "©day",
    "genre": "©gen", "advisory": "rtng", "compilation": "cpil",
    "isrc": "----:com.apple.iTunes:ISRC", "barcode": "----:com.apple.iTunes:BARCODE",
    "upc": "----:com.apple.iTunes:UPC", "label": "----:com.apple.iTunes:LABEL",
    "artists": "----:com.apple.iTunes:ARTISTS",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tags:
    """Tags as text lists under common names, the front cover if there is one, and what the
    headers say of the audio: `header_duration_ms` is None where the format does not state it."""

    values: Mapping[str, tuple[str, ...]]
    artwork: bytes | None = None
    header_duration_ms: int | None = None

    def first(self, *names: str) -> str | None:
        """The first value under the first of `names` that has one."""
        return next((self.values[name][0] for name in names if self.values.get(name)), None)


def read(path: Path) -> Tags:
    """The tags of the file at `path`; empty for a file that mutagen does not know."""
    import mutagen
    from mutagen.flac import FLAC
    from mutagen.mp4 import MP4
    from mutagen.wave import WAVE

    try:
        file: Any = mutagen.File(path)
    except Exception as error:  # of a stranger's bytes; a retry would trip over them again
        _log.info("the tags of %s are unreadable: %r", path.name, error)
        file = None
    if file is None:
        return Tags({})
    tags = file.tags
    if isinstance(file, MP4):
        values, artwork = _from_mp4(tags or {}), _mp4_artwork(tags or {})
    elif tags is not None and hasattr(tags, "getall"):  # ID3, also within WAV
        values, artwork = _from_id3(tags), _id3_artwork(tags)
    else:
        values, artwork = _from_vorbis(tags or ()), None
        pictures = list(getattr(file, "pictures", ())) or _vorbis_pictures(tags or ())
        artwork = _front(pictures)
    # The length of an MP3 without a Xing header is a guess from its first frames.
    guessed = getattr(file.info, "bitrate_mode", None) == 0 and not isinstance(file, FLAC | WAVE)
    length_s = getattr(file.info, "length", 0) or 0
    return Tags(
        values,
        artwork if artwork and len(artwork) <= MAX_ARTWORK_BYTES else None,
        None if guessed or length_s <= 0 else round(length_s * 1000),
    )


def merge(tags: Tags, stated: UploadMetadata, filename: str, ingested_on: str) -> TrackMetadata:
    """The track's metadata: what was stated, else the tags, else the file's name.

    `ingested_on` (YYYY-MM-DD) is the release date of last resort. Raises Rejected for an ISRC or
    UPC in the tags that is none.
    """
    number, total = _pair(tags.first("tracknumber"))
    disc, _ = _pair(tags.first("discnumber"))
    artists = stated.artists or _artists(tags) or (UNKNOWN_ARTIST,)
    title = stated.title or tags.first("title") or _title_of(filename)
    album_artists = (
        _split([stated.album_artist])
        if stated.album_artist
        else _split(tags.values.get("albumartist", ())) or artists[:1]
    )
    advisory = tags.first("advisory", "itunesadvisory")
    fields: dict[str, Any] = {
        "title": _cut(title),
        "artists": artists[:MAX_ARTISTS],
        "album": _cut(stated.album or tags.first("album") or title),
        "album_artists": album_artists[:MAX_ARTISTS],
        "compilation": tags.first("compilation") in ("1", "True"),
        "track_number": stated.track_number or number or 1,
        "disc_number": stated.disc_number or disc or 1,
        "total_tracks": total or _pair(tags.first("tracktotal", "totaltracks"))[0],
        "release_date": stated.release_date or _date(tags.first("date", "year")) or ingested_on,
        "isrc": stated.isrc or tags.first("isrc"),
        "upc": stated.upc or tags.first("upc", "barcode"),
        "explicit": advisory in ("1", "4") if stated.explicit is None else stated.explicit,
        "territories": stated.territories or (),
        "genres": stated.genres or tuple(_cut(g) for g in tags.values.get("genre", ())[:10]),
        "label": _cut(stated.label or tags.first("label", "organization", "publisher") or "")
        or None,
    }
    try:
        return TrackMetadata.model_validate(fields)
    except ValidationError as error:
        faults = (
            f"{detail['loc'][0]} in the file's tags: {detail['msg'].removeprefix('Value error, ')}"
            for detail in error.errors()
        )
        raise Rejected("; ".join(faults)) from None


def _artists(tags: Tags) -> tuple[str, ...]:
    return _split(tags.values.get("artists", ())) or _split(tags.values.get("artist", ()))


def _split(values: Iterable[str]) -> tuple[str, ...]:
    names = (part.strip(" )]") if "(" not in part else part.strip()
             for value in values for part in _SEPARATOR.split(value))  # fmt: skip
    return tuple(dict.fromkeys(_cut(name) for name in names if name))


def _cut(text: str) -> str:
    return text.strip()[:MAX_TEXT].strip()


def _title_of(filename: str) -> str:
    """ "03 - Night Train.flac" is "Night Train"."""
    stem = PurePosixPath(filename).stem.replace("_", " ").strip()
    return re.sub(r"^\d{1,3}\s*[-.)]\s*", "", stem) or stem or "Untitled"


def _pair(text: str | None) -> tuple[int | None, int | None]:
    """ "3/12" is (3, 12)."""
    numbers = [
        int(part) if len(part) < 9 and part.strip().isdecimal() and 0 < int(part) <= 9999 else None
        for part in (text or "").split("/")[:2]
    ]
    return numbers[0], numbers[1] if len(numbers) > 1 else None


def _date(text: str | None) -> str | None:
    match = _DATE.match((text or "").strip())
    if match is None or match[1] == "0000":
        return None
    year, month, day = match.groups()
    if not month or not 1 <= int(month) <= 12:
        return year
    return f"{year}-{month}-{day}" if day and 1 <= int(day) <= 31 else f"{year}-{month}"


def _clean(values: Iterable[Any]) -> tuple[str, ...]:
    texts = (
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in values
    )
    return tuple(text.strip() for text in texts if text.strip())


def _from_vorbis(tags: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for key, value in tags:
        found.setdefault(key.lower(), []).append(value)
    return {key: _clean(items) for key, items in found.items()}


def _from_id3(tags: Any) -> dict[str, tuple[str, ...]]:
    values = {}
    for name, key in _ID3.items():
        frame = tags.get(key) or next(
            (f for k, f in tags.items() if k.casefold() == key.casefold()), None
        )
        if frame is not None:
            values[name] = _clean(frame.genres if key == "TCON" else frame.text)
    return values


def _from_mp4(tags: Any) -> dict[str, tuple[str, ...]]:
    values = {}
    for name, key in _MP4.items():
        held = tags.get(key)
        if held is not None:
            values[name] = _clean(held if isinstance(held, list) else [held])
    for name, key in (("tracknumber", "trkn"), ("discnumber", "disk")):
        if tags.get(key):
            number, total = tags[key][0]
            values[name] = (f"{number}/{total}",)
    return values


def _mp4_artwork(tags: Any) -> bytes | None:
    covers = tags.get("covr") or []
    return bytes(covers[0]) if covers else None


def _id3_artwork(tags: Any) -> bytes | None:
    return _front(tags.getall("APIC"))


def _vorbis_pictures(tags: Any) -> list[Any]:
    from mutagen.flac import Picture, error

    pictures = []
    for key, value in tags:
        if key.lower() == "metadata_block_picture":
            try:
                pictures.append(Picture(base64.b64decode(value)))  # type: ignore[no-untyped-call]
            except (ValueError, error):
                continue  # a broken cover is no reason to refuse the music
    return pictures


def _front(pictures: list[Any]) -> bytes | None:
    if not pictures:
        return None
    best = next((p for p in pictures if p.type == FRONT_COVER), pictures[0])
    return bytes(best.data)
