"""`functions/lyrics` over HTTP: who may give a track lyrics, and how they come back."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.ingestion.models import MasterObject, Upload
from shared.ingestion.store import ingestions, uploads
from shared.lyrics import service
from shared.lyrics.models import LyricsSource
from shared.platform.errors import InvalidInput
from shared.platform.ids import random_id
from tests.emulator.catalog.functions import function
from tests.unit.catalog.samples import a_track, an_album, an_artist

UPLOAD = "ugc-track-upload"
LRC = "[la:en]\n[00:01.00]One\n[00:02.00]<00:02.00>Two <00:02.50>three\n"

pytestmark = pytest.mark.usefixtures("firestore")


async def a_published_track(**changes: object) -> Track:
    artist = an_artist()
    album = an_album(artist)
    track = a_track(album, duration_ms=10_000, **changes)
    await catalog.publish_track(track, album, [artist])
    return track


async def uploaded_by(user: str) -> Track:
    """A track as it stands after `user` has uploaded its master."""
    content_hash, upload_id = random_id(), random_id()
    now = datetime.now(UTC)
    upload = Upload(
        upload_id=upload_id,
        user_id=user,
        filename="song.flac",
        size_bytes=1,
        state="published",
        updated_at=now,
    )
    await uploads.create(upload, now)
    await ingestions.claim(
        content_hash, upload_id, MasterObject(bucket="b", name="n", generation=1)
    )
    return await a_published_track(content_hash=content_hash)


async def put(user: str, track: Track, lrc: str | bytes, scope: str = UPLOAD) -> httpx.Response:
    async with function("lyrics", user=user, scope=scope) as client:
        return await client.put(
            f"/v1/tracks/{track.id}/lyrics", content=lrc, headers={"content-type": "text/plain"}
        )


async def get(track_id: str) -> httpx.Response:
    async with function("lyrics") as client:
        return await client.get(f"/v1/tracks/{track_id}/lyrics")


def fault(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["status"] == answer.status_code
    return error["status"], error["message"]


async def test_whoever_uploaded_a_track_gives_it_lyrics_and_all_may_read_them() -> None:
    track = await uploaded_by("ada")
    assert (await put("ada", track, LRC)).status_code == 200
    answer = await get(track.id)
    assert answer.json() == {
        "track_id": track.id,
        "synced": "word",
        "language": "en",
        "lines": [
            {"start_ms": 1000, "end_ms": 2000, "text": "One", "words": []},
            {
                "start_ms": 2000,
                "end_ms": 10_000,
                "text": "Two three",
                "words": [
                    {"start_ms": 2000, "end_ms": 2500, "text": "Two"},
                    {"start_ms": 2500, "end_ms": 10_000, "text": "three"},
                ],
            },
        ],
    }
    replaced = await put("ada", track, "Just\nwords")
    assert replaced.json()["synced"] == "none"
    assert (await get(track.id)).json() == replaced.json()


async def test_nobody_else_may() -> None:
    track = await uploaded_by("ada")
    assert fault(await put("bob", track, LRC))[0] == 403
    assert fault(await put("ada", track, LRC, scope="streaming"))[0] == 403
    nobodys = await a_published_track(content_hash="")
    assert fault(await put("ada", nobodys, LRC))[0] == 403
    assert fault(await get(track.id)) == (404, "There are no lyrics of this track.")
    assert fault(await get("0" * 22))[0] == 404


@pytest.mark.parametrize(
    ("lrc", "status", "message"),
    [
        ("[00:01.00]a\nb", 400, "line 2: text without a time"),
        (b"[00:01.00]a\n\xff", 400, "line 2: the text is not UTF-8"),
        ("", 400, "no lyrics"),
        ("[00:01.00]" + "a" * 65_536, 413, "Lyrics have at most 65536 bytes"),
    ],
)
async def test_bad_lyrics_are_refused_by_line(lrc: str | bytes, status: int, message: str) -> None:
    track = await uploaded_by("ada")
    found = fault(await put("ada", track, lrc))
    assert found[0] == status
    assert found[1].startswith(message)


async def test_lyrics_are_loaded_all_or_none() -> None:
    track = await a_published_track()
    good = LyricsSource(track_id=track.id, lrc=LRC, duration_ms=10_000)
    bad = LyricsSource(track_id="x" * 22, lrc="", duration_ms=10_000)
    with pytest.raises(InvalidInput, match=f"lyrics of track {'x' * 22}: no lyrics"):
        await service.load([good, bad])
    assert fault(await get(track.id))[0] == 404
    await service.load([good])
    assert (await get(track.id)).json()["synced"] == "word"
