"""Catalog documents to test with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.catalog.models import Album, Artist, Encoding, Track
from shared.platform.ids import random_id

KID = "00112233445566778899aabbccddeeff"
OGG_KID = "ffeeddccbbaa99887766554433221100"


def an_artist(name: str = "Nina Simone", **changes: Any) -> Artist:
    return Artist(**{"id": random_id(), "name": name, **changes})


def an_album(artist: Artist, name: str = "Pastel Blues", **changes: Any) -> Album:
    fields = {
        "id": random_id(),
        "name": name,
        "artists": (artist.ref(),),
        "release_date": "1965-10-01",
        "release_date_precision": "day",
        "images": ("a" * 22,),
    }
    return Album(**{**fields, **changes})


def a_track(album: Album, name: str = "Sinnerman", **changes: Any) -> Track:
    track_id = changes.get("id") or random_id()
    fields = {
        "id": track_id,
        "name": name,
        "artists": album.artists,
        "album_id": album.id,
        "album": album.ref(),
        "duration_ms": 622_000,
        "isrc": "USPR36501234",
        "asset_version": "0123456789abcdef",
        "content_hash": "ab" * 32,
        "encodings": encodings(track_id),
        "preview_url": f"/previews/{track_id}/0123456789abcdef.mp3",
        "published_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return Track(**{**fields, **changes})


def encodings(track_id: str, version: str = "0123456789abcdef") -> tuple[Encoding, ...]:
    aac = [
        Encoding(
            codec="aac",
            bitrate_kbps=kbps,
            container="fmp4",
            path=f"{track_id}/{version}/aac_{kbps}.m3u8",
            size_bytes=kbps * 1000,
            kid=KID,
            drm_scheme="cbcs",
        )
        for kbps in (64, 96, 160, 256)
    ]
    vorbis = [
        Encoding(
            codec="vorbis",
            bitrate_kbps=kbps,
            container="ogg",
            path=f"{track_id}/{version}/vorbis_{kbps}.ogg",
            size_bytes=kbps * 1000,
            kid=OGG_KID,
            iv="0102030405060708" + "0" * 16,
            drm_scheme="aes-256-ctr",
        )
        for kbps in (24, 96, 160, 320)
    ]
    return (*aac, *vorbis)
