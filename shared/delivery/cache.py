"""How long a CDN and a client may keep what (F084-F088, F099)."""

from __future__ import annotations

from enum import StrEnum

MINUTE_S = 60
DAY_S = 86_400

AUDIO_TTL_S = 365 * DAY_S  # F084; paths carry the content's hash, so a copy is never wrong
ALBUM_ARTWORK_TTL_S = 30 * DAY_S  # F085
ARTIST_IMAGE_TTL_S = 7 * DAY_S  # F086
PLAYLIST_COVER_TTL_S = DAY_S  # F087
API_RESPONSE_TTL_S = 5 * MINUTE_S  # F088
NEGATIVE_TTL_S = 10  # F099: long enough to spare the origin, short enough for a publish


class CacheHeader(StrEnum):
    """`Cache-Control` by kind of content."""

    AUDIO = f"public, max-age={AUDIO_TTL_S}, immutable"
    ALBUM_ARTWORK = f"public, max-age={ALBUM_ARTWORK_TTL_S}"
    ARTIST_IMAGE = f"public, max-age={ARTIST_IMAGE_TTL_S}"
    PLAYLIST_COVER = f"public, max-age={PLAYLIST_COVER_TTL_S}"
    # Answers depend on the caller's market and tier: only the caller's own cache may keep them.
    API_RESPONSE = f"private, max-age={API_RESPONSE_TTL_S}"
    NEGATIVE = f"public, max-age={NEGATIVE_TTL_S}"
    # Playlists with a signature in them live as long as the signature, in no shared cache.
    SIGNED_PLAYLIST = "private, no-store"
