"""From a master to a published track, with real encoders and real encryption."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from shared import topology
from shared.catalog import service as catalog
from shared.drm import service as drm
from shared.ingestion import audio, publishing
from shared.ingestion.publishing import UnfitResult
from shared.ingestion.store import ingestions, jobs, objects
from shared.platform import clients
from shared.platform.errors import NotFound, PermanentFailure
from shared.search import service as search
from shared.search.models import SearchRequest
from tests.emulator.ingestion.conftest import Pipeline, song


async def test_an_uploaded_master_becomes_a_track_that_can_be_played(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    path = song(tmp_path / "one.flac", pitch=220, title="One", artist="A; B", isrc="usS1Z9900001")
    upload = await pipeline.publish(path, album="First Light", territories=["DE", "FR"])

    assert (upload.state, upload.progress_percent) == ("published", 100), upload.reason
    track = await catalog.get_track(str(upload.track_id))
    assert (track.name, track.isrc, track.territories) == ("One", "USS1Z9900001", ("DE", "FR"))
    assert [artist.name for artist in track.artists] == ["A", "B"]
    assert track.album.name == "First Light"
    assert track.duration_ms == pytest.approx(8000, abs=5)
    assert track.loudness_lufs == pytest.approx(-14, abs=1)
    assert [(e.codec, e.bitrate_kbps, e.channels, e.drm_scheme) for e in track.encodings] == [
        *(("aac", kbps, 2, "cbcs") for kbps in (64, 96, 160, 256)),
        ("vorbis", 24, 1, "aes-256-ctr"),
        *(("vorbis", kbps, 2, "aes-256-ctr") for kbps in (96, 160, 320)),
    ]
    keys = await drm.content_keys(track.id)
    held = {o.name: o.size_bytes for o in await objects.below(topology.AUDIO, track.asset_prefix)}
    for name in ("manifest.mpd", "master.m3u8", "preview/master.m3u8"):
        assert f"{track.asset_prefix}/{name}" in held
    for encoding in track.encodings:
        content = await objects.read(topology.AUDIO, encoding.path)
        assert hashlib.sha256(content).hexdigest() == encoding.checksum
        assert encoding.measured_bitrate_kbps == pytest.approx(
            encoding.size_bytes * 8 / track.duration_ms, abs=0.1
        )
        if encoding.codec == "vorbis":
            assert (len(content), encoding.kid) == (encoding.size_bytes, keys.ogg_kid)
            assert not content.startswith(b"OggS")
            counter = modes.CTR(bytes.fromhex(str(encoding.iv)))
            plain = Cipher(algorithms.AES256(keys.ogg_key), counter).decryptor().update(content)
            assert plain.startswith(b"OggS")
            (tmp_path / "plain.ogg").write_bytes(plain)
            result = await audio.decode_result(tmp_path / "plain.ogg")
            assert result.duration_ms == pytest.approx(track.duration_ms, abs=50)
    clip = await objects.read(topology.PREVIEWS, f"{track.id}/{track.asset_version}.mp3")
    assert clip[:3] == b"ID3" or clip[0] == 0xFF
    for size_px in (640, 300, 64):
        jpeg = await objects.read(topology.IMAGES, f"{track.image_id}/{size_px}.jpg")
        assert jpeg.startswith(b"\xff\xd8")
    asked = SearchRequest("one", ("track",), limit=50, market="DE")
    assert track.id in (await search.search(asked)).pages["track"].ids


async def test_nothing_secret_and_nothing_plain_is_left_behind(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    upload = await pipeline.publish(song(tmp_path / "two.flac", pitch=262))
    assert upload.state == "published", upload.reason
    assert await objects.below(topology.STAGING, f"{upload.track_id}/") == []
    name = f"projects/segue-local/secrets/transcode-key-{upload.track_id}/versions/1"
    with pytest.raises(Exception, match=r"(?i)not found"):
        await clients.secret_manager().access_secret_version(name=name)


async def test_a_transcoder_failure_ends_the_upload_with_its_reason(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_such_secret(*_: object) -> str:
        return "projects/segue-local/secrets/none/versions/1"

    monkeypatch.setattr(drm, "create_transcode_secret", no_such_secret)
    event, upload = await pipeline.validate(song(tmp_path / "three.flac", pitch=294))
    for note in await pipeline.notifications(str(upload.track_id)):
        await publishing.handle_transcode_finished(note)
    upload = await pipeline.state(event)
    assert upload.state == "failed"
    assert "the cmaf encoding failed" in str(upload.reason)
    with pytest.raises(NotFound):
        await catalog.get_track(str(upload.track_id))
    # The same master again is another try.
    monkeypatch.undo()
    again = await pipeline.publish(song(tmp_path / "three.flac", pitch=294))
    assert (again.state, again.track_id) == ("published", upload.track_id), again.reason


async def test_results_that_are_too_loud_are_not_published(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, upload = await pipeline.validate(song(tmp_path / "four.flac", pitch=330))
    notes = await pipeline.notifications(str(upload.track_id))
    monkeypatch.setattr("shared.ingestion.loudness.TARGET_LUFS", -23.0)
    for note in notes[:2]:
        await publishing.handle_transcode_finished(note)
    with pytest.raises(PermanentFailure, match="LUFS"):
        await publishing.handle_transcode_finished(notes[2])
    upload = await pipeline.state(event)
    assert upload.state == "failed"
    assert "outside" in str(upload.reason)


async def test_a_missing_rendition_is_noticed_before_anything_is_visible(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    _, upload = await pipeline.validate(song(tmp_path / "five.flac", pitch=349))
    await pipeline.notifications(str(upload.track_id))
    ingestion = await ingestions.load(str(upload.content_hash))
    assert ingestion is not None
    prefix = f"{ingestion.track_id}/{ingestion.asset_version}/"
    await objects.delete(topology.AUDIO, [f"{prefix}aac_160.m3u8"])
    with pytest.raises(UnfitResult, match="aac_160"):
        await publishing.publish_ingestion(ingestion)
    with pytest.raises(NotFound):
        await catalog.get_track(ingestion.track_id)


async def test_a_job_of_somebody_else_is_buried(pipeline: Pipeline) -> None:
    from shared.ingestion.models import FinishedJob, TranscodeFinished

    name = "projects/p/locations/us-central1/jobs/none"
    with pytest.raises(PermanentFailure, match="not one of ours"):
        await publishing.handle_transcode_finished(
            TranscodeFinished(job=FinishedJob(name=name, state="SUCCEEDED"))
        )
    assert await jobs.get(name) is None


async def test_the_upload_url_takes_exactly_what_was_announced(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    from shared.ingestion import service
    from shared.ingestion.models import UploadRequest

    request = UploadRequest(filename="six.flac", size_bytes=1000)
    ticket = await service.start_upload("tester", request)
    async with httpx.AsyncClient(trust_env=False) as http:
        for changes in (
            {"x-upload-content-length": "2000"},
            {"x-goog-content-length-range": "0,5000"},
            {"x-goog-meta-segue": "e30="},
        ):
            refused = await http.post(ticket.upload_url, headers=ticket.headers | changes)
            assert refused.status_code == 403, changes
        altered = ticket.upload_url.replace("six.flac", "seven.flac")
        assert (await http.post(altered, headers=ticket.headers)).status_code == 403
        assert (await http.post(ticket.upload_url, headers=ticket.headers)).status_code == 201
