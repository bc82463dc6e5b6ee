"""Trains, refreshes and releases what recommendations serve from."""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from shared.artifacts import releases, versions
from shared.artifacts.following import Following
from shared.artifacts.releases import Refused
from shared.recommendations.index import releases as bundles
from shared.recommendations.index.building import build
from shared.recommendations.training import assembling, catalogue, learning
from shared.recommendations.training.learning import Quality
from shared.recommendations.training.log import Log
from shared.recommendations.training.model import TRAINED, Model
from shared.signals import warehouse

__all__ = ["Refreshed", "Refused", "Trained", "refresh", "train"]

DAYS = 90  # so long signals are kept online, too
SEED = 0
# Signals since the last training are read from a little before it: what was on its way then.
OVERLAP = timedelta(days=1)
PEOPLE_TOLD = 20_000  # read, between two lines of the log
_log = logging.getLogger(__name__)


class _Outcome(BaseModel):
    model_config = ConfigDict(frozen=True)


class Refreshed(_Outcome):
    """A bundle: how many tracks are in it, how many of them have a vector from people, from their
    content alone, and none; the recall of its index by how many are asked for."""

    version: str
    tracks: int
    from_people: int
    from_content: int
    without_vector: int
    size_bytes: int
    recalls: Mapping[int, float]
    serves: bool
    took_s: float


class Trained(_Outcome):
    """A training: what it learned from, how well it does on what was held out (None where there
    was too little), and the bundle made of it (None for a dry run)."""

    version: str
    people: int
    likes: int
    sessions: int
    quality: Quality | None
    bundle: Refreshed | None
    took_s: float


async def train(
    *,
    days: int = DAYS,
    seed: int = SEED,
    dry_run: bool = False,
    force: bool = False,
) -> Trained:
    """Learns everything anew from the last `days` and makes it serve.

    Raises Unavailable where the warehouse does not answer, and Refused for what must not serve.
    """
    began = time.monotonic()
    now = datetime.now(UTC)
    tracks = await catalogue.read()
    lists = await catalogue.titled_lists()
    log = Log()
    await _read_into(log, days, now)
    learned = await asyncio.to_thread(learning.learn, tracks, lists, log, now=now, seed=seed)
    version = _version(now)
    bundle = None
    if not tracks.items:
        raise Refused("There is no track in the catalogue; load one first")
    if not dry_run:
        with tempfile.TemporaryDirectory(prefix="embeddings-") as scratch:
            folder = Path(scratch) / version
            await asyncio.to_thread(learned.model.save, folder)
            counts = {"tracks": len(learned.model.track_ids)}
            if not force:
                await releases.check_losses(TRAINED, counts)
            await releases.release(TRAINED, folder, version, now, counts, _opens)
        bundle = await _release_bundle(learned.model, tracks, Log(), now, force=force)
    return Trained(
        version=version,
        people=len(log.people),
        likes=sum(map(len, log.likes)),
        sessions=len(log.sessions),
        quality=learned.quality,
        bundle=bundle,
        took_s=round(time.monotonic() - began, 1),
    )


async def refresh(*, force: bool = False) -> Refreshed:
    """Makes a bundle of the last training and of what is new since then.

    Raises Unavailable where the warehouse does not answer, and Refused for what must not serve.
    """
    now = datetime.now(UTC)
    tracks = await catalogue.read()
    trained = Following(TRAINED)
    model = await trained.newest("", trained.open)
    if model is None:
        _log.warning("nothing was trained yet; vectors come from content alone")
        lists = await catalogue.titled_lists()
        untrained = await asyncio.to_thread(
            learning.learn, tracks, lists, Log(), now=now, seed=SEED
        )
        return await _release_bundle(untrained.model, tracks, Log(), now, force=force)
    days = -(-(now - model.trained_at + OVERLAP) // timedelta(days=1))
    log = Log(plays_since_ms=int(model.trained_at.timestamp() * 1000))
    await _read_into(log, min(days, DAYS), now)
    return await _release_bundle(model, tracks, log, now, force=force)


async def _read_into(log: Log, days: int, now: datetime) -> None:
    now_ms = int(now.timestamp() * 1000)
    seen = 0
    async for user_id, signals in warehouse.people(days, now):
        log.add(user_id, signals, now_ms)
        seen += 1
        if seen % PEOPLE_TOLD == 0:
            _log.info("read the signals of %d people", seen)
    _log.info("read the signals of %d people over %d days", seen, days)


async def _release_bundle(
    model: Model, tracks: catalogue.Catalogue, log: Log, now: datetime, *, force: bool
) -> Refreshed:
    began = time.monotonic()
    version = _version(now)
    assembled = await asyncio.to_thread(assembling.assemble, model, tracks, log, now=now)
    with tempfile.TemporaryDirectory(prefix="bundle-") as scratch:
        built = await asyncio.to_thread(
            build, assembled.parts, Path(scratch) / version, version, seed=SEED
        )
        release = await bundles.release(built, force=force)
    return Refreshed(
        version=version,
        tracks=len(assembled.parts.items),
        from_people=assembled.from_people,
        from_content=assembled.from_content,
        without_vector=assembled.without_vector,
        size_bytes=built.size_bytes,
        recalls=built.recalls,
        serves=release.serves,
        took_s=round(time.monotonic() - began, 1),
    )


async def _opens(model: Model) -> None:
    if not np.isfinite(model.factors).all():
        raise Refused("vectors in it are not finite; train with more signals, or see the log")


def _version(now: datetime) -> str:
    return versions.new_version(now, random.randrange(1 << 12))
