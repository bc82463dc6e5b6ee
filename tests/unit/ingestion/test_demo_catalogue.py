"""The demo music is whole and deterministic; music gets through on broken lines."""

from __future__ import annotations

import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from emulators import demo, music
from emulators.demo_covers import png
from emulators.demo_synth import RATE_HZ, Band
from shared.ingestion import isrc, tags
from shared.ingestion.models import UploadMetadata

TRACKS = [(album, number) for album in demo.ALBUMS for number in range(1, len(album.tracks) + 1)]


def test_every_album_has_a_valid_barcode_and_a_cover_of_its_own() -> None:
    for album in demo.ALBUMS:
        assert isrc.normalised_upc(album.upc) == album.upc
        assert Image.open(io.BytesIO(png(album.cover))).size == (640, 640)
    assert len({album.cover for album in demo.ALBUMS}) == len(demo.ALBUMS)
    assert len(TRACKS) == 10


def test_a_track_sounds_the_same_every_time_and_in_stereo() -> None:
    style = demo.ALBUMS[0].tracks[0].style
    one, again, other = (Band(style, 10, seed).play() for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert float(np.abs(one).max()) == pytest.approx(style.peak, abs=0.01)
    assert float(np.abs(one[0] - one[1]).max()) > 0.01


def test_the_busiest_track_fills_the_spectrum() -> None:
    track = next(t for album in demo.ALBUMS for t in album.tracks if t.title == demo.BUSIEST_TRACK)
    samples = Band(track.style, 12, 402).play()[0][4 * RATE_HZ : 8 * RATE_HZ]
    power = np.abs(np.fft.rfft(samples)) ** 2
    octaves = [power[int(hz * 4) : int(hz * 8)].mean() for hz in (2000, 4000, 8000)]
    assert min(octaves) > power.max() * 1e-6


def test_masters_are_made_once_with_tags_cover_and_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    album = demo.ALBUMS[1]
    monkeypatch.setattr(demo, "ALBUMS", (album,))
    seen: list[tuple[int, int, str]] = []
    paths = demo.make(tmp_path, lambda *step: seen.append(step))
    assert [(done, total) for done, total, _ in seen] == [(1, 3), (2, 3), (3, 3)]
    found = tags.read(paths[1])
    merged = tags.merge(found, UploadMetadata(), paths[1].name, "2026-01-01")
    assert (merged.title, merged.album, merged.upc) == (
        demo.RESTRICTED_TRACK,
        album.title,
        album.upc,
    )
    assert merged.isrc is not None
    assert found.artwork == png(album.cover)
    facts = json.loads(demo.features_of(paths[1]).read_text())
    tempo = album.tracks[1].style.tempo_bpm
    assert (facts["audio_features"]["tempo"], facts["audio_features"]["key"]) == (tempo, 0)
    before = [path.stat().st_mtime_ns for path in paths]
    assert demo.make(tmp_path, lambda *step: seen.append(step)) == paths
    assert [path.stat().st_mtime_ns for path in paths] == before
    assert len(seen) == 3
    found_music, skipped = music.find(tmp_path)
    assert (sorted(paths), skipped) == (found_music, [])


def test_a_sidecar_states_what_tags_cannot_say(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(b"abc")
    assert music._announcement(path) == {"filename": "a.flac", "size_bytes": 3}
    (tmp_path / "a.flac.json").write_text('{"territories": ["DE"]}')
    assert music._announcement(path)["metadata"] == {"territories": ["DE"]}


class Storage(httpx.AsyncBaseTransport):
    """A resumable session whose connection breaks at every other chunk, before or after it."""

    def __init__(self) -> None:
        self.held, self.puts = b"", 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        if request.method == "POST":
            return httpx.Response(201, headers={"location": "http://storage/session"})
        span = request.headers["content-range"].removeprefix("bytes ")
        total = int(span.partition("/")[2])
        if not span.startswith("*"):
            self.puts += 1
            if self.puts % 4 == 1:
                raise httpx.ConnectError("before")
            if self.puts % 4 == 3:
                self.held += body[: len(body) // 2]
                raise httpx.ReadError("in the middle")
            assert int(span.partition("-")[0]) == len(self.held)
            self.held += body
        if len(self.held) == total:
            return httpx.Response(200)
        held = {"range": f"bytes=0-{len(self.held) - 1}"} if self.held else {}
        return httpx.Response(308, headers=held)


async def test_a_broken_upload_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(music, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(music.asyncio, "sleep", _at_once)
    path = tmp_path / "a.flac"
    path.write_bytes(bytes(range(256)) * 10)
    storage = Storage()
    async with httpx.AsyncClient(transport=storage) as http:
        api = music._Api(http, "http://api", _token)
        ticket = {"method": "POST", "upload_url": "http://storage/start", "headers": {}}
        await api.send(path, ticket)
    assert storage.held == path.read_bytes()


async def _token() -> str:
    return "token"


async def _at_once(_: float) -> None:
    return


def test_the_exit_status_says_whether_all_is_in_the_catalogue() -> None:
    path = Path("a.flac")
    good, known = music.Outcome(path, "published"), music.Outcome(path, "duplicate")
    assert music.Summary((good, known)).exit_code == 0
    assert music.Summary((good, music.Outcome(path, "rejected", "why"))).exit_code == 1
    assert music.Summary(()).exit_code == 2
