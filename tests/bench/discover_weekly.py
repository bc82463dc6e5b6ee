"""Discover Weekly for 1,000 and for 10,000 simulated people on two cores, and after a SIGKILL.

The real job, in two tasks of one process each, against the local cloud's Bigtable, Firestore and
storage. People listen for `DAYS` days to a catalogue of `TRACKS` tracks (`shared.simulation`); the
bundle has the world's own vectors and exact neighbours, so no training is timed. First 1,000 people
are there; then 10,000, of whom the first have their lists already. That second run is killed with
SIGKILL half way and begun again: what it took is both parts together.

Start-up (some seconds of imports, and the opening of the bundle) is in all times. `SEGUE_LISTENERS`
makes it fewer people than 10,000; the first run always has a tenth.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import numpy as np
import psutil
from numpy.typing import NDArray

from emulators.cloud import ROOT, LocalCloud
from shared import topology
from shared.artifacts import versions
from shared.platform import clients
from shared.recommendations import store
from shared.recommendations.index import building, releases
from shared.recommendations.index.building import Parts
from shared.recommendations.items import DIMENSIONS, NEIGHBOURS_KEPT, FoldIn, Item
from shared.recommendations.lists import Made
from shared.recommendations.periods import Product
from shared.signals.models import Signal
from shared.signals.store import people as stored_people
from shared.simulation.catalogue import Catalogue, invented
from shared.simulation.policies import Nothing
from shared.simulation.signals import listen
from shared.simulation.world import World
from tests import local_settings
from tests.bench.report import Report

PEOPLE = 10_000
TRACKS = 20_000
DAYS = 3
SEED = 6
TASKS = 2
KILLED_AT = 0.5  # of the people
PRODUCT: Product = "discover-weekly"
MB = 2**20
_LOOK_S = 0.1


@dataclass
class Ran:
    """What a run took: wall and processor time (s), and the greatest memory of one task (bytes)."""

    seconds: float = 0.0
    processor_s: float = 0.0
    memory_bytes: int = 0

    def plus(self, other: Ran) -> Ran:
        """Both, one after the other."""
        return Ran(
            self.seconds + other.seconds,
            self.processor_s + other.processor_s,
            max(self.memory_bytes, other.memory_bytes),
        )


def run(cloud: LocalCloud) -> None:
    """Makes the people, runs the job as above, and shows the report."""
    count = int(os.environ.get("SEGUE_LISTENERS", PEOPLE))
    few = count // 10
    # Not everybody listens in a few days.
    world = World.make(invented(TRACKS, SEED), count * 3 // 2, SEED)
    report = Report(
        "discover_weekly",
        f"{TASKS} tasks on {os.cpu_count()} cores, {TRACKS:,} tracks, {DAYS} days of listening",
    )
    with local_settings.environment(**cloud.environment()):
        asyncio.run(_release(world.catalogue, world))
        by_person = _signals(world)
        ids = sorted(by_person)[:count]
        first, rest = ids[:few], ids[few:]
        asyncio.run(_write(by_person[one] for one in first))
        small = _finished(cloud)
        _add(report, f"{len(first):,} people", small, len(first))
        asyncio.run(_write(by_person[one] for one in rest))
        killed, before = _killed(cloud, int(len(rest) * KILLED_AT) + len(first), ids)
        whole = killed.plus(_finished(cloud))
        after = asyncio.run(_made(ids))
        _add(report, f"{len(rest):,} people more, killed and begun again", whole, len(rest))
        grown = (whole.seconds / len(rest)) / (small.seconds / len(first))
        report.add(
            "seconds a person, of the many over the few", grown, "×", "≤ 1: linear or better"
        )
        report.add("memory of the many over the few", whole.memory_bytes / small.memory_bytes, "×")
        report.add("lists when it was killed", len(before), "")
        report.add("people without a list at the end", len(ids) - len(after), "", "0")
        again = sum(after[one] != made for one, made in before.items())
        report.add("lists that stood and were made again", again, "", "0")
        tracks = [len(one.track_ids) for one in after.values()]
        report.add("tracks a list, mean", float(np.mean(tracks)), "")
    report.show()


def _add(report: Report, what: str, ran: Ran, people: int) -> None:
    report.add(f"{what}: people per second", people / ran.seconds, "/s")
    report.add(f"{what}: processor time a person", 1000 * ran.processor_s / people, "ms")
    report.add(f"{what}: memory of a task, most", ran.memory_bytes / MB, "MB")


# --- the job ------------------------------------------------------------------------------------


class _Tasks:
    """The job's tasks as processes, watched."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.ran = Ran()
        self.people = [0] * TASKS
        self._began = time.monotonic()
        self._processor_s = [0.0] * TASKS
        command = [sys.executable, "-m", "emulators.job_host", "make_recommendations"]
        self._running = [
            subprocess.Popen(
                [*command, "--product", PRODUCT],
                env={
                    **os.environ,
                    **cloud.environment(),
                    "CLOUD_RUN_TASK_INDEX": str(number),
                    "CLOUD_RUN_TASK_COUNT": str(TASKS),
                    "OMP_NUM_THREADS": "1",
                    "OPENBLAS_NUM_THREADS": "1",
                },
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(TASKS)
        ]
        self._readers = [Thread(target=self._read, args=(number,)) for number in range(TASKS)]
        for reader in self._readers:
            reader.start()

    def _read(self, number: int) -> None:
        """Follows a task's progress by its log."""
        log = self._running[number].stderr
        assert log is not None
        for line in log:
            if "people so far" in line:
                self.people[number] = json.loads(line)["people"]

    def look(self) -> bool:
        """Whether a task still runs; notes what they have taken."""
        for number, running in enumerate(self._running):
            try:
                process = psutil.Process(running.pid)
                times = process.cpu_times()
                memory = process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            self._processor_s[number] = max(times.user + times.system, self._processor_s[number])
            self.ran.memory_bytes = max(memory, self.ran.memory_bytes)
        return any(running.poll() is None for running in self._running)

    def end(self, kill: bool = False) -> Ran:
        """Waits for all, or kills them."""
        for running in self._running:
            if kill and running.poll() is None:
                running.send_signal(signal.SIGKILL)
            code = running.wait()
            if code not in (0, -signal.SIGKILL):
                raise RuntimeError(f"a task ended with {code}")
        for reader in self._readers:
            reader.join()
        self.ran.seconds = time.monotonic() - self._began
        self.ran.processor_s = sum(self._processor_s)
        return self.ran


def _finished(cloud: LocalCloud) -> Ran:
    tasks = _Tasks(cloud)
    while tasks.look():
        time.sleep(_LOOK_S)
    return tasks.end()


def _killed(cloud: LocalCloud, at: int, ids: Sequence[str]) -> tuple[Ran, dict[str, Made]]:
    """A run that is killed when it has seen `at` people, and the lists that stand then."""
    tasks = _Tasks(cloud)
    while sum(tasks.people) < at and tasks.look():
        time.sleep(_LOOK_S)
    ran = tasks.end(kill=True)
    return ran, asyncio.run(_made(ids))


async def _made(ids: Sequence[str]) -> dict[str, Made]:
    """The present week's list of everybody who has one."""
    now_ms = time.time_ns() // 1_000_000
    found: dict[str, Made] = {}
    for start in range(0, len(ids), 100):
        part = ids[start : start + 100]
        lists = await asyncio.gather(*(store.read_made(one, PRODUCT, now_ms) for one in part))
        found |= {one: made for one, made in zip(part, lists, strict=True) if made is not None}
    return found


# --- the world ----------------------------------------------------------------------------------


def _signals(world: World) -> dict[str, list[Signal]]:
    """What everybody did, by person; who did nothing in these days is not there."""
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=number) for number in range(DAYS, 0, -1)]
    found: dict[str, list[Signal]] = defaultdict(list)
    for one in listen(world, Nothing(), days):
        found[one.user_id].append(one)
    return found


async def _write(people: Iterable[Sequence[Signal]]) -> None:
    """Writes signals as `record_signal` does, by the row."""
    from google.cloud.bigtable.data import Mutation, RowMutationEntry

    table = clients.table(topology.ONLINE_FEATURES)
    async with table.mutations_batcher() as batcher:
        for signals in people:
            rows: dict[bytes, list[Mutation]] = defaultdict(list)
            for one in signals:
                for row_key, cell in stored_people.entries(one):
                    rows[row_key].append(cell)
            for row_key, cells in rows.items():
                await batcher.append(RowMutationEntry(row_key, cells))


async def _release(catalogue: Catalogue, world: World) -> None:
    """A bundle of the world as it is."""
    vectors = np.zeros((len(catalogue), DIMENSIONS), np.float32)
    vectors[:, : world.vectors.shape[1]] = world.vectors
    parts = Parts(
        items=_items(catalogue),
        vectors=vectors,
        neighbours=_neighbours(world.vectors),
        fold_in=FoldIn(unobserved_weight=0.01, regularization=0.003, frequency_exponent=1.0),
        sequence=None,
        built_at=datetime.now(UTC),
    )
    with TemporaryDirectory(prefix="segue-bundle-") as folder:
        version = versions.new_version(datetime.now(UTC), SEED)
        path = Path(folder) / "bundle"
        built = await asyncio.to_thread(building.build, parts, path, version)
        await releases.release(built, force=True)


def _items(catalogue: Catalogue) -> list[Item]:
    today = (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    generator = np.random.default_rng(SEED)
    ages = generator.integers(0, 4_000, len(catalogue)).tolist()
    ranks = np.argsort(np.argsort(catalogue.popularity)) * 100 // len(catalogue)
    genres = catalogue.genre.tolist()
    return [
        Item(
            track_id=track_id,
            name=f"Track {row}",
            artist_ids=(catalogue.artist_ids[artist],),
            artist_names=(catalogue.artist_names[artist],),
            album_id=f"album-{album}",
            genres=(f"genre {genres[row]}",),
            recording=track_id,
            duration_ms=duration_ms,
            released_on=today - ages[row],
            popularity=int(ranks[row]),
            plays=int(ranks[row]) * 10,
        )
        for row, (track_id, artist, album, duration_ms) in enumerate(
            zip(
                catalogue.track_ids,
                catalogue.artist.tolist(),
                catalogue.album.tolist(),
                catalogue.duration_ms.tolist(),
                strict=True,
            )
        )
    ]


def _neighbours(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The nearest by cosine, exactly, with their likeness as weights."""
    count = len(vectors)
    indices = np.empty((count, NEIGHBOURS_KEPT), np.int32)
    weights = np.empty((count, NEIGHBOURS_KEPT), np.float32)
    for start in range(0, count, 1_000):
        likeness = vectors[start : start + 1_000] @ vectors.T
        at = np.arange(len(likeness))
        likeness[at, start + at] = -1
        near = np.argpartition(-likeness, NEIGHBOURS_KEPT, axis=1)[:, :NEIGHBOURS_KEPT]
        found = np.take_along_axis(likeness, near, axis=1)
        order = np.argsort(-found, axis=1)
        indices[start : start + 1_000] = np.take_along_axis(near, order, axis=1)
        weights[start : start + 1_000] = np.maximum(np.take_along_axis(found, order, axis=1), 1e-3)
    return indices, weights / np.float32(NEIGHBOURS_KEPT)
