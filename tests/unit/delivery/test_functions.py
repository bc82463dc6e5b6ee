"""The functions of delivery as the functions framework loads them."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest
from functions_framework.aio import create_asgi_app

from shared.catalog.models import AlbumRef, ArtistRef, Encoding, Track
from shared.delivery.priming import first_files

FUNCTIONS = Path(__file__).parents[3] / "functions"


@pytest.mark.parametrize(
    ("name", "path"), [("prime_cdn", "/tasks/prime-cdn"), ("queue_cdn_priming", "/")]
)
async def test_nobody_but_our_own_account_may_call(
    name: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))  # the loader adds the function's folder
    app = create_asgi_app(name, str(FUNCTIONS / name / "main.py"), "http")  # type: ignore[no-untyped-call]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for headers in ({}, {"authorization": "Basic eA=="}):
            answer = await client.post(path, json={}, headers=headers)
            assert answer.status_code == 401
            assert answer.json()["error"]["status"] == 401


def test_the_playlists_and_the_files_of_the_published_asset_are_primed() -> None:
    encodings = [
        Encoding(codec=codec, bitrate_kbps=160, container=container, path=path, size_bytes=1)
        for codec, container, path in (
            ("aac", "fmp4", "t/v2/aac_160.m3u8"),
            ("vorbis", "ogg", "t/v2/vorbis_160.ogg"),
            ("vorbis", "ogg", "t/v1/vorbis_320.ogg"),
        )
    ]
    track = Track(
        id="t",
        name="n",
        artists=(ArtistRef(id="r", name="n"),),
        album_id="a",
        album=AlbumRef(id="a", name="n"),
        duration_ms=1000,
        asset_version="v2",
        encodings=tuple(encodings),
        content_hash="h",
    )
    assert first_files(track, "v2") == ("master.m3u8", "vorbis_160.ogg")
    assert first_files(track, "v1") == ("master.m3u8",)
