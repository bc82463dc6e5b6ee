"""What to fetch ahead of the first listener (F098): playlists, and the first segments in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from shared.catalog.models import Track

PRIMED_SEGMENTS = 2  # of each rendition: 12 s, the time a cold edge needs to catch up
FIRST_BYTES = "bytes=0-262143"  # of a whole-track file: 6 s at 320 kbps, and the headers
MASTER_PLAYLIST = "master.m3u8"  # leads to the first segments of every segmented rendition
_URI = re.compile(r'URI="([^"]+)"')


def first_files(track: Track, asset_version: str) -> tuple[str, ...]:
    """What listeners of the published `asset_version` ask for first, below its prefix."""
    paths = [MASTER_PLAYLIST]
    # Of a track republished since, the newer event brings the files.
    if track.asset_version == asset_version:
        below = f"{track.asset_prefix}/"
        paths += [
            encoding.path.removeprefix(below)
            for encoding in track.encodings
            if encoding.codec == "vorbis" and encoding.path.startswith(below)
        ]
    return tuple(paths)


def is_playlist(path: str) -> bool:
    """Whether `path` is an HLS playlist."""
    return path.endswith(".m3u8")


def is_whole(path: str) -> bool:
    """Whether a player fetches `path` in one piece: all but the whole-track files."""
    return not path.endswith((".ogg", ".mp3"))


def next_paths(playlist: str) -> list[str]:
    """Relative paths that a player asks for first after reading an HLS `playlist`: the variants
    of a master, else the initialisation segment and the first segments."""
    tagged: list[str] = []
    plain: list[str] = []
    master = False
    for line in map(str.strip, playlist.splitlines()):
        if line.startswith("#"):
            master = master or line.startswith("#EXT-X-STREAM-INF")
            if line.startswith(("#EXT-X-MAP:", "#EXT-X-MEDIA:")):
                tagged += _URI.findall(line)
        elif line:
            plain.append(line)
    wanted = tagged + (plain if master else plain[:PRIMED_SEGMENTS])
    return [path for path in dict.fromkeys(wanted) if _is_below(path)]


def _is_below(path: str) -> bool:
    """Whether `path` stays under the playlist's own prefix; nothing else is signed."""
    parts = urlsplit(path)
    return (
        not (parts.scheme or parts.netloc or parts.query)
        and not path.startswith("/")
        and ".." not in path.split("/")
    )
