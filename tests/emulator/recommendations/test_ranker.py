"""From plays in the warehouse to the ranker in use: BigQuery, storage and the job itself."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from emulators.processes import free_port
from shared import topology
from shared.artifacts.choice import SETTLING, Unusable
from shared.platform import objects
from shared.platform.errors import Unavailable
from shared.platform.ids import random_id
from shared.recommendations.items import Item, Scored, Taste, Why
from shared.recommendations.lists import listed
from shared.recommendations.ranking import learning, serving
from shared.recommendations.ranking.features import RANKING_FEATURES
from shared.recommendations.ranking.impressions import entry
from shared.recommendations.ranking.ranker import Context, Ranker
from shared.recommendations.ranking.serving import Rankers
from tests import local_settings
from tests.emulator.recommendations.worlds import release_bundle
from tests.emulator.warehouse import bigquery_and_storage, insert
from tests.unit.recommendations.bundles import a_world
from tests.unit.recommendations.ranking import simulated

ROOT = Path(__file__).parents[3]
NOW = datetime.now(UTC).replace(microsecond=0)
PEOPLE, SESSIONS, SHELF = 200, 4, 10
PATIENCE_S = 30


@pytest.fixture(scope="module")
def cloud(settings_env: pytest.MonkeyPatch, logs: Path) -> Iterator[str]:
    with bigquery_and_storage(logs, "ranker") as url:
        yield url


def scored(track_id: str, score: float) -> Scored:
    item = Item(track_id, track_id, (), (), "", (), "", 200_000)
    return Scored(1, item, score, "collaborative", Why("listeners_like_you"), retrieved=score)


def write_history(seed: int) -> None:
    """People are shown shelves and hear them through. What retrieval scored high they hear out,
    which the guess knows nothing of; one person in forty is a machine that skips all of it."""
    chance = random.Random(seed)
    tracks = [random_id() for _ in range(100)]
    events, impressions = [], []
    for person in range(PEOPLE):
        # By its id a person is learned from or held out, so it is the same in every run.
        user_id, is_machine = f"listener{person:014}", person % 40 == 39
        for _ in range(SESSIONS):
            at = NOW - timedelta(hours=chance.uniform(2, 24 * 20))
            session = random_id()
            shelf = [scored(one, chance.random()) for one in chance.sample(tracks, SHELF)]
            impressions.append(
                {
                    "event_id": random_id(),
                    "user_id": user_id,
                    "ts": at.isoformat(),
                    "kind": "impression",
                    "surface": "home",
                    "shelf": "for-you",
                    "position": 0,
                    "items": json.dumps([entry(one) for one in listed(shelf)]),
                    "propensity": 1.0,
                }
            )
            for one in shelf:
                at += timedelta(seconds=5)
                is_heard = not is_machine and chance.random() < 1 / (
                    1 + np.exp(-8 * (one.score - 0.5))
                )
                length_s = 200 if is_heard else 10
                common = {
                    "user_id": user_id,
                    "track_id": one.item.track_id,
                    "session_id": session,
                    "context_uri": "segue:shelf:for-you",
                    "suspected": True if is_machine else None,
                }
                for kind, moment, position_s in (
                    ("play_started", at, 0),
                    (
                        "completed" if is_heard else "skipped",
                        at + timedelta(seconds=length_s),
                        length_s,
                    ),
                ):
                    events.append(
                        {
                            **common,
                            "event_id": random_id(),
                            "type": kind,
                            "ts": moment.isoformat(),
                            "position_ms": position_s * 1000,
                        }
                    )
                at += timedelta(seconds=length_s)
    # Everything was delivered twice, as may happen, and in any order.
    for table, rows in (
        (topology.PLAYBACK_EVENTS_TABLE, events),
        (topology.EXPOSURES_TABLE, impressions),
    ):
        twice = rows + rows[: len(rows) // 2]
        chance.shuffle(twice)
        insert(table, twice)


def job(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The job, held to what the topology declares."""
    return subprocess.run(
        [sys.executable, "-m", "emulators.job_host", "train_track_ranker", *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


async def test_what_people_hear_out_is_learned_stored_and_used(cloud: str, tmp_path: Path) -> None:
    # A bundle that cannot be read looks like one that is not there: nothing is learned without.
    without = await asyncio.to_thread(job)
    assert without.returncode == 3, without.stderr
    assert "no bundle can be read" in without.stderr
    assert await objects.read(topology.MODELS, serving.choice.path) is None

    await release_bundle(a_world(), tmp_path)
    too_few = await asyncio.to_thread(job)
    assert too_few.returncode == 0, too_few.stderr
    assert "too few plays" in too_few.stdout
    assert await objects.read(topology.MODELS, serving.choice.path) is None

    await asyncio.to_thread(write_history, 1)
    read = [one async for one in learning.read(a_world(), days=28, seed=1, until=datetime.now(UTC))]
    assert len(read) == (PEOPLE - PEOPLE // 40) * SESSIONS * SHELF  # each play once, no machine's
    scores = np.array([one.features[RANKING_FEATURES.index("retrieval_score")] for one in read])
    heard = np.array([one.completed for one in read])
    assert np.isfinite(scores).all()
    assert scores[heard].mean() - scores[~heard].mean() > 0.2

    dry = await asyncio.to_thread(job, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "It is used" in dry.stdout, dry.stdout
    assert "nothing was stored" in dry.stdout
    assert await objects.read(topology.MODELS, serving.choice.path) is None

    real = await asyncio.to_thread(job)
    assert real.returncode == 0, real.stderr
    (use,) = (await serving.choice.read()).uses
    folder = f"{serving.FOLDER}/{use.version}"
    text = await objects.read(topology.MODELS, f"{folder}/report.md")
    assert text is not None
    assert text.decode().strip() == real.stdout.strip()
    report = json.loads(await objects.read(topology.MODELS, f"{folder}/report.json") or b"{}")
    assert report["outcome"] == "better"
    assert report["ndcg"]["low"] > 0
    assert report["ablation"]["retrieval"][0] > 0.05

    rankers = Rankers()
    assert (await rankers.current()).version is None  # not before every instance has seen it
    ranker = await rankers.current(use.since)
    assert ranker.version == use.version
    context = Context(int(NOW.timestamp() * 1000), lambda _: None)
    low, high = ranker.order(Taste("u"), [scored("a", 0.1), scored("b", 0.9)], context, {})[::-1]
    guessed = Ranker().order(Taste("u"), [scored("a", 0.1), scored("b", 0.9)], context, {})
    assert high.item.track_id == "b"
    assert high.score - low.score > guessed[0].score - guessed[1].score + 0.5


async def test_an_operator_takes_a_ranker_back(cloud: str) -> None:
    before = await serving.choice.read()
    refused = await asyncio.to_thread(job, "--use", "no-such-version")
    assert refused.returncode == 1
    assert "is not whole" in refused.stderr
    assert await serving.choice.read() == before
    done = await asyncio.to_thread(job, "--use", "none")
    assert done.returncode == 0, done.stderr
    assert (await serving.choice.read()).uses[0].version is None


@pytest.fixture(scope="module")
def learned() -> learning.Report:
    return learning.conclude(simulated.world(1, 160, simulated.restless), 28, 1, NOW)


@pytest.fixture
def report(learned: learning.Report) -> learning.Report:
    """A version of this test's own: versions are written once."""
    return replace(learned, version=f"v-{random_id()}")


async def store(report: learning.Report) -> datetime:
    """Stores and uses it; from when on."""
    assert report.trained is not None
    assert report.version is not None
    await learning._store(report.version, report, report.trained)
    return (await serving.choice.use(report.version)).uses[0].since


@pytest.mark.parametrize("damage", ["skipped.txt", "completed.txt", "report.json", "pointer"])
async def test_what_is_damaged_is_gone_without(
    cloud: str, report: learning.Report, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    later = await store(report)
    assert (await Rankers().current(later)).version == report.version
    folder = f"{serving.FOLDER}/{report.version}"
    name = serving.choice.path if damage == "pointer" else f"{folder}/{damage}"
    await objects.write(topology.MODELS, name, b"{damaged", "text/plain")
    found = await Rankers().current(later)
    assert found.version is None
    assert len(found.order(Taste("u"), [scored("a", 1)], Context(1, lambda _: None), {})) == 1
    assert name.rsplit("/", 1)[-1].removesuffix(".txt") in caplog.text
    # The pointer is replaced where it cannot be read.
    assert (await serving.choice.use("v-later")).uses[0].version == "v-later"


async def test_a_version_of_other_features_is_not_used(cloud: str, report: learning.Report) -> None:
    await store(report)
    name = f"{serving.FOLDER}/{report.version}/report.json"
    about = json.loads(await objects.read(topology.MODELS, name) or b"{}")
    about["features"].append("loudness")
    await objects.write(topology.MODELS, name, json.dumps(about).encode(), "application/json")
    with pytest.raises(Unusable, match="loudness"):
        await serving.load(report.version or "")


async def test_a_new_version_is_seen_behind_the_requests(
    cloud: str, report: learning.Report
) -> None:
    await serving.choice.use(None)
    rankers = Rankers(look_s=0.3)
    later = datetime.now(UTC) + 2 * SETTLING
    assert (await rankers.current(later)).version is None
    await store(report)
    deadline = time.monotonic() + PATIENCE_S
    while (await rankers.current(later)).version is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_without_storage_the_last_good_ranker_serves_and_a_new_instance_guesses(
    cloud: str, report: learning.Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "WAIT_S", 1.0)
    later = await store(report)
    rankers = Rankers(look_s=0.0)
    assert (await rankers.current(later)).version == report.version
    away = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", away)
    monkeypatch.setenv("SEGUE_STORAGE_URL", away)
    local_settings.forget_settings()
    try:
        assert (await rankers.current(later)).version == report.version
        newcomer = Rankers()
        assert (await asyncio.wait_for(newcomer.current(later), PATIENCE_S)).version is None
        # The next ones do not wait at all for what is still being tried.
        assert (await asyncio.wait_for(newcomer.current(later), 0.5)).version is None
    finally:
        monkeypatch.undo()
        local_settings.forget_settings()


async def test_without_the_warehouse_nothing_is_learned(
    cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("shared.platform.warehouse.RETRY_S", 1.0)
    local_settings.forget_settings()
    try:
        with pytest.raises(Unavailable, match="warehouse"):
            await learning.learn(a_world())
    finally:
        monkeypatch.undo()
        local_settings.forget_settings()
