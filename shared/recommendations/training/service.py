"""Trains, refreshes and releases what recommendations serve from."""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from shared.artifacts import releases, versions
from shared.artifacts.following import Following
from shared.artifacts.releases import Refused
from shared.recommendations.index import releases as bundles
from shared.recommendations.index.artifact import BUNDLES
from shared.recommendations.index.building import build
from shared.recommendations.training import assembling, catalogue, engines, going_on, learning
from shared.recommendations.training.assembling import Assembled
from shared.recommendations.training.engines import Engine
from shared.recommendations.training.going_on import Unfinished
from shared.recommendations.training.learning import Quality
from shared.recommendations.training.log import Log
from shared.recommendations.training.model import TRAINED, Model
from shared.signals import warehouse

__all__ = [
    "Engine",
    "Refreshed",
    "Refused",
    "Trained",
    "Unfinished",
    "refresh",
    "train",
    "use_bundle",
    "use_training",
]

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
    content alone, and none; the recall of its index by how many are asked for; for how many of them
    what autoplay goes on with was written."""

    version: str
    tracks: int
    from_people: int
    from_content: int
    without_vector: int
    size_bytes: int
    recalls: Mapping[int, float]
    serves: bool
    autoplay_written: int = 0
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
    engine: Engine = "exact",
    dry_run: bool = False,
    force: bool = False,
) -> Trained:
    """Learns everything anew from the last `days` and makes it serve.

    Raises Unavailable where the warehouse or Spark does not answer, and Refused for what must not
    serve: nothing is changed then. Raises Unfinished once it serves.
    """
    began = time.monotonic()
    now = datetime.now(UTC)
    factorize = engines.chosen(engine)
    tracks = await catalogue.read()
    if not tracks.items:
        raise Refused("There is no track in the catalogue; load one first")
    lists = await catalogue.titled_lists()
    log = Log()
    await _read_into(log, days, now)
    learned = await asyncio.to_thread(
        learning.learn, tracks, lists, log, now=now, seed=seed, engine=factorize
    )
    version = _version(now)
    bundle = None if dry_run else await _release(learned.model, tracks, version, now, force=force)
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

    Raises Unavailable where the warehouse does not answer, and Refused for what must not serve:
    nothing is changed then. Raises Unfinished once it serves.
    """
    now = datetime.now(UTC)
    tracks = await catalogue.read()
    trained = Following(TRAINED)
    model = await trained.newest("", trained.open)
    log = Log()
    if model is None:
        _log.warning("nothing was trained yet; vectors come from content alone")
        lists = await catalogue.titled_lists()
        untrained = await asyncio.to_thread(learning.learn, tracks, lists, log, now=now, seed=SEED)
        model = untrained.model
    else:
        days = -(-(now - model.trained_at + OVERLAP) // timedelta(days=1))
        log = Log(plays_since_ms=int(model.trained_at.timestamp() * 1000))
        await _read_into(log, min(days, DAYS), now)
    assembled = await asyncio.to_thread(assembling.assemble, model, tracks, log, now=now)
    bundle = await _release_bundle(assembled, now, force=force)
    return await _with_autoplay(bundle, model, assembled, now)


async def use_training(version: str) -> None:
    """Has the refreshes that follow start from the training `version`, as an operator wants it.
    Raises Refused."""
    await releases.use(TRAINED, version)


async def use_bundle(version: str) -> None:
    """Has the bundle `version` serve, until the next one is made. Raises Refused."""
    await releases.use(BUNDLES, version)


async def _read_into(log: Log, days: int, now: datetime) -> None:
    now_ms = int(now.timestamp() * 1000)
    seen = 0
    async for user_id, signals in warehouse.people(days, now):
        log.add(user_id, signals, now_ms)
        seen += 1
        if seen % PEOPLE_TOLD == 0:
            _log.info("read the signals of %d people", seen)
    _log.info("read the signals of %d people over %d days", seen, days)


async def _release(
    model: Model, tracks: catalogue.Catalogue, version: str, now: datetime, *, force: bool
) -> Refreshed:
    """Makes a bundle of a training serve and then, so that no refresh starts from one whose bundle
    was refused, has the refreshes start from it."""
    assembled = await asyncio.to_thread(assembling.assemble, model, tracks, Log(), now=now)
    # What was found for the bundle no refresh has to look for again.
    model = replace(model, neighbours=assembled.parts.neighbours)
    counts = {"tracks": len(model.track_ids)}
    if not force:
        await releases.check_losses(TRAINED, counts)
    with tempfile.TemporaryDirectory(prefix="embeddings-") as scratch:
        folder = Path(scratch) / version
        await asyncio.to_thread(model.save, folder)
        staged = await releases.stage(TRAINED, folder, version, now, counts, _opens)
    try:
        bundle = await _release_bundle(assembled, now, force=force)
    except Refused:
        await releases.discard(TRAINED, staged)
        raise
    await releases.serve(TRAINED, staged)
    return await _with_autoplay(bundle, model, assembled, now)


async def _release_bundle(assembled: Assembled, now: datetime, *, force: bool) -> Refreshed:
    began = time.monotonic()
    version = _version(now)
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


async def _with_autoplay(
    bundle: Refreshed, model: Model, assembled: Assembled, now: datetime
) -> Refreshed:
    """A bundle that does not serve leaves it to the newer one that does."""
    if not bundle.serves:
        return bundle
    training, new = model.trained_at.isoformat(), assembled.new.tolist()
    written = await going_on.write(bundle.version, training, new, now)
    return bundle.model_copy(update={"autoplay_written": written})


async def _opens(model: Model) -> None:
    if not np.isfinite(model.factors).all():
        raise Refused("vectors in it are not finite; train with more signals, or see the log")


def _version(now: datetime) -> str:
    return versions.new_version(now, random.randrange(1 << 12))
