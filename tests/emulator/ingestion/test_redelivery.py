"""Events that come twice, and workers that die between any two steps: one track, always whole."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shared import topology
from shared.catalog import service as catalog
from shared.drm import service as drm
from shared.ingestion import publishing, service, validation
from shared.ingestion.store import fingerprints, ingestions, jobs, objects, uploads
from shared.platform import clients
from shared.platform.errors import NotFound
from shared.search import service as search
from tests.emulator.ingestion.conftest import Pipeline, song

STEPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (uploads, ("advance", "load")),
    (ingestions, ("claim", "load", "update", "record_job")),
    (fingerprints, ("similar", "forget")),
    (objects, ("stat_master", "download", "read", "write", "exists", "below", "delete")),
    (jobs, ("create", "get", "find")),
    (drm, ("content_keys", "create_content_keys", "create_transcode_secret",
           "destroy_transcode_secret")),
    (catalog, ("publish_track",)),
    (search, ("index_track",)),
    (validation, ("publish",)),
    (publishing, ("publish",)),
)  # fmt: skip


class Crash(BaseException):
    """The worker is gone; nothing may catch this."""


@contextmanager
def crash_after(step: int) -> Iterator[list[str]]:
    """The body's worker dies right after its `step`-th effect; yields the steps it made."""
    made: list[str] = []

    def dying(name: str, work: Any) -> Any:
        async def call(*arguments: Any, **named: Any) -> Any:
            if len(made) >= step:
                raise Crash  # others that run beside the one that died
            result = await work(*arguments, **named)
            made.append(name)
            if len(made) == step:
                raise Crash(name)
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        for module, names in STEPS:
            for name in names:
                patch.setattr(module, name, dying(name, getattr(module, name)))
        yield made


async def jobs_of(content_hash: str) -> int:
    listed = await clients.transcoder().list_jobs(
        request={
            "parent": "projects/segue-local/locations/us-central1",
            "filter": f'labels.content_a="{content_hash[:32]}"',
        }
    )
    return len([job async for job in listed])


async def is_whole(track_id: str) -> bool:
    """Whether the track is visible; if so, everything that it refers to is there."""
    for cache in (catalog.tracks, catalog.albums, catalog.track_lists):
        cache.clear()
    try:
        track = await catalog.get_track(track_id)
    except NotFound:
        return False
    for encoding in track.encodings:
        content = await objects.read(topology.AUDIO, encoding.path)
        assert hashlib.sha256(content).hexdigest() == encoding.checksum
    assert await objects.exists(topology.PREVIEWS, f"{track_id}/{track.asset_version}.mp3")
    assert await objects.exists(topology.IMAGES, f"{track.image_id}/64.jpg")
    keys = await drm.content_keys(track_id)
    assert {encoding.kid for encoding in track.encodings} == {keys.cmaf_kid, keys.ogg_kid}
    return True


async def test_a_worker_that_dies_after_any_step_leaves_work_that_finishes_once(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    event = await pipeline.receive(await pipeline.upload(song(tmp_path / "a.flac", pitch=831)))
    for step in itertools.count(1):
        with crash_after(step):
            try:
                await validation.validate_master(event)
                break
            except Crash:
                continue
    assert step > 12
    upload = await pipeline.state(event)
    assert upload.state == "transcoding", upload.reason
    assert await jobs_of(str(upload.content_hash)) == 3

    notes = await pipeline.notifications(str(upload.track_id))
    track_id = str(upload.track_id)
    for note in notes[:2]:
        await publishing.handle_transcode_finished(note)
    seen = False
    for step in itertools.count(1):
        with crash_after(step):
            try:
                await publishing.handle_transcode_finished(notes[2])
                break
            except Crash:
                pass
        visible = await is_whole(track_id)
        assert visible or not seen
        seen = visible
    assert step > 20
    for note in notes * 2:
        await publishing.handle_transcode_finished(note)
    await validation.validate_master(event)

    assert await is_whole(track_id)
    upload = await pipeline.state(event)
    assert (upload.state, upload.track_id) == ("published", track_id)
    album = await catalog.get_album((await catalog.get_track(track_id)).album_id)
    assert album.total_tracks == 1
    assert await jobs_of(str(upload.content_hash)) == 3
    published = await pipeline.pull(topology.TRACK_PUBLISHED)
    ids = {body["event_id"] for body in published if body["track_id"] == track_id}
    assert len(ids) == 1
    assert await objects.below(topology.STAGING, f"{track_id}/") == []


async def test_deliveries_at_the_same_moment_make_one_track(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    event = await pipeline.receive(await pipeline.upload(song(tmp_path / "a.flac", pitch=880)))
    await asyncio.gather(*(validation.validate_master(event) for _ in range(3)))
    upload = await pipeline.state(event)
    made = await jobs_of(str(upload.content_hash))
    notes = await pipeline.notifications(str(upload.track_id), made)
    await asyncio.gather(*(publishing.handle_transcode_finished(note) for note in notes))
    await asyncio.gather(*(publishing.handle_transcode_finished(note) for note in notes))
    upload = await pipeline.state(event)
    assert upload.state == "published", upload.reason
    assert await is_whole(str(upload.track_id))


async def test_a_late_event_does_not_take_a_published_upload_back(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    stored = await pipeline.upload(song(tmp_path / "a.flac", pitch=932))
    event = await pipeline.receive(stored)
    await validation.validate_master(event)
    upload = await pipeline.state(event)
    for note in await pipeline.notifications(str(upload.track_id)):
        await publishing.handle_transcode_finished(note)
    before = await pipeline.state(event)
    await pipeline.receive(stored)  # storage's event again
    await validation.validate_master(event)
    await uploads.advance(event.upload_id, "validating")
    assert await pipeline.state(event) == before
    assert before.state == "published"


async def test_a_lost_notification_is_repeated_by_redriving(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    event = await pipeline.receive(await pipeline.upload(song(tmp_path / "a.flac", pitch=988)))
    await validation.validate_master(event)
    upload = await pipeline.state(event)
    await pipeline.notifications(str(upload.track_id))  # lost: nobody handles them

    await service.redrive(dt.timedelta(hours=1))
    assert event.name not in [b["name"] for b in await pipeline.pull(topology.MASTER_RECEIVED)]
    await service.redrive(None)
    redriven = await pipeline.pull(topology.MASTER_RECEIVED)
    assert event.name in [body["name"] for body in redriven]
    await validation.validate_master(event)
    for note in await pipeline.notifications(str(upload.track_id)):
        await publishing.handle_transcode_finished(note)
    assert (await pipeline.state(event)).state == "published"


async def test_an_empty_database_is_rebuilt_from_the_masters(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    upload = await pipeline.publish(
        song(tmp_path / "a.flac", pitch=1046), title="Kept", territories=["SE"]
    )
    track_id, content_hash = str(upload.track_id), str(upload.content_hash)
    for collection, name in (
        (topology.UPLOADS, upload.upload_id),
        (topology.INGESTIONS, content_hash),
        (topology.FINGERPRINTS, track_id),
        (topology.CONTENT_KEYS, track_id),
        (topology.TRACKS, track_id),
    ):
        await clients.collection(collection).document(name).delete()
    drm._unwrapped.clear()

    await service.redrive(None)
    bodies = await pipeline.pull(topology.MASTER_RECEIVED)
    (body,) = [body for body in bodies if body["upload_id"] == upload.upload_id]
    event = validation.MasterReceived(**body)
    await validation.validate_master(event)
    for note in await pipeline.notifications(track_id):
        await publishing.handle_transcode_finished(note)
    rebuilt = await pipeline.state(event)
    assert (rebuilt.state, rebuilt.track_id) == ("published", track_id)
    assert rebuilt.user_id == upload.user_id
    assert await is_whole(track_id)
    track = await catalog.get_track(track_id)
    assert (track.name, track.territories) == ("Kept", ("SE",))
