"""Bad masters end with a clear reason and lose nothing; known recordings are recognised."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shared import topology
from shared.ingestion import audio, validation
from shared.ingestion.duplicate import Recording, decide
from shared.ingestion.store import fingerprints, ingestions, objects
from shared.platform import clients
from shared.platform.errors import PermanentFailure
from shared.platform.ids import random_id
from tests.emulator.ingestion.conftest import Pipeline, ffmpeg, song


async def rejected(pipeline: Pipeline, path: Path, **metadata: object) -> str:
    event, upload = await pipeline.validate(path, **metadata)
    assert upload.state == "rejected"
    assert upload.track_id is None
    assert await objects.exists(topology.MASTERS, event.name)  # the master stays
    return str(upload.reason)


async def test_a_file_that_is_no_audio(pipeline: Pipeline, tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(b"I am a letter, not a song.\n" * 50)
    assert "not audio that we can read" in await rejected(pipeline, path)


async def test_a_truncated_flac(pipeline: Pipeline, tmp_path: Path) -> None:
    path = song(tmp_path / "a.flac", pitch=415, seconds=20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert "cut off" in await rejected(pipeline, path)


async def test_a_three_second_clip(pipeline: Pipeline, tmp_path: Path) -> None:
    path = song(tmp_path / "a.flac", pitch=415, seconds=3)
    assert "too short: 3.0 s" in await rejected(pipeline, path)


async def test_zero_bytes_that_came_past_the_api(pipeline: Pipeline) -> None:
    event = await pipeline.receive(await pipeline.put("imports/empty.flac", b""))
    await validation.validate_master(event)
    upload = await pipeline.state(event)
    assert (upload.state, upload.reason) == ("rejected", "the file is empty")


async def test_a_wrong_isrc_in_the_tags(pipeline: Pipeline, tmp_path: Path) -> None:
    path = song(tmp_path / "a.flac", pitch=440, isrc="12-XYZ")
    assert "isrc in the file's tags: '12-XYZ' is not an ISRC" in await rejected(pipeline, path)
    # The same bytes with the right code stated are taken.
    _, upload = await pipeline.validate(path, isrc="USS1Z9900440")
    assert upload.state == "transcoding", upload.reason


async def test_an_isrc_that_names_another_recording(pipeline: Pipeline, tmp_path: Path) -> None:
    _, held = await pipeline.validate(song(tmp_path / "a.flac", pitch=466), isrc="USS1Z9900466")
    assert held.state == "transcoding"
    other = song(tmp_path / "b.flac", pitch=701)
    reason = await rejected(pipeline, other, isrc="USS1Z9900466")
    assert f"USS1Z9900466 already names track {held.track_id}" in reason


async def test_a_master_past_the_api_is_accepted(pipeline: Pipeline, tmp_path: Path) -> None:
    content = song(tmp_path / "a.flac", pitch=494, title="Imported").read_bytes()
    event = await pipeline.receive(await pipeline.put("imports/a.flac", content))
    await validation.validate_master(event)
    upload = await pipeline.state(event)
    assert (upload.state, upload.user_id) == ("transcoding", None)


async def test_the_same_file_again_is_a_duplicate_of_the_same_track(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    path = song(tmp_path / "a.flac", pitch=523)
    _, first = await pipeline.validate(path)
    _, second = await pipeline.validate(path, title="Another title")
    assert second.state == "duplicate"
    assert second.track_id == first.track_id
    assert str(first.track_id) in str(second.reason)


@pytest.mark.parametrize("extension", ["mp3", "ogg", "m4a"])
async def test_another_encoding_of_a_known_recording_is_a_duplicate(
    pipeline: Pipeline, tmp_path: Path, extension: str
) -> None:
    pitch = {"mp3": 554, "ogg": 587, "m4a": 622}[extension]
    master = song(tmp_path / "a.flac", pitch=pitch, seconds=12)
    _, first = await pipeline.validate(master)
    assert first.state == "transcoding", first.reason
    copy = tmp_path / f"b.{extension}"
    ffmpeg("-i", master, "-af", "volume=0.5", "-b:a", "160k", copy)
    _, second = await pipeline.validate(copy, title="Not mine")
    assert (second.state, second.track_id) == ("duplicate", first.track_id)
    assert "fingerprint" in str(second.reason)
    _, third = await pipeline.validate(copy)  # the copy again: of the original, not of the copy
    assert (third.state, third.track_id) == ("duplicate", first.track_id)


async def test_of_two_alike_that_arrive_together_exactly_one_is_new(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    decoded = await audio.decode_master(song(tmp_path / "a.wav", pitch=659), None)
    pair = [Recording(random_id(), 8000, None, decoded.fingerprint) for _ in range(2)]
    found = await asyncio.gather(*(fingerprints.similar(one) for one in pair))
    kinds = sorted(decide(new, known).kind for new, known in zip(pair, found, strict=True))
    assert kinds == ["duplicate", "new"]


async def test_a_master_that_is_gone_is_buried(pipeline: Pipeline, tmp_path: Path) -> None:
    event = await pipeline.receive(await pipeline.upload(song(tmp_path / "a.flac", pitch=740)))
    clients.bucket(topology.MASTERS).blob(event.name).delete()
    with pytest.raises(PermanentFailure, match="gone"):
        await validation.validate_master(event)


async def test_stated_metadata_and_artwork_travel_with_the_track(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    _, upload = await pipeline.validate(
        song(tmp_path / "a.flac", pitch=784, title="Tag", artist="Tagged"),
        title="Stated", territories=["JP"], upc="036000291452", explicit=True,
    )  # fmt: skip
    ingestion = await ingestions.load(str(upload.content_hash))
    assert ingestion is not None
    assert ingestion.metadata is not None
    assert (ingestion.metadata.title, ingestion.metadata.artists) == ("Stated", ("Tagged",))
    assert (ingestion.metadata.territories, ingestion.metadata.explicit) == (("JP",), True)
    assert await objects.exists(topology.IMAGES, f"{ingestion.image_id}/640.jpg")
