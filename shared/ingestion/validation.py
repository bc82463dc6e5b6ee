"""A master examined, recognised and sent to the Transcoder.

Keyed by content hash and safe to repeat at any point: each step either stores the same again or
finds that it is done. What ends here ends with its reason in the upload; the master stays.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from shared import topology
from shared.catalog import service as catalog
from shared.drm import service as drm
from shared.ingestion import audio, covers, documents, duplicate, paths, tags, transcode_plan
from shared.ingestion.duplicate import Recording
from shared.ingestion.models import (
    JOB_ROLES,
    PROGRESS_PERCENT,
    TERMINAL_STATES,
    FinishedJob,
    Ingestion,
    JobRole,
    MasterObject,
    MasterReceived,
    Rejected,
    TrackMetadata,
    TranscodeFinished,
    Upload,
    UploadState,
)
from shared.ingestion.service import MAX_MASTER_BYTES
from shared.ingestion.store import fingerprints, ingestions, jobs, objects, uploads
from shared.platform.errors import DomainError, PermanentFailure
from shared.platform.events import publish
from shared.platform.settings import settings

_log = logging.getLogger(__name__)


async def validate_master(event: MasterReceived) -> None:
    """Handles MasterReceived. Raises PermanentFailure where there is nothing to work on."""
    upload = await uploads.load(event.upload_id)
    if upload is None:
        raise PermanentFailure(f"upload {event.upload_id} was never noted")
    if upload.generation != event.generation:
        _log.info("upload %s has a newer master", event.upload_id)
        return
    if upload.state in TERMINAL_STATES:
        return
    source = MasterObject(bucket=event.bucket, name=event.name, generation=event.generation)
    if upload.content_hash:
        ingestion = await ingestions.load(upload.content_hash)
        if ingestion is not None and ingestion.source == source and ingestion.asset_version:
            await resume(ingestion)
            return
    await uploads.advance(upload.upload_id, "validating")
    try:
        await _examine(upload, source)
    except Rejected as rejection:
        await uploads.advance(upload.upload_id, "rejected", reason=str(rejection))
        _log.info("upload %s rejected: %s", upload.upload_id, rejection)


async def _examine(upload: Upload, source: MasterObject) -> None:
    """From the bytes to running jobs. Raises Rejected."""
    info = await objects.stat_master(source)
    if info is None:
        raise PermanentFailure(f"master {source.name} (generation {source.generation}) is gone")
    if info.size_bytes == 0:
        raise Rejected("the file is empty")
    if info.size_bytes > MAX_MASTER_BYTES:
        raise Rejected(
            f"the file has {info.size_bytes} bytes, at most {MAX_MASTER_BYTES} (1 GiB) are accepted"
        )
    with tempfile.TemporaryDirectory(prefix="master-") as folder:
        path = Path(folder) / "master"
        content_hash = await objects.download(topology.MASTERS, source.name, path)
        if upload.sound_of is not None:
            content_hash = await _hash_as_sound(content_hash, upload.sound_of)
        kind, ingestion = await ingestions.claim(
            content_hash, upload.upload_id, source, upload.sound_of
        )
        if kind == "duplicate":
            track_id = ingestion.duplicate_of or ingestion.track_id
            reason = f"the same file is already in the catalogue as track {track_id}"
            await uploads.advance(
                upload.upload_id, "duplicate", reason=reason, track_id=track_id,
                content_hash=content_hash,
            )  # fmt: skip
            return
        await uploads.advance(upload.upload_id, "validating", content_hash=content_hash)
        if ingestion.state in TERMINAL_STATES:  # the last attempt ended before it told the upload
            await end_upload(ingestion)
            return
        if ingestion.asset_version:
            await resume(ingestion)
            return
        try:
            ingestion = await _recognise(ingestion, upload, path, f"{info.created_at:%Y-%m-%d}")
        except Rejected as rejection:
            await finish(ingestion, "rejected", str(rejection))
            return
    if ingestion.state in TERMINAL_STATES:
        return
    await uploads.advance(upload.upload_id, "transcoding", track_id=ingestion.track_id)
    for role in JOB_ROLES:
        await _start_job(ingestion, role)


async def _recognise(
    ingestion: Ingestion, upload: Upload, path: Path, ingested_on: str
) -> Ingestion:
    """Decodes the master, compares it with what is known, stores what publishing will need.
    Returns the ingestion at `transcoding`, or at its end as a duplicate. Raises Rejected."""
    found = tags.read(path)
    decoded = await audio.decode_master(path, found.header_duration_ms)
    if ingestion.sound_only:
        return await _recognise_sound(ingestion, decoded)
    metadata = tags.merge(found, upload.metadata, upload.filename, ingested_on)
    recording = Recording(
        ingestion.track_id, decoded.duration_ms, metadata.isrc, decoded.fingerprint
    )
    decision = duplicate.decide(recording, await fingerprints.similar(recording))
    if decision.kind != "new":
        await fingerprints.forget(ingestion.track_id)
        if decision.kind == "isrc_conflict":
            raise Rejected(decision.reason)
        return await finish(ingestion, "duplicate", decision.reason, duplicate_of=decision.track_id)
    image_id = await covers.store_cover(found.artwork, documents.album_id(metadata))
    return await _ready(ingestion, decoded.duration_ms, metadata, image_id)


async def _hash_as_sound(content_hash: str, track_id: str) -> str:
    """The key of an ingestion that is the sound of `track_id`. Raises Rejected for a track that
    is not in the catalogue."""
    try:
        await catalog.get_track(track_id)
    except DomainError:
        raise Rejected(f"the catalogue has no track {track_id} to be the sound of") from None
    return paths.sound_hash(content_hash, track_id)


async def _recognise_sound(ingestion: Ingestion, decoded: audio.DecodedMaster) -> Ingestion:
    """As `_recognise`, for a track that the catalogue has: whose the recording is stands there, so
    a likeness to others decides nothing; but later uploads are compared with it."""
    await fingerprints.similar(
        Recording(ingestion.track_id, decoded.duration_ms, None, decoded.fingerprint)
    )
    return await _ready(ingestion, decoded.duration_ms, None, None)


async def _ready(
    ingestion: Ingestion, duration_ms: int, metadata: TrackMetadata | None, image_id: str | None
) -> Ingestion:
    """Stores what publishing will need."""
    keys = await drm.create_content_keys(ingestion.track_id)
    ready = ingestion.model_copy(
        update={
            "state": "transcoding",
            "asset_version": paths.asset_version(ingestion.content_hash, keys.cmaf_kid),
            "metadata": metadata,
            "duration_ms": duration_ms,
            "image_id": image_id,
        }
    )
    await ingestions.update(
        ingestion.content_hash,
        **ready.model_dump(
            include={"state", "asset_version", "metadata", "duration_ms", "image_id"}
        ),
    )
    return ready


async def _start_job(ingestion: Ingestion, role: JobRole, instead_of: str | None = None) -> None:
    """Creates and stores the job of `role`. A crash between the two leaves a job without a name
    here: its notification still finds the ingestion by its labels, and `resume` looks for it."""
    assert ingestion.asset_version is not None
    assert ingestion.duration_ms is not None
    config = settings()
    secret = None
    if role == "cmaf":
        secret = await drm.create_transcode_secret(ingestion.track_id, transcode_plan.CMAF_STREAMS)
    plan = transcode_plan.TranscodePlan(
        content_hash=ingestion.content_hash,
        track_id=ingestion.track_id,
        asset_version=ingestion.asset_version,
        input_uri=f"gs://{ingestion.source.bucket}/{ingestion.source.name}",
        audio_bucket=config.bucket(topology.AUDIO.name),
        staging_bucket=config.bucket(topology.STAGING.name),
        duration_ms=ingestion.duration_ms,
        topic=settings().topic(topology.TRANSCODE_FINISHED.name),
    )
    job = await jobs.create(transcode_plan.job(plan, role, secret))
    await ingestions.record_job(
        ingestion.content_hash,
        role,
        job,
        asset_version=ingestion.asset_version,
        instead_of=instead_of,
    )


async def resume(ingestion: Ingestion) -> None:
    """Goes on with an ingestion whose jobs were started or were about to be: starts what is
    missing or lost, and repeats the notification of what has finished."""
    if ingestion.state in TERMINAL_STATES:
        await end_upload(ingestion)
        return
    assert ingestion.asset_version is not None
    await uploads.advance(
        ingestion.upload_id,
        ingestion.state,
        progress_percent=PROGRESS_PERCENT[ingestion.state],
        track_id=ingestion.track_id,
    )
    finished = []
    for role in JOB_ROLES:
        stored = ingestion.jobs.get(role)
        if stored is None:
            held = await jobs.find(ingestion.content_hash, role, ingestion.asset_version)
            if held is not None:
                await ingestions.record_job(
                    ingestion.content_hash, role, held.job, asset_version=ingestion.asset_version
                )
        else:
            held = await jobs.get(stored.name)
        if held is None:
            await _start_job(ingestion, role, instead_of=stored.name if stored else None)
        elif held.job.state != "RUNNING":
            finished.append(
                TranscodeFinished(job=FinishedJob(name=held.job.name, state=held.job.state))
            )
    await publish(finished)


async def finish(
    ingestion: Ingestion, state: UploadState, reason: str, *, duplicate_of: str | None = None
) -> Ingestion:
    """Ends an ingestion without a track of its own, then its upload."""
    await ingestions.update(
        ingestion.content_hash, state=state, reason=reason, duplicate_of=duplicate_of
    )
    ended = ingestion.model_copy(
        update={"state": state, "reason": reason, "duplicate_of": duplicate_of}
    )
    _log.info("ingestion %s %s: %s", ingestion.content_hash, state, reason)
    await end_upload(ended)
    return ended


async def end_upload(ingestion: Ingestion) -> None:
    """Gives the upload the end that its ingestion has."""
    track_id = ingestion.duplicate_of
    if ingestion.state == "published":
        track_id = ingestion.track_id
    await uploads.advance(
        ingestion.upload_id, ingestion.state, reason=ingestion.reason, track_id=track_id
    )
