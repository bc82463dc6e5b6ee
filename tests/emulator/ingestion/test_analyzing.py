"""Tracks get the features of their sound from their masters, once, whatever else is broken."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared import topology
from shared.analysis import service as analysis
from shared.analysis import store
from shared.analysis.extraction.features import EXTRACTOR
from shared.analysis.extraction.spectra import RATE_HZ
from shared.analysis.models import AudioFeatures
from shared.catalog import service as catalog
from shared.catalog.models import Album, Artist, Track
from shared.ingestion import analyzing, audio, paths
from shared.ingestion.models import MasterObject, Upload
from shared.ingestion.store import ingestions, objects, uploads
from shared.platform import clients
from shared.platform.errors import NotFound
from shared.platform.ids import random_id
from shared.platform.settings import settings
from tests.emulator.ingestion.conftest import ffmpeg, song

ROOT = Path(__file__).resolve().parents[3]
ARTIST = Artist(id=random_id(), name="Somebody")
ALBUM = Album(id=random_id(), name="Something", artists=(ARTIST.ref(),))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


async def published(file: Path, *, as_sound: bool = False) -> Track:
    """A track as ingestion leaves it, with `file` as its master."""
    digest = await asyncio.to_thread(_digest, file)
    upload_id, track_id = random_id(), random_id()
    content_hash = paths.sound_hash(digest, track_id) if as_sound else digest
    place = paths.sound_master if as_sound else paths.master
    name = place(upload_id, file.name)
    await objects.write(topology.MASTERS, name, file, "audio/flac")
    bucket = settings().bucket(topology.MASTERS.name)
    (found,) = await objects.below(topology.MASTERS, name)
    source = MasterObject(bucket=bucket, name=name, generation=found.generation)
    await uploads.receive(
        Upload(
            upload_id=upload_id,
            user_id="tester",
            filename=file.name,
            size_bytes=found.size_bytes,
            state="received",
            generation=found.generation,
            updated_at=datetime.now(UTC),
        )
    )
    await ingestions.claim(content_hash, upload_id, source, track_id)
    await uploads.advance(upload_id, "published", track_id=track_id, content_hash=content_hash)
    track = Track(
        id=track_id,
        name=file.stem,
        artists=(ARTIST.ref(),),
        album_id=ALBUM.id,
        album=ALBUM.ref(),
        duration_ms=12_000,
        asset_version=content_hash[:16],
        content_hash=content_hash,
    )
    await catalog.load([track], [ALBUM], [ARTIST])
    return track


async def _ticks(every_s: float = 0.05) -> AsyncIterator[None]:
    while True:
        yield
        await asyncio.sleep(every_s)


async def features_of(track: Track) -> AudioFeatures | None:
    return (await store.read([track.id])).get(track.id)


@pytest.fixture(autouse=True)
async def emptied(firestore: str, storage: str) -> None:
    """No upload of another test."""
    del firestore, storage
    async for upload in clients.collection(topology.UPLOADS).list_documents():
        await upload.delete()


async def test_what_has_no_features_gets_them_once(tmp_path: Path) -> None:
    uploaded = await published(song(tmp_path / "a.flac", pitch=440, seconds=12))
    sound = await published(song(tmp_path / "b.mp3", pitch=523, seconds=12), as_sound=True)
    stated = AudioFeatures(id=uploaded.id, duration_ms=12_000, tempo=99.0)
    await analysis.load([stated])
    assert await analyzing.analyze() == analyzing.Analyzed(measured=2)
    for track in (uploaded, sound):
        found = await features_of(track)
        assert found is not None
        assert (found.asset_version, found.extractor) == (track.asset_version, EXTRACTOR)
        assert found.duration_ms == 12_000
        assert -40 < found.loudness < 0
        assert found.instrumentalness + found.energy > 0
    assert await analyzing.analyze() == analyzing.Analyzed()
    assert await analyzing.analyze(force=True, limit=1) == analyzing.Analyzed(measured=1)
    assert await analyzing.analyze_track(sound.id) == analyzing.Analyzed(measured=1)

    await analysis.load([stated])  # the catalogue is loaded again
    found = await features_of(uploaded)
    assert found is not None
    assert found.tempo != 99.0
    assert [one.id async for page in analysis.every_features() for one in page].count(
        uploaded.id
    ) == 1


async def test_a_new_asset_is_measured_and_an_old_upload_of_the_track_is_not(
    tmp_path: Path,
) -> None:
    track = await published(song(tmp_path / "a.flac", pitch=311, seconds=8))
    await analyzing.analyze()
    newer = track.model_copy(update={"asset_version": "f" * 16})
    await catalog.load([newer], [], [])
    assert await analyzing.analyze() == analyzing.Analyzed(measured=1)
    found = await features_of(track)
    assert found is not None
    assert found.asset_version == "f" * 16
    replaced = newer.model_copy(update={"content_hash": "0" * 64, "asset_version": "e" * 16})
    await catalog.load([replaced], [], [])
    assert await analyzing.analyze() == analyzing.Analyzed()


async def test_a_broken_master_stops_nobody_and_is_tried_a_few_times(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken.flac"
    broken.write_bytes(song(tmp_path / "whole.flac", pitch=277, seconds=8).read_bytes()[:9_000])
    bad = await published(broken)
    good = await published(song(tmp_path / "good.flac", pitch=233, seconds=8))
    runs = [await analyzing.analyze() for _ in range(analysis.MAX_ATTEMPTS + 1)]
    assert runs[0] == analyzing.Analyzed(measured=1, failed=1)
    assert runs[1:] == [analyzing.Analyzed(failed=1)] * (analysis.MAX_ATTEMPTS - 1) + [
        analyzing.Analyzed()
    ]
    assert "does not decode" in caplog.text
    assert await features_of(bad) is None
    assert await features_of(good) is not None
    known = [one.id async for page in analysis.every_features() for one in page]
    assert (bad.id in known, good.id in known) == (False, True)
    assert await analyzing.analyze_track(bad.id) == analyzing.Analyzed(failed=1)


async def test_a_master_that_is_not_the_published_one_is_refused(tmp_path: Path) -> None:
    track = await published(song(tmp_path / "a.flac", pitch=1367, seconds=8))
    other = track.model_copy(update={"content_hash": "1" * 64})
    ingestion = await ingestions.load(track.content_hash)
    assert ingestion is not None
    await ingestions.claim("1" * 64, ingestion.upload_id, ingestion.source, track.id)
    await catalog.load([other], [], [])
    assert await analyzing.analyze_track(track.id) == analyzing.Analyzed(failed=1)
    marks = await store.read_marks([track.id])
    failure = marks[track.id].failure
    assert failure is not None
    assert "is not the one that was published" in failure.reason


async def test_a_track_without_sound_is_refused_with_the_remedy(firestore: str) -> None:
    silent = Track(
        id=random_id(),
        name="Silent",
        artists=(ARTIST.ref(),),
        album_id=ALBUM.id,
        album=ALBUM.ref(),
        duration_ms=1,
    )
    await catalog.load([silent], [ALBUM], [ARTIST])
    with pytest.raises(NotFound, match="ingest its master first"):
        await analyzing.analyze_track(silent.id)


async def test_tasks_share_the_work_and_old_masters_are_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await published(song(tmp_path / f"{number}.flac", pitch=200 + 31 * number, seconds=6))
    monkeypatch.setattr(analyzing, "NEW_FOR", -analyzing.NEW_FOR)
    assert await analyzing.analyze() == analyzing.Analyzed()
    shares = await asyncio.gather(*(analyzing.analyze(n, 3, whole=True) for n in range(3)))
    assert sum(one.measured for one in shares) == 5
    assert sum(one.failed for one in shares) == 0
    assert await analyzing.analyze(whole=True) == analyzing.Analyzed()


async def test_what_is_read_is_what_was_published_lately_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracks = [
        await published(song(tmp_path / f"{n}.flac", pitch=170 + 41 * n, seconds=6))
        for n in range(3)
    ]
    documents = [one async for one in clients.collection(topology.UPLOADS).stream()]
    of_track = {one.get("track_id"): one.reference for one in documents}
    now = datetime.now(UTC)
    for track, ago in zip(tracks, (1.5, 0.5, 0), strict=True):
        await of_track[track.id].update({"updated_at": now - ago * analyzing.NEW_FOR})
    found = [page async for page in uploads.published(now - analyzing.NEW_FOR, page_size=1)]
    assert [one.track_id for page in found for one in page] == [tracks[1].id, tracks[2].id]

    def never() -> None:
        raise AssertionError("the masters are listed")

    monkeypatch.setattr(objects, "masters", never)
    assert await analyzing.analyze() == analyzing.Analyzed(measured=2)
    assert await features_of(tracks[0]) is None
    assert await analyzing.analyze(whole=True) == analyzing.Analyzed(measured=1)


async def test_a_killed_run_is_continued_and_the_job_says_what_it_did(tmp_path: Path) -> None:
    tracks = [
        await published(song(tmp_path / f"{n}.flac", pitch=150 + 37 * n, seconds=40))
        for n in range(6)
    ]
    command = [sys.executable, "jobs/analyze_audio/main.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
    async with asyncio.timeout(120):
        async for _ in _ticks():
            if done := await store.read_marks([one.id for one in tracks]):
                break
    killed.kill()
    await killed.wait()
    assert len(done) < len(tracks)
    done = await store.read_marks([one.id for one in tracks])
    finished = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(finished.stdout.splitlines()[-1]) == {
        "task": 0,
        "measured": len(tracks) - len(done),
        "failed": 0,
    }
    assert len(await store.read([one.id for one in tracks])) == len(tracks)


async def test_every_kind_of_master_decodes(tmp_path: Path) -> None:
    plain = song(tmp_path / "plain.flac", pitch=440, seconds=6)
    kinds = {
        "mono": ("-ac", "1", tmp_path / "mono.wav"),
        "8 kHz": ("-ar", "8000", tmp_path / "slow.wav"),
        "24 bit": ("-c:a", "pcm_s24le", "-ar", "96000", tmp_path / "deep.wav"),
        "float": ("-c:a", "pcm_f32le", tmp_path / "float.wav"),
        "surround": ("-ac", "6", tmp_path / "wide.flac"),
        "ogg": (tmp_path / "lossy.ogg",),
        "aac": (tmp_path / "lossy.m4a",),
    }
    for kind, arguments in kinds.items():
        await asyncio.to_thread(ffmpeg, "-i", plain, *arguments)
        sound = await audio.decode_samples(Path(arguments[-1]), RATE_HZ, analyzing.MAX_S)
        assert abs(sound.samples.size / sound.rate_hz - 6) < 0.1, kind
        assert -30 < sound.lufs < 0, kind
    bounded = await audio.decode_samples(plain, RATE_HZ, 2.0)
    assert bounded.samples.size == 2 * RATE_HZ
    junk = tmp_path / "junk.wav"
    junk.write_bytes(b"no audio at all" * 100)
    with pytest.raises(RuntimeError, match="does not decode"):
        await audio.decode_samples(junk, RATE_HZ, analyzing.MAX_S)
