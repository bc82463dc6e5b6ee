"""Where things lie. Paths below an asset version never change their content (F096)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

from shared.ingestion.ladder import LADDER_VERSION
from shared.platform.ids import content_id, is_id

MAX_FILENAME_BYTES = 180
HLS_MANIFEST = "master.m3u8"
DASH_MANIFEST = "manifest.mpd"
PREVIEW_MP3 = "preview.mp3"
_UPLOAD = re.compile(r"(?:uploads|catalogue)/([0-9A-Za-z]{22})/[^/]+")
_CATALOGUE = "catalogue/"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f#?*\[\]\\:\"<>|]+")  # awkward in URLs, globs or file systems


def safe_filename(name: str) -> str:
    """`name` without folders and awkward characters, at most 180 bytes, its extension kept.
    Empty where nothing is left."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    name = _UNSAFE.sub("_", name).strip(" .")
    path = PurePosixPath(name)
    stem, suffix = path.stem, path.suffix
    while stem and len((stem + suffix).encode()) > MAX_FILENAME_BYTES:
        stem = stem[:-1]
    return stem + suffix if stem else ""


def master(upload_id: str, filename: str) -> str:
    """Object of an upload in the masters bucket."""
    return f"uploads/{upload_id}/{filename}"


def sound_master(upload_id: str, filename: str) -> str:
    """Object of a master that is the sound of a track of the catalogue."""
    return f"{_CATALOGUE}{upload_id}/{filename}"


def is_sound_master(name: str) -> bool:
    """Whether an object of the masters bucket may say whose sound it is."""
    return name.startswith(_CATALOGUE)


def upload_id_of(bucket: str, name: str) -> str:
    """The upload that an object belongs to; one made up from its name for foreign objects."""
    match = _UPLOAD.fullmatch(name)
    if match and is_id(match[1]):
        return match[1]
    return content_id("master", bucket, name)


def track_id_of(content_hash: str) -> str:
    """The track of a master: the same bytes are the same track (F027)."""
    return content_id("track", content_hash)


def sound_hash(content_hash: str, track_id: str) -> str:
    """64 hex digits in the place of a master's hash where it is the sound of `track_id`."""
    return hashlib.sha256(f"{content_hash}{track_id}".encode()).hexdigest()


def asset_version(content_hash: str, cmaf_kid: str) -> str:
    """16 hex digits that change with the audio, the ladder and the key."""
    text = f"{content_hash}{LADDER_VERSION}{cmaf_kid}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def asset(track_id: str, version: str) -> str:
    """Folder of a track's renditions in the audio and staging buckets, ending in a slash."""
    return f"{track_id}/{version}/"


def premium_asset(track_id: str, version: str) -> str:
    """Folder of what only Premium listeners may fetch: beside the other renditions', because one
    signature opens a whole folder."""
    return f"{track_id}/{version}-premium/"


def preview_asset(track_id: str, version: str) -> str:
    """Folder of the clear preview in the audio bucket, ending in a slash."""
    return f"{track_id}/{version}/preview/"


def preview_mp3(track_id: str, version: str) -> str:
    """The preview clip in the previews bucket."""
    return f"{track_id}/{version}.mp3"


def preview_url_path(track_id: str, version: str) -> str:
    """The preview clip on the images and previews host."""
    return f"/previews/{preview_mp3(track_id, version)}"


def image(image_id: str, size_px: int) -> str:
    """One size of an image in the images bucket."""
    return f"{image_id}/{size_px}.jpg"
