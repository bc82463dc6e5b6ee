"""Audio features of what was published, measured from the masters (F031).

The uploads say what is new: a run reads those that were published lately, the first ones first, and
asks of their tracks alone whether they have features, so it costs three reads for each of these and
nothing for the catalogue. A track's features are stored as soon as they are measured, with the
asset that they are of, so a run that was killed is continued by the next, and one that has nothing
to do writes nothing. A master that cannot be analysed is tried again by the next runs, a few times.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shared import topology
from shared.analysis import service as analysis
from shared.analysis.extraction.features import EXTRACTOR, extract
from shared.analysis.extraction.spectra import RATE_HZ
from shared.analysis.models import AudioFeatures
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.ingestion import audio, paths
from shared.ingestion.models import Upload
from shared.ingestion.store import ingestions, objects, uploads
from shared.platform.errors import NotFound

MAX_S = 600.0  # of a track, from its start: more says nothing new, and memory is bounded
NEW_FOR = dt.timedelta(days=3)  # since it was published: longer than analysis may be down
WORKERS = 2  # the job's CPUs; each holds a master on disk and 150 MB
_log = logging.getLogger(__name__)


class Unfit(Exception):
    """A master cannot be analysed; the text says why."""


@dataclass(slots=True)
class Analyzed:
    """How many tracks a run measured, and how many it could not measure."""

    measured: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Asset:
    """The sound of a track as it is published."""

    track_id: str
    asset_version: str
    content_hash: str
    duration_ms: int


async def analyze(
    task: int = 0,
    tasks: int = 1,
    *,
    whole: bool = False,
    force: bool = False,
    limit: int | None = None,
) -> Analyzed:
    """Measures the features of every track of task `task` of `tasks` that lacks those of its sound,
    at most `limit`, among those published in the last `NEW_FOR`, or at any time where `whole`. With
    `force` of those that have them as well. One that fails is logged and does not stop the others.
    Raises what reading raises."""
    analyzed = Analyzed()
    since = None if whole else datetime.now(UTC) - NEW_FOR
    async for page in uploads.published(since):
        assets = await _assets(page)
        due = {one.track_id: one for one in assets if _is_own(one.track_id, task, tasks)}
        if not force:
            versions = {track_id: one.asset_version for track_id, one in due.items()}
            lacking = await analysis.unmeasured(versions, EXTRACTOR)
            due = {track_id: due[track_id] for track_id in lacking}
        rest = None if limit is None else limit - analyzed.measured - analyzed.failed
        await _measure_all(list(due.values())[:rest], analyzed)
        if limit is not None and analyzed.measured + analyzed.failed >= limit:
            break
    return analyzed


async def analyze_track(track_id: str) -> Analyzed:
    """Measures one track, whether it has features or not and however often that has failed. Raises
    NotFound for one that is not in the catalogue or has no sound."""
    track = await catalog.get_track(track_id)
    if not (track.asset_version and await ingestions.load(track.content_hash)):
        raise NotFound(f"Track {track_id} has no sound to analyse: ingest its master first.")
    analyzed = Analyzed()
    await _measure_all([_asset(track)], analyzed)
    return analyzed


async def _assets(published: Sequence[Upload]) -> list[Asset]:
    """Those of the uploads that are the sound of a track now."""
    hashes = {one.track_id: one.content_hash for one in published if one.track_id}
    tracks = await catalog.get_tracks(list(hashes))
    return [
        _asset(track)
        for track in tracks
        if track is not None and track.asset_version and track.content_hash == hashes[track.id]
    ]


def _asset(track: Track) -> Asset:
    return Asset(
        track_id=track.id,
        asset_version=track.asset_version,
        content_hash=track.content_hash,
        duration_ms=track.duration_ms,
    )


def _is_own(track_id: str, task: int, tasks: int) -> bool:
    return zlib.crc32(track_id.encode()) % tasks == task


async def _measure_all(assets: Sequence[Asset], analyzed: Analyzed) -> None:
    waiting = iter(assets)

    async def work() -> None:
        for asset in waiting:
            is_measured = await _measured(asset)
            analyzed.measured += is_measured
            analyzed.failed += not is_measured

    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(work())


async def _measured(asset: Asset) -> bool:
    """Measures and stores; False, with the reason logged, where that fails."""
    try:
        features = await _measure(asset)
        await analysis.put(features)
    except Unfit as unfit:
        attempts = await analysis.note_failure(
            asset.track_id, asset.asset_version, EXTRACTOR, str(unfit)
        )
        _log.error(
            "track %s is not analysed (attempt %d of %d): %s",
            *(asset.track_id, attempts, analysis.MAX_ATTEMPTS, unfit),
        )
        return False
    except Exception:  # ours or the platform's fault: the next run tries it again
        _log.exception("track %s is not analysed", asset.track_id)
        return False
    _log.info("track %s is analysed", asset.track_id)
    return True


async def _measure(asset: Asset) -> AudioFeatures:
    """The features of the master's sound. Raises Unfit."""
    ingestion = await ingestions.load(asset.content_hash)
    if ingestion is None:
        raise Unfit("its master was never ingested")
    master = ingestion.source.name
    with tempfile.TemporaryDirectory(prefix="analyze-") as folder:
        path = Path(folder) / "master"
        try:
            digest = await objects.download(topology.MASTERS, master, path)
            if asset.content_hash not in (digest, paths.sound_hash(digest, asset.track_id)):
                raise Unfit(f"the master {master} is not the one that was published")
            sound = await audio.decode_samples(path, RATE_HZ, MAX_S)
        except RuntimeError as error:
            raise Unfit(str(error)) from error
    return await asyncio.to_thread(
        extract,
        asset.track_id,
        sound.samples,
        loudness_lufs=sound.lufs,
        duration_ms=asset.duration_ms,
        asset_version=asset.asset_version,
    )
