"""A master may be the sound of a track that the catalogue has, if the platform itself says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared import topology
from shared.catalog import service as catalog
from shared.catalog.models import Album, Artist, Track
from shared.ingestion import paths, publishing, service, validation
from shared.ingestion.models import MasterMetadata, MasterReceived, Upload
from shared.ingestion.store import objects, uploads
from shared.platform.ids import is_id, random_id
from tests.emulator.ingestion.conftest import USER, Pipeline, song


@pytest.fixture
async def track(firestore: str) -> Track:
    """A track without sound, under an id of its own."""
    artist = Artist(id=random_id(), name="Somebody")
    album = Album(id=random_id(), name="Something", artists=(artist.ref(),))
    stated = Track(
        id=random_id(),
        name="Stated Name",
        artists=(artist.ref(),),
        album_id=album.id,
        album=album.ref(),
        duration_ms=180_000,
        isrc="USS1Z9900077",
        popularity=5,
    )
    await catalog.load([stated], [album], [artist])
    return stated


async def _received(pipeline: Pipeline, upload_id: str, name: str) -> MasterReceived:
    return await pipeline.receive(await pipeline.stored(f"catalogue/{upload_id}/{name}"))


async def _ingest(pipeline: Pipeline, event: MasterReceived, track_id: str) -> Upload:
    await validation.validate_master(event)
    upload = await pipeline.state(event)
    assert upload.state == "transcoding", upload.reason
    for notification in await pipeline.notifications(track_id):
        await publishing.handle_transcode_finished(notification)
    return await pipeline.state(event)


@pytest.mark.timeout(280)
async def test_a_track_of_the_catalogue_gets_its_sound_and_keeps_all_else(
    pipeline: Pipeline, tmp_path: Path, track: Track
) -> None:
    file = song(tmp_path / "tagged.flac", pitch=311, title="Another Name", ISRC="USS1Z9900078")
    upload_id = await service.put_sound(track.id, file, USER)
    assert is_id(upload_id)
    event = await _received(pipeline, upload_id, file.name)
    assert event.upload_id == upload_id
    upload = await _ingest(pipeline, event, track.id)
    assert (upload.state, upload.track_id) == ("published", track.id)
    assert (await service.get_upload(USER, upload_id)).state == "published"
    sounding = await catalog.get_track(track.id)
    assert (sounding.name, sounding.isrc, sounding.popularity, sounding.album_id) == (
        "Stated Name",
        "USS1Z9900077",
        5,
        track.album_id,
    )
    assert 7_900 < sounding.duration_ms < 8_100
    assert len(sounding.encodings) == 8
    assert sounding.preview_url == f"/previews/{track.id}/{sounding.asset_version}.mp3"
    assert (await catalog.get_album(track.album_id)).total_tracks == 1

    assert await service.put_sound(track.id, file, USER) == upload_id
    assert (await catalog.put_track(track)).asset_version == sounding.asset_version

    other = track.model_copy(update={"id": random_id(), "name": "The Same Recording"})
    await catalog.load([other], [], [])
    second_id = await service.put_sound(other.id, file, USER)
    event = await _received(pipeline, second_id, file.name)
    assert (await _ingest(pipeline, event, other.id)).state == "published"
    assert (await catalog.get_track(other.id)).encodings


async def test_the_sound_of_an_unknown_track_is_rejected_with_its_reason(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    missing = random_id()
    upload_id = await service.put_sound(missing, song(tmp_path / "a.flac", pitch=331), USER)
    event = await _received(pipeline, upload_id, "a.flac")
    await validation.validate_master(event)
    upload = await pipeline.state(event)
    assert upload.state == "rejected"
    assert upload.reason == f"the catalogue has no track {missing} to be the sound of"


async def test_nobody_replaces_anothers_sound_by_an_upload(
    pipeline: Pipeline, tmp_path: Path, track: Track
) -> None:
    """An uploader who gets a track id into the metadata of an object gains nothing by it."""
    stated = MasterMetadata(user_id="thief", filename="a.flac", track_id=track.id)
    name = f"uploads/{random_id()}/a.flac"
    metadata = {service.METADATA_KEY: service.encode_metadata(stated)}
    file = song(tmp_path / "a.flac", pitch=337)
    await objects.write(topology.MASTERS, name, file, "audio/flac", metadata)
    event = await pipeline.receive(await pipeline.stored(name))
    upload = await uploads.load(event.upload_id)
    assert upload is not None
    assert upload.sound_of is None
    await validation.validate_master(event)
    assert (await pipeline.state(event)).track_id != track.id
    assert (await catalog.get_track(track.id)).asset_version == ""


def test_an_upload_url_is_never_for_where_the_catalogues_sound_lies() -> None:
    for filename in ("../catalogue/x.flac", "catalogue/x.flac", "..\\catalogue\\x.flac"):
        name = paths.master(random_id(), paths.safe_filename(filename))
        assert not paths.is_sound_master(name)
