"""One log of events, out of order and repeated, gives the same features online and offline:
Pub/Sub, the functions and Bigtable on one side; Pub/Sub, BigQuery and Parquet on the other."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.api_core.exceptions import AlreadyExists
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from pyarrow import parquet
from starlette.applications import Starlette
from starlette.routing import Route

from emulators import provision
from emulators.eventing.export import Export
from emulators.eventing.pubsub import PubSub
from emulators.eventing.stats import Stats
from functions.record_history.main import _receive as record_history
from functions.record_signal.main import _receive as record_signal
from shared import topology
from shared.history.models import PlaybackEvent
from shared.platform import clients
from shared.platform import warehouse as platform_warehouse
from shared.platform.errors import InvalidInput
from shared.platform.events import Event, publish
from shared.platform.ids import random_id
from shared.platform.service_auth import verify_service_token
from shared.signals import exporting, service, training, warehouse
from shared.signals.features import (
    PAIR_FEATURES,
    TRACK_FEATURES,
    USER_FEATURES,
    Pairs,
    track_features,
    user_features,
)
from shared.signals.models import Signal
from shared.signals.preferences import confidences
from shared.signals.store import lake
from shared.signals.subjects import subject
from tests import local_settings
from tests.emulator.platform.conftest import Google, google

__all__ = ["google"]  # a fixture

ROOT = Path(__file__).parents[3]
PROJECT = local_settings.PROJECT
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MIDNIGHT_MS = int(MIDNIGHT.timestamp()) * 1000
DAY = (MIDNIGHT - timedelta(days=1)).date()
PEOPLE = [random_id() for _ in range(9)]
TRACKS = [random_id() for _ in range(25)]
ARTISTS = [random_id() for _ in range(3)]
MACHINE = PEOPLE[-1]
TOPICS = (topology.PLAYBACK_EVENTS, topology.LISTENER_SIGNALS)
RECEIVERS = {
    topology.PLAYBACK_EVENTS.name: (record_history, "record_history"),
    topology.LISTENER_SIGNALS.name: (record_signal, "record_signal"),
}


def happened() -> list[Event]:
    """What these people did in the seven weeks before midnight."""
    chance = random.Random(11)
    events: list[Event] = []
    for user in PEOPLE:
        suspected = True if user == MACHINE else None
        for _ in range(70):
            # Half of it on the last day, so that every window has something in it.
            span_s = chance.choice((24, 49 * 24)) * 3600
            at = MIDNIGHT - timedelta(milliseconds=chance.randrange(1, span_s * 1000))
            events += _play(chance, user, at, suspected)
        for kind in (
            "save",
            "unsave",
            "playlist_add",
            "playlist_remove",
            "hide",
            "unhide",
            "share",
        ):
            for _ in range(3):
                track = f"spotify:track:{chance.choice(TRACKS)}"
                context = "spotify:playlist:p" if kind.startswith("playlist") else None
                events.append(_said(chance, user, kind, suspected, track, context))
        for kind in ("follow", "unfollow", "follow"):
            artist = f"spotify:artist:{chance.choice(ARTISTS)}"
            events.append(_said(chance, user, kind, suspected, artist))
        events += [_said(chance, user, "search", suspected) for _ in range(4)]
    return events


def _play(
    chance: random.Random, user: str, at: datetime, suspected: bool | None
) -> list[PlaybackEvent]:
    fields: dict[str, Any] = {
        "user_id": user,
        "track_id": chance.choice(TRACKS),
        "session_id": random_id(),
        "device_id": chance.choice(("phone", "desk")),
        "country": "DE",
        "tier": "premium",
        "suspected": suspected,
    }
    events = [{"type": "play_started", "position_ms": 0, "ts": at}]
    ending = chance.choice(("skipped", "completed", "stopped", "progress", None))
    ended = at + timedelta(milliseconds=(heard := chance.randrange(1_000, 240_000)))
    if ending is not None and ended < MIDNIGHT:
        events.append({"type": ending, "position_ms": heard, "ts": ended})
    return [PlaybackEvent(event_id=random_id(), **fields, **one) for one in events]


def _said(
    chance: random.Random,
    user: str,
    kind: Any,
    suspected: Any,
    uri: str | None = None,
    context: str | None = None,
) -> Signal:
    at = MIDNIGHT - timedelta(seconds=chance.randrange(1, 40 * 24 * 3600))
    about = subject(uri) if uri else {}
    return Signal(
        event_id=random_id(),
        user_id=user,
        kind=kind,
        ts=at,
        context_uri=context,
        suspected=suspected,
        **about,
    )


@pytest.fixture(scope="module")
async def log(
    cloud: str, bigtable: str, firestore: str, pubsub: str, google: Google
) -> AsyncIterator[list[Event]]:
    """All of it published, exported to the warehouse and pushed to the functions."""
    events = happened()
    chance = random.Random(12)
    sent = events + chance.choices(events, k=len(events) // 3)
    chance.shuffle(sent)
    with grpc.insecure_channel(pubsub) as channel, pytest.MonkeyPatch.context() as patch:
        # The functions' clock stands at midnight: that is when the features are compared.
        patch.setattr(service, "now_ms", lambda: MIDNIGHT_MS)
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for topic in TOPICS:
            for name, read in provision.subscriptions(topic):
                with suppress(AlreadyExists):
                    subscriber.create_subscription(
                        name=f"projects/{PROJECT}/subscriptions/{name}",
                        topic=f"projects/{PROJECT}/topics/{read}",
                        ack_deadline_seconds=60,
                    )
        for model in (PlaybackEvent, Signal):
            await publish([one for one in sent if isinstance(one, model)])
        exporting_tasks = [
            asyncio.create_task(
                Export(one, PubSub(pubsub, PROJECT, 60), PROJECT, cloud, Stats()).run()
            )
            for one in topology.WAREHOUSE_EXPORTS
            if one.topic in TOPICS
        ]
        await verify_service_token(google.header())  # so that not all fetch the keys at once
        await asyncio.gather(
            *(_pushed(subscriber, topic, sent, google.header()) for topic in TOPICS)
        )
        await _exported(len(sent))
        yield events
        for task in exporting_tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _pushed(
    subscriber: SubscriberClient, topic: topology.Topic, sent: Sequence[Event], signed: str
) -> None:
    """Pulls what `topic` was sent and pushes each message to its function."""
    receive, name = RECEIVERS[topic.name]
    subscription = f"projects/{PROJECT}/subscriptions/{topic.name}.{name}"
    left = sum(topic == type(one).TOPIC for one in sent)
    transport = httpx.ASGITransport(Starlette(routes=[Route("/", receive, methods=["POST"])]))
    headers = {"authorization": signed}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://segue.test", headers=headers
    ) as client:

        async def push(data: bytes) -> None:
            message = {"data": base64.b64encode(data).decode(), "messageId": "1"}
            assert (await client.post("/", json={"message": message})).status_code == 204

        while left:
            pulled = await asyncio.to_thread(
                subscriber.pull, subscription=subscription, max_messages=100
            )
            received = pulled.received_messages
            await asyncio.gather(*(push(one.message.data) for one in received))
            subscriber.acknowledge(
                subscription=subscription, ack_ids=[one.ack_id for one in received]
            )
            left -= len(received)


async def _exported(count: int) -> None:
    root = f"{PROJECT}.{topology.WAREHOUSE_DATASET}"
    people = ", ".join(f"'{one}'" for one in PEOPLE)
    sql = " + ".join(
        f"(SELECT COUNT(*) FROM `{root}.{table.name}` WHERE user_id IN ({people}))"
        for table in (topology.PLAYBACK_EVENTS_TABLE, topology.LISTENER_SIGNALS_TABLE)
    )
    deadline = time.monotonic() + 120
    there = -1
    while there < count:
        assert time.monotonic() < deadline, f"{there} of {count} events"
        await asyncio.sleep(0.2)
        (row,) = await asyncio.to_thread(clients.bigquery().query_and_wait, f"SELECT {sql} AS n")
        there = int(row.n)


async def rows(kind: str, day: date = DAY) -> dict[tuple[str, ...], dict[str, float]]:
    """The rows of a folder of the lake, by their ids."""
    names = await lake.names(f"features/{kind}/day={day}")
    found = {}
    for name in names:
        if name.endswith(".parquet"):
            table = parquet.read_table(BytesIO(await lake.read(name)))
            ids = [one for one in table.column_names if one in ("user_id", "track_id")]
            for row in table.to_pylist():
                key = tuple(row.pop(one) for one in ids)
                assert key not in found
                found[key] = row
    return found


def job(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The job, held to what the topology declares."""
    return subprocess.run(
        [sys.executable, "-m", "emulators.job_host", "export_features", *arguments],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
async def exported(log: list[Event]) -> dict[str, int]:
    """The day before was exported by the job; what it printed."""
    dry = await asyncio.to_thread(job, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert await lake.names("features") == []
    done = await asyncio.to_thread(job, "--day", str(DAY))
    assert done.returncode == 0, done.stderr
    assert dry.stdout == done.stdout
    answer: dict[str, int] = json.loads(done.stdout)
    return answer


def near(features: dict[str, float]) -> Any:
    """As near as 32 bits allow."""
    return pytest.approx(features, rel=1e-6, abs=1e-6)


async def test_a_person_s_features_agree(log: list[Event], exported: dict[str, int]) -> None:
    offline = await rows("user")
    assert set(offline) == {(one,) for one in PEOPLE if one != MACHINE}
    assert exported["users"] == len(offline)
    for (user,), features in offline.items():
        online = user_features(await service.signals_of(user), MIDNIGHT_MS)
        assert tuple(features) == USER_FEATURES
        assert features == near(online)
    assert len({features["user_plays_1d"] for features in offline.values()}) > 1


async def test_a_track_s_features_agree(log: list[Event], exported: dict[str, int]) -> None:
    offline = await rows("track")
    assert set(offline) == {(one,) for one in TRACKS}
    online = await service.track_counts(TRACKS)
    for (track,), features in offline.items():
        assert tuple(features) == TRACK_FEATURES
        assert features == near(track_features(online[track], MIDNIGHT_MS))
    for name in ("track_plays_1d", "track_skip_rate_28d", "track_save_rate_28d"):
        assert len({features[name] for features in offline.values()}) > 3


async def test_a_person_s_features_with_a_track_agree(
    log: list[Event], exported: dict[str, int]
) -> None:
    offline = await rows("pair")
    assert exported["pairs"] == len(offline)
    of_people = {user: await service.signals_of(user) for user in PEOPLE if user != MACHINE}
    pairs = {user: Pairs(signals, MIDNIGHT_MS) for user, signals in of_people.items()}
    assert set(offline) == {(user, track) for user in pairs for track in pairs[user].tracks()}
    for (user, track), features in offline.items():
        assert tuple(features) == PAIR_FEATURES
        assert features == near(pairs[user].features(track, ()))


async def test_the_log_is_the_same_signals_in_order(log: list[Event]) -> None:
    logged = [one async for one in warehouse.logged(90, MIDNIGHT) if one.user_id in PEOPLE]
    assert [(one.user_id, one.ts_ms, one.event_id) for one in logged] == sorted(
        (one.user_id, one.ts_ms, one.event_id) for one in logged
    )
    for user in PEOPLE:
        own = [one for one in logged if one.user_id == user]
        online = await service.signals_of(user)
        assert own[::-1] == sorted(online, key=lambda one: (one.ts_ms, one.event_id), reverse=True)
        assert confidences(own, MIDNIGHT_MS) == pytest.approx(confidences(online, MIDNIGHT_MS))
    some = [
        one.user_id
        async for one in warehouse.logged(90, MIDNIGHT, after=min(PEOPLE), last=sorted(PEOPLE)[2])
    ]
    assert set(some) & set(PEOPLE) == set(sorted(PEOPLE)[1:3])


async def test_people_are_read_range_by_range(
    log: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [one async for one in warehouse.logged(90, MIDNIGHT)]
    asked: list[tuple[Any, Any]] = []
    read = platform_warehouse.pages

    def noted(sql: str, views: Any, parameters: Any, row: Any) -> Any:
        asked.append((parameters["after"], parameters["last"]))
        return read(sql, views, parameters, row)

    monkeypatch.setattr(platform_warehouse, "pages", noted)
    monkeypatch.setattr(warehouse, "RANGE_SIGNALS", len(whole) // 4)
    assert [one async for one in warehouse.logged(90, MIDNIGHT)] == whole
    assert len(asked) >= 3
    assert [after for after, _ in asked] == ["", *(last for _, last in asked[:-1])]


async def test_a_ranker_learns_from_what_was_known_before_each_play(log: list[Event]) -> None:
    found = [row async for row in training.training_rows(28, MIDNIGHT, {TRACKS[0]: [ARTISTS[0]]})]
    own = [row for row in found if row.listen.play.user_id in PEOPLE]
    assert {row.listen.play.user_id for row in own} == set(PEOPLE) - {MACHINE}
    assert {row.listen.ending for row in own} == {"skip", "complete", "stop"}
    for row in own:
        now_ms = row.listen.play.ts_ms
        assert all(one.ts_ms < now_ms for one in row.before)
        assert row.user == user_features(row.before, now_ms)
    again = [row async for row in training.training_rows(28, MIDNIGHT, {TRACKS[0]: [ARTISTS[0]]})]
    assert again == found


async def test_a_run_that_was_cut_off_is_taken_up_behind_the_last_file(
    log: list[Event], exported: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PART_SIGNALS", 150)
    whole = {kind: await rows(kind) for kind in ("user", "pair", "track")}
    made = await exporting.export(DAY, force=True)
    assert (made.users, made.pairs, made.tracks) == tuple(map(len, whole.values()))
    folders = {kind: f"features/{kind}/day={DAY}" for kind in whole}
    before = {kind: await lake.names(folder) for kind, folder in folders.items()}
    success, *parts = before["pair"]
    assert success.endswith(exporting.SUCCESS)
    assert len(parts) == 4
    # As a run leaves it that is killed behind the pairs of its third file, which was of other
    # people then: more has come in since.
    await lake.remove([success, parts[3]])
    await lake.write(parts[2], await lake.read(parts[0]))
    await lake.remove([before["user"][0], *before["user"][3:]])
    again = await exporting.export(DAY)
    assert 0 < again.users < made.users
    assert again.tracks == 0
    assert {kind: await rows(kind) for kind in whole} == whole
    assert {kind: await lake.names(folder) for kind, folder in folders.items()} == before
    assert await exporting.export(DAY) == exporting.Exported()


async def test_a_day_that_is_not_over_is_refused(cloud: str) -> None:
    with pytest.raises(InvalidInput, match="not over yet"):
        await exporting.export(datetime.now(UTC).date())
    refused = await asyncio.to_thread(job, "--day", str(datetime.now(UTC).date()))
    assert refused.returncode == 2
    assert "not over yet" in refused.stderr
