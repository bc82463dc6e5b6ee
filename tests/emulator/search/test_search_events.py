"""Search events from the function to the warehouse, and what is made of them there."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from google.api_core.exceptions import AlreadyExists
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from emulators import bigquery, provision
from emulators.eventing.export import Export
from emulators.eventing.pubsub import PubSub
from emulators.eventing.stats import Stats
from emulators.processes import accepts, free_port
from shared import topology
from shared.artifacts.choice import SETTLING
from shared.platform import clients, objects
from shared.platform.errors import Unavailable
from shared.platform.events import publish
from shared.platform.ids import random_id
from shared.search import events, learning, reranking, warehouse
from shared.search.models import Hits, Results, SearchRequest
from shared.search.popularity import plays_from_search
from shared.search.ranking import FEATURES
from shared.search.reranking import Rerankers
from shared.search.training import Search
from tests import local_settings
from tests.emulator.conftest import process
from tests.emulator.test_bigquery import emulator_python
from tests.unit.search import simulated

ROOT = Path(__file__).parents[3]
PROJECT = local_settings.PROJECT
DATASET = f"{PROJECT}.{topology.WAREHOUSE_DATASET}"
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def cloud(settings_env: pytest.MonkeyPatch, pubsub: str, logs: Path) -> Iterator[str]:
    """BigQuery with what the topology declares, and storage; yields BigQuery's URL."""
    port, storage_port = free_port(), free_port()
    argv, env = bigquery.command(emulator_python("bigquery"), port, project=PROJECT)
    url, storage_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{storage_port}"
    storage: list[str | Path] = [sys.executable, "-m", "emulators.storage"]
    storage += ["--port", str(storage_port), "--data-dir", logs / "models"]

    def ready() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/readyz").is_success
        return False

    async def provisioned() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            await provision.warehouse(client, url, PROJECT)

    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        with (
            process(argv, ready, logs / "bigquery.log"),
            process(storage, accepts(storage_port), logs / "models.log"),
        ):
            asyncio.run(provisioned())
            patch.setenv("BIGQUERY_EMULATOR_HOST", url)
            patch.setenv("STORAGE_EMULATOR_HOST", storage_url)
            patch.setenv("SEGUE_STORAGE_URL", storage_url)
            patch.setenv("SEGUE_ANONYMOUS", "true")
            local_settings.forget_settings()
            yield url
    local_settings.forget_settings()


def insert(table: topology.WarehouseTable, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as the export writes them: without ids, so that a repeated one is there twice."""
    for start in range(0, len(rows), 2_000):
        part = [
            {"message_id": random_id(), "publish_time": datetime.now(UTC).isoformat(), **row}
            for row in rows[start : start + 2_000]
        ]
        refused = clients.bigquery().insert_rows_json(
            f"{DATASET}.{table.name}", part, row_ids=[None] * len(part)
        )
        assert refused == []


# --- on their way ---------------------------------------------------------------------------


@pytest.fixture
async def exported(cloud: str, pubsub: str, tmp_path: Path) -> AsyncIterator[None]:
    """The export of search events runs, as the local cloud runs it."""
    (export,) = (one for one in topology.WAREHOUSE_EXPORTS if one.topic == topology.SEARCH_EVENTS)
    with grpc.insecure_channel(pubsub) as channel:
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for name, topic in provision.subscriptions(topology.SEARCH_EVENTS):
            with suppress(AlreadyExists):
                subscriber.create_subscription(
                    name=f"projects/{PROJECT}/subscriptions/{name}",
                    topic=f"projects/{PROJECT}/topics/{topic}",
                    ack_deadline_seconds=60,
                )
    exporting = Export(export, PubSub(pubsub, PROJECT, 60), PROJECT, cloud, Stats())
    task = asyncio.create_task(exporting.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def answered(query: str) -> tuple[SearchRequest, Results]:
    request = SearchRequest(query, ("track", "artist"), market="DE", locale="de")
    return request, Results({"track": Hits((), 3), "artist": Hits((), 0)}, "v1~1")


async def counted(marker: str, view: str, column: str = "*") -> int:
    found = f"FROM `{DATASET}.{view}` WHERE STARTS_WITH(query, '{marker}')"
    sql = f"SELECT COUNT({column}) AS n {found}"
    (row,) = await asyncio.to_thread(clients.bigquery().query_and_wait, sql)
    return int(row.n)


async def until(count: int, marker: str) -> None:
    deadline = time.monotonic() + 60
    while (there := await counted(marker, "search_events")) < count:
        assert time.monotonic() < deadline, f"{there} of {count} events"
        await asyncio.sleep(0.1)


async def test_a_search_reaches_the_warehouse_and_a_repeated_event_is_one(
    exported: None,
) -> None:
    marker = uuid.uuid4().hex
    both = [
        event for n in range(30) for event in events.made(*answered(f"{marker} {n}"), random_id())
    ]
    events.tell(both[:20])
    events.tell(both[20:])
    assert await events.told(10)
    await publish(both[:10])
    await until(70, marker)
    assert await counted(marker, "search_events_unique") == 60
    assert await counted(marker, "search_events_unique", "user_id") == 60
    events.tell(events.made(*answered(f"{marker} app"), None))
    assert await events.told(10)
    await until(72, marker)
    assert await counted(marker, "search_events_unique", "user_id") == 60


# --- who played what they found ---------------------------------------------------------------

NOW = datetime.now(UTC).replace(microsecond=0)


def searched(user: str | None, at: datetime, *keys: str, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": random_id(),
        "user_id": user,
        "ts": at.isoformat(),
        "query": "q",
        "type": "track",
        "offset": 0,
        "total": len(keys),
        "shown": json.dumps(keys),
        "features": "{}",
        **changes,
    }


def played(user: str, at: datetime, track: str, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": random_id(),
        "type": "play_started",
        "user_id": user,
        "track_id": track,
        "ts": at.isoformat(),
        **changes,
    }


async def credited(
    searches: Sequence[dict[str, Any]], plays: Sequence[dict[str, Any]], *keys: str
) -> dict[str, int]:
    """What `keys` are credited with after these events."""
    insert(topology.SEARCH_EVENTS_TABLE, searches)
    insert(topology.PLAYBACK_EVENTS_TABLE, plays)
    found = await plays_from_search()
    return {key: found[key] for key in keys if key in found}


@pytest.fixture
def user(cloud: str) -> str:
    return random_id()


@pytest.fixture
def track() -> str:
    return random_id()


@pytest.mark.parametrize(
    ("after", "counts"),
    [(0, True), (29.9, True), (30, False), (-0.1, False)],
)
async def test_a_play_counts_for_half_an_hour_after_the_search(
    user: str, track: str, after: float, counts: bool
) -> None:
    start, key = NOW - 60 * MINUTE, f"track:{track}"
    found = await credited(
        [searched(user, start, key)], [played(user, start + after * MINUTE, track)], key
    )
    assert found == ({key: 1} if counts else {})


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": "somebody-else"},
        {"suspected": True},
        {"type": "progress"},
        {"track_id": "another"},
        {"ts": (NOW - timedelta(days=29)).isoformat()},
    ],
)
async def test_other_events_count_nothing(user: str, track: str, change: dict[str, Any]) -> None:
    key = f"track:{track}"
    play = {**played(user, NOW - MINUTE, track), **change}
    assert await credited([searched(user, NOW - 2 * MINUTE, key)], [play], key) == {}


async def test_an_app_s_own_search_is_nobodys(cloud: str, track: str) -> None:
    key = f"track:{track}"
    search = searched(None, NOW - 2 * MINUTE, key)
    assert await credited([search], [played("x", NOW - MINUTE, track)], key) == {}


async def test_a_person_counts_once_a_day_for_an_item_however_often_events_come(
    user: str, track: str
) -> None:
    key = f"track:{track}"
    days = [NOW - timedelta(days=n, minutes=5) for n in (1, 1, 2)]
    searches = [searched(one, at, key) for at in days for one in (user, f"{user}-friend")]
    plays = [
        played(str(search["user_id"]), datetime.fromisoformat(search["ts"]) + MINUTE, track)
        for search in searches
    ]
    assert await credited(searches * 2, plays * 3, key) == {key: 4}


async def test_what_a_track_was_played_from_is_what_was_chosen(user: str, track: str) -> None:
    context, key = f"album:{track}", f"track:{track}"
    at = NOW - 10 * MINUTE
    both = [searched(user, at, key), searched(user, at, context, type="album")]
    play = played(user, at + MINUTE, track, context_uri=f"segue:{context}")
    assert await credited(both, [play], key, context) == {context: 1}


async def test_a_context_that_was_not_shown_leaves_the_play_to_the_track(
    user: str, track: str
) -> None:
    key, at = f"track:{track}", NOW - 10 * MINUTE
    play = played(user, at + MINUTE, track, context_uri="segue:playlist:not-found")
    assert await credited([searched(user, at, key)], [play], key) == {key: 1}


async def test_an_episode_is_played_too(user: str, track: str) -> None:
    key, at = f"episode:{track}", NOW - 10 * MINUTE
    assert await credited(
        [searched(user, at, key, type="episode")], [played(user, at + MINUTE, track)], key
    ) == {key: 1}


async def test_the_last_search_wins_and_texts_stay_where_they_are(user: str, track: str) -> None:
    key = f"track:{track}"
    first = searched(user, NOW - 20 * MINUTE, key, "track:x", query="blue")
    last = searched(user, NOW - 10 * MINUTE, "track:y", key, query=" Blue ")
    second_page = searched(user, NOW - 9 * MINUTE, "track:z", offset=20)
    other = searched(f"{user}-friend", NOW - 10 * MINUTE, key, query="BLUE")
    insert(topology.SEARCH_EVENTS_TABLE, [first, last, second_page, other])
    plays = [played(user, NOW, track), played(f"{user}-friend", NOW, track)]
    insert(topology.PLAYBACK_EVENTS_TABLE, plays)
    found = await warehouse.pages_with_a_play(NOW + MINUTE, 28, dict)
    own = [row for row in found if list(row["played"]) == [key]]
    assert sorted(json.loads(row["shown"])[0] for row in own) == sorted(["track:y", key])
    assert len({row["query"] for row in own}) == 1  # the same words, however written
    assert all(isinstance(row["query"], int) for row in own)


async def test_a_warehouse_that_is_away_is_said_to_be(
    cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("shared.platform.warehouse.RETRY_S", 1.0)
    local_settings.forget_settings()
    with pytest.raises(Unavailable, match="warehouse"):
        await plays_from_search()
    monkeypatch.undo()
    local_settings.forget_settings()


# --- learning -----------------------------------------------------------------------------------


def history(searches: Sequence[Search], at: datetime) -> None:
    """Writes the events of a simulated world, one person for each search."""
    pages, plays = [], []
    for one in searches:
        ids = [random_id() for _ in one.matches]
        user = random_id()
        features = {
            "names": FEATURES,
            "values": one.features.round(4).tolist(),
            "match": one.matches,
            "score": one.weighted.round(4).tolist(),
        }
        keys = [f"track:{item}" for item in ids]
        pages.append(
            searched(user, at, *keys, query=f"words {one.query}", features=json.dumps(features))
        )
        plays.append(played(user, at + MINUTE, ids[int(np.flatnonzero(one.played)[0])]))
    insert(topology.SEARCH_EVENTS_TABLE, pages)
    insert(topology.PLAYBACK_EVENTS_TABLE, plays)


def job(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The job, held to what the topology declares."""
    return subprocess.run(
        [sys.executable, "-m", "emulators.job_host", "train_search_ranker", *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


async def test_a_better_order_is_learned_stored_and_used(cloud: str) -> None:
    # A day of its own: the window of a job without options holds the other tests' events too.
    too_few = await asyncio.to_thread(job, "--days", "1")
    assert too_few.returncode == 0, too_few.stderr
    assert "too few searches" in too_few.stdout
    assert "Nothing was changed" in too_few.stdout
    assert await objects.read(topology.MODELS, reranking.choice.path) is None

    history(simulated.world(1, 2_500, simulated.fresh), NOW - timedelta(hours=2))
    dry = await asyncio.to_thread(job, "--dry-run", "--days", "1")
    assert dry.returncode == 0, dry.stderr
    assert "It is used" in dry.stdout
    assert "nothing was stored" in dry.stdout
    assert await objects.read(topology.MODELS, reranking.choice.path) is None

    real = await asyncio.to_thread(job, "--days", "1")
    assert real.returncode == 0, real.stderr
    (use,) = (await reranking.choice.read()).uses
    assert use.version is not None
    folder = f"{reranking.FOLDER}/{use.version}"
    text = await objects.read(topology.MODELS, f"{folder}/report.md")
    assert text is not None
    assert text.decode().strip() == real.stdout.strip()
    report = json.loads(await objects.read(topology.MODELS, f"{folder}/report.json") or b"{}")
    assert report["outcome"] == "better"
    assert report["differences"]["ndcg@10"]["low"] > 0
    assert report["searches"] >= 2_500

    serving = Rerankers()
    assert await serving.current() is None  # not before every instance has seen it
    ranker = await serving.current(use.since)
    assert ranker is not None
    assert ranker.version == use.version
    row = dict.fromkeys(FEATURES, 0.5)
    old, new = ranker.scores([{**row, "freshness": 0.05}, {**row, "freshness": 0.95}])
    assert new > old


async def test_an_operator_takes_a_ranker_back(cloud: str) -> None:
    before = await reranking.choice.read()
    refused = await asyncio.to_thread(job, "--use", "no-such-version")
    assert refused.returncode == 1
    assert "is not whole" in refused.stderr
    assert await reranking.choice.read() == before
    done = await asyncio.to_thread(job, "--use", "none")
    assert done.returncode == 0, done.stderr
    pointer = await reranking.choice.read()
    assert pointer.uses[0].version is None


@pytest.mark.parametrize("damage", ["model.txt", "report.json", reranking.choice.path])
async def test_what_is_damaged_is_gone_without(
    cloud: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    searches = simulated.world(2, 1_500, simulated.fresh)
    report = learning.conclude(searches, 0, 28, 1, datetime.now(UTC))
    assert report.trained is not None
    await learning._store(report, report.trained)
    pointer = await reranking.choice.use(report.version)
    later = pointer.uses[0].since
    assert await Rerankers().current(later) is not None
    name = (
        damage
        if damage == reranking.choice.path
        else f"{reranking.FOLDER}/{report.version}/{damage}"
    )
    await objects.write(topology.MODELS, name, b"{damaged", "text/plain")
    serving = Rerankers(look_s=0.0)
    assert await serving.current(later) is None
    assert damage.removesuffix(".txt").split("/")[-1] in caplog.text
    # The pointer is replaced where it cannot be read, and what it names is found by all instances.
    assert (await reranking.choice.use("v-later")).uses[0].version == "v-later"


async def test_a_moved_pointer_is_seen_behind_a_request(cloud: str) -> None:
    await reranking.choice.use(None)
    serving = Rerankers(look_s=0.3)
    later = datetime.now(UTC) + 2 * SETTLING
    assert await serving.current(later) is None
    report = learning.conclude(
        simulated.world(3, 1_500, simulated.fresh), 0, 28, 1, datetime.now(UTC)
    )
    assert report.trained is not None
    await learning._store(report, report.trained)
    await reranking.choice.use(report.version)
    deadline = time.monotonic() + 20
    while (ranker := await serving.current(later)) is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert ranker.version == report.version
