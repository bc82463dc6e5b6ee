"""Home's time and its share of the limit (F219), with all there is and with one part of it silent.

One person with `FOLLOWS` follows and `PLAYS` plays asks again and again, one request after the
other, on one warm instance with the patience that is in use (`home.PATIENCE`). The clock is around
`home.home_of`; processor time is this process's, of all threads. A part that is silent accepts
connections and never answers: what the instance had cached is forgotten when that begins, its last
good homes are not. The catalogue has `ARTISTS` artists, each with a track of the last weeks.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from emulators.cloud import LocalCloud
from shared.platform.auth import Principal
from shared.platform.ids import random_id
from shared.recommendations import home, serving
from shared.recommendations.periods import day_number
from shared.social import service as social
from tests import local_settings
from tests.bench.report import Report, percentile
from tests.emulator.recommendations.outages import ENDPOINTS, away, silent
from tests.emulator.recommendations.worlds import listen, served
from tests.unit.recommendations.bundles import PlainBundle, a_world, artist_id

GENRES, ARTISTS, TRACKS = 10, 3_000, 2  # tracks of each artist
FOLLOWS = 500
PLAYS = 250
WARM = 5
REQUESTS = 200
REQUESTS_SILENT = 30  # each of which waits as long as home has patience
LIMIT_S = 0.8  # F219


def run(cloud: LocalCloud) -> None:
    """Makes the world, asks for home, and shows the report."""
    report = Report(
        "home_deadline",
        f"{REQUESTS} homes in a row, {REQUESTS_SILENT} with each part silent, of one person with "
        f"{FOLLOWS} follows among {ARTISTS:,} artists; times {LIMIT_S} s",
    )
    with local_settings.environment(**cloud.environment()):
        asyncio.run(_measure(report))
    report.show()


async def _measure(report: Report) -> None:
    world = _world()
    with TemporaryDirectory(prefix="segue-bundle-") as folder:
        async with served(world, Path(folder)):
            await _measure_served(report, len(world))


async def _measure_served(report: Report, tracks: int) -> None:
    user_id = random_id()
    await social.load(user_id, "artist", [artist_id(one) for one in range(0, ARTISTS, 6)][:FOLLOWS])
    await listen(user_id, range(0, tracks, tracks // PLAYS))
    scopes = frozenset({"user-read-recently-played"})
    caller = Principal(user_id, "app", scopes, "premium", "DE", 0)
    await _ask(report, None, caller)
    for part in ENDPOINTS:
        with ExitStack() as stack:
            stack.enter_context(away((part,), stack.enter_context(silent())))
            await _ask(report, part, caller)
        await serving.bundle()


async def _ask(report: Report, part: str | None, caller: Principal) -> None:
    what = f"{part} silent" if part else "warm"
    for _ in range(0 if part else WARM):  # clients, the bundle, and a last good home
        await home.home_of(caller)
    walls, processor, whole = [], [], 0
    for _ in range(REQUESTS_SILENT if part else REQUESTS):
        began, began_processor = time.perf_counter(), time.process_time()
        body = (await home.home_of(caller)).body
        walls.append((time.perf_counter() - began) / LIMIT_S)
        processor.append((time.process_time() - began_processor) / LIMIT_S)
        whole += bool(body["shelves"]) and not body["is_last_good"]
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        report.add(f"{what}: {name} of the limit", percentile(walls, share), "×", "≤ 1")
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        report.add(
            f"{what}: processor time, {name} of the limit", percentile(processor, share), "×"
        )
    report.add(f"{what}: made anew", whole / len(walls), "×", "" if part else "1")


def _world() -> PlainBundle:
    """Every second track came out lately."""
    world = a_world(GENRES, ARTISTS // GENRES, TRACKS)
    today = day_number(datetime.now(UTC).date())
    items = [
        replace(item, released_on=today - (3 if row % TRACKS else 1_000))
        for row, item in enumerate(world.items)
    ]
    return PlainBundle(items, world.vectors)
