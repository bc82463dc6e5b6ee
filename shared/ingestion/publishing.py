"""The Transcoder's results measured, protected and published.

Nothing is visible before everything is in place: objects first, then the catalogue, then search,
then the event, then the states. Each step writes the same again when repeated, so a crash anywhere
and a redelivery finish the work; only when the ingestion is marked published are staging and the
Transcoder's key removed, and a redelivery repeats that too.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from shared import topology
from shared.catalog import service as catalog
from shared.catalog.models import Encoding, Sound, Track
from shared.drm import service as drm
from shared.drm.models import ContentKeys
from shared.ingestion import audio, documents, loudness, ogg_cipher, paths
from shared.ingestion.ladder import AAC, VORBIS, Rendition
from shared.ingestion.models import (
    JOB_ROLES,
    PROGRESS_PERCENT,
    TERMINAL_STATES,
    Ingestion,
    TranscodeFinished,
)
from shared.ingestion.store import fingerprints, ingestions, jobs, objects, uploads
from shared.ingestion.store.objects import ObjectInfo
from shared.ingestion.validation import finish
from shared.platform.errors import NotFound, PermanentFailure
from shared.platform.events import publish
from shared.search import service as search

DURATION_TOLERANCE_MS = 250  # encoders pad; more is missing or doubled music
_PROGRESS_PER_JOB = (PROGRESS_PERCENT["publishing"] - PROGRESS_PERCENT["transcoding"]) // 3
_log = logging.getLogger(__name__)


class UnfitResult(Exception):
    """What the Transcoder made cannot be published; the text says why."""


@dataclass(frozen=True, slots=True)
class _Measured:
    encodings: tuple[Encoding, ...]
    lufs: float


async def handle_transcode_finished(event: TranscodeFinished) -> None:
    """Handles the Transcoder's notification: publishes the track once all its jobs succeeded.

    Raises PermanentFailure for a job that is not ours and for results that must not be published.
    """
    held = await jobs.get(event.job.name)
    if held is None or held.labels is None:
        raise PermanentFailure(f"job {event.job.name} is not one of ours")
    labels = held.labels
    ingestion = await ingestions.load(labels.content_hash)
    if ingestion is None or labels.role not in JOB_ROLES:
        raise PermanentFailure(f"nothing is known of job {event.job.name}")
    if ingestion.asset_version != labels.asset_version:
        _log.info("job %s belongs to an older version", event.job.name)
        return
    if ingestion.state in TERMINAL_STATES:
        await _tidy(ingestion)
        return
    # The Transcoder's word, not the message's: anybody who may publish could write one.
    recorded = await ingestions.record_job(
        ingestion.content_hash,
        labels.role,
        held.job,
        asset_version=labels.asset_version,
    )
    if recorded is None:
        _log.info("job %s was replaced by another", event.job.name)
        return
    if held.job.state == "FAILED":
        await _fail(
            recorded, f"the {labels.role} encoding failed: {held.error or 'no reason given'}"
        )
        return
    if not recorded.all_jobs_succeeded:
        done = sum(job.state == "SUCCEEDED" for job in recorded.jobs.values())
        progress = PROGRESS_PERCENT["transcoding"] + done * _PROGRESS_PER_JOB
        await uploads.advance(
            recorded.upload_id, "transcoding", progress_percent=progress, track_id=recorded.track_id
        )
        return
    try:
        await publish_ingestion(recorded)
    except UnfitResult as unfit:
        await _fail(recorded, str(unfit))
        raise PermanentFailure(f"track {recorded.track_id}: {unfit}") from unfit


async def publish_ingestion(ingestion: Ingestion) -> None:
    """Publishes an ingestion whose jobs have all succeeded. Raises UnfitResult."""
    assert ingestion.asset_version is not None
    track_id, version = ingestion.track_id, ingestion.asset_version
    if not await ingestions.update(ingestion.content_hash, state="publishing"):
        return  # another delivery of the same event has published it since
    await uploads.advance(ingestion.upload_id, "publishing", track_id=track_id)
    measured = await prepare_assets(ingestion)
    if ingestion.sound_only:
        track = await _add_sound(ingestion, measured)
    else:
        track, album, artists = documents.documents(
            ingestion, measured.encodings, measured.lufs, datetime.now(UTC)
        )
        publication = await catalog.publish_track(track, album, artists)
        track = publication.track
        await search.index_track(track, publication.album, publication.artists)
    await publish([catalog.track_published(track)])
    await ingestions.update(ingestion.content_hash, state="published", reason=None)
    await uploads.advance(ingestion.upload_id, "published", track_id=track_id)
    await _tidy(ingestion)
    _log.info("published track %s version %s", track_id, version)


async def _add_sound(ingestion: Ingestion, measured: _Measured) -> Track:
    """The catalogue's track, now with its sound. Raises UnfitResult where it was taken down."""
    assert ingestion.asset_version is not None
    assert ingestion.duration_ms is not None
    sound = Sound(
        duration_ms=ingestion.duration_ms,
        preview_url=paths.preview_url_path(ingestion.track_id, ingestion.asset_version),
        asset_version=ingestion.asset_version,
        encodings=measured.encodings,
        loudness_lufs=measured.lufs,
        content_hash=ingestion.content_hash,
    )
    try:
        return await catalog.add_sound(ingestion.track_id, sound)
    except NotFound:
        raise UnfitResult(f"track {ingestion.track_id} is no longer in the catalogue") from None


async def prepare_assets(ingestion: Ingestion) -> _Measured:
    """Everything that the track's players will fetch, in place and measured. Raises
    UnfitResult."""
    assert ingestion.asset_version is not None
    track_id, version = ingestion.track_id, ingestion.asset_version
    keys = await drm.content_keys(track_id)
    stored = await objects.below(topology.AUDIO, paths.asset(track_id, version))
    aac = await _segmented(ingestion, stored, keys)
    with tempfile.TemporaryDirectory(prefix="publish-") as folder:
        vorbis, result = await _ogg_files(ingestion, keys, Path(folder))
    verdict = loudness.check(result.lufs)
    if not verdict.accepted:
        raise UnfitResult(verdict.reason)
    clip = await objects.read(
        topology.AUDIO, paths.preview_asset(track_id, version) + paths.PREVIEW_MP3
    )
    await objects.write(topology.PREVIEWS, paths.preview_mp3(track_id, version), clip, "audio/mpeg")
    return _Measured((*aac, *vorbis), result.lufs)


async def _segmented(
    ingestion: Ingestion, stored: list[ObjectInfo], keys: ContentKeys
) -> list[Encoding]:
    """The AAC encodings as the Transcoder left them in the audio bucket."""
    assert ingestion.asset_version is not None
    assert ingestion.duration_ms is not None
    folder = paths.asset(ingestion.track_id, ingestion.asset_version)
    names = {found.name for found in stored}
    missing = [
        name for name in (paths.HLS_MANIFEST, paths.DASH_MANIFEST) if folder + name not in names
    ]
    if missing:
        raise UnfitResult(f"the Transcoder left no {' and no '.join(missing)}")
    encodings = []
    for rendition in AAC:
        sizes = [
            found.size_bytes
            for found in stored
            if found.name.startswith(folder + rendition.key) and found.name.endswith(".m4s")
        ]
        playlist = f"{folder}{rendition.key}.m3u8"
        if len(sizes) < 2 or playlist not in names:  # an initialisation segment and media
            raise UnfitResult(f"the Transcoder left no {rendition.key} rendition")
        content = await objects.read(topology.AUDIO, playlist)
        encodings.append(
            _encoding(
                rendition,
                playlist,
                sum(sizes),
                ingestion.duration_ms,
                kid=keys.cmaf_kid,
                drm_scheme="cbcs",
                checksum=hashlib.sha256(content).hexdigest(),
            )
        )
    return encodings


async def _ogg_files(
    ingestion: Ingestion, keys: ContentKeys, folder: Path
) -> tuple[list[Encoding], audio.DecodedResult]:
    """Encrypts the Ogg files from staging into the audio bucket; measures the best of them."""
    assert ingestion.asset_version is not None
    assert ingestion.duration_ms is not None
    prefix = paths.asset(ingestion.track_id, ingestion.asset_version)

    premium = paths.premium_asset(ingestion.track_id, ingestion.asset_version)

    async def protect(rendition: Rendition) -> Encoding:
        name = f"{premium if rendition.premium else prefix}{rendition.key}.ogg"
        plain, cipher = folder / f"{rendition.key}.ogg", folder / f"{rendition.key}.cipher"
        await objects.download(topology.STAGING, f"{prefix}{rendition.key}.ogg", plain)
        made = await asyncio.to_thread(ogg_cipher.encrypt, plain, cipher, keys.ogg_key, name)
        await objects.write(topology.AUDIO, name, cipher, "application/octet-stream")
        return _encoding(
            rendition,
            name,
            made.size_bytes,
            cast(int, ingestion.duration_ms),
            kid=keys.ogg_kid,
            iv=made.iv,
            drm_scheme="aes-256-ctr",
            checksum=made.checksum,
        )

    # All of them are waited for: after a failure the others still use the folder.
    outcomes = await asyncio.gather(*map(protect, VORBIS), return_exceptions=True)
    encodings = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        encodings.append(outcome)
    result = await audio.decode_result(folder / f"{VORBIS[-1].key}.ogg")
    apart_ms = abs(result.duration_ms - ingestion.duration_ms)
    if apart_ms > DURATION_TOLERANCE_MS:
        raise UnfitResult(
            f"the result lasts {result.duration_ms} ms, the master {ingestion.duration_ms} ms"
        )
    return encodings, result


def _encoding(
    rendition: Rendition, path: str, size_bytes: int, duration_ms: int, **fields: str
) -> Encoding:
    return Encoding.model_validate(
        {
            "codec": rendition.codec,
            "bitrate_kbps": rendition.bitrate_kbps,
            "container": rendition.container,
            "path": path,
            "size_bytes": size_bytes,
            "sample_rate_hz": rendition.sample_rate_hz,
            "channels": rendition.channels,
            "measured_bitrate_kbps": round(size_bytes * 8 / duration_ms, 1),
            **fields,
        }
    )


async def _fail(ingestion: Ingestion, reason: str) -> None:
    _log.error("track %s failed: %s", ingestion.track_id, reason)
    await fingerprints.forget(ingestion.track_id)
    await finish(ingestion, "failed", reason)
    await _tidy(ingestion)


async def _tidy(ingestion: Ingestion) -> None:
    """Removes what only the work needed: the Transcoder's key and the Ogg files in the clear."""
    await drm.destroy_transcode_secret(ingestion.track_id)
    if ingestion.asset_version:
        prefix = paths.asset(ingestion.track_id, ingestion.asset_version)
        left = await objects.below(topology.STAGING, prefix)
        if left:
            await objects.delete(topology.STAGING, [found.name for found in left])
