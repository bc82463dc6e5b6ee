"""The eventing emulator's pure parts."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.pubsub_v1.types import PubsubMessage
from joserfc import jwt
from joserfc.jwk import KeySet

from emulators.eventing.delivery import concurrency
from emulators.eventing.export import RowRefused, row_of
from emulators.eventing.oidc import TokenIssuer
from emulators.eventing.push import envelope
from emulators.eventing.scheduler import Scheduler
from shared import topology
from shared.topology import Column, EventFunction, Job, TopicTrigger, WarehouseTable

TABLE = WarehouseTable(
    "t",
    (
        Column("event_id", "STRING"),
        Column("message_id", "STRING"),
        Column("publish_time", "TIMESTAMP"),
        Column("attributes", "STRING"),
        Column("subscription_name", "STRING"),
    ),
    partition_by="publish_time",
)


def message(data: bytes, **attributes: str) -> PubsubMessage:
    return PubsubMessage(
        data=data,
        attributes=attributes,
        message_id="7",
        publish_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


def test_a_row_holds_the_columns_of_the_table_and_the_metadata() -> None:
    row = row_of(message(b'{"event_id": "e", "unknown": 1}', a="b"), "projects/p/s", TABLE)
    assert row == {
        "event_id": "e",
        "subscription_name": "projects/p/s",
        "message_id": "7",
        "publish_time": "2026-01-02T03:04:05Z",
        "attributes": '{"a": "b"}',
    }


@pytest.mark.parametrize("data", [b"", b"not json", b"[1]", b"\xff"])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(RowRefused):
        row_of(message(data), "s", TABLE)


def test_the_push_envelope_is_the_service_s() -> None:
    body = envelope(message(b"x", k="v"), "projects/p/subscriptions/s", 2)
    assert body["subscription"] == "projects/p/subscriptions/s"
    assert body["deliveryAttempt"] == 2
    assert body["message"]["data"] == "eA=="
    assert body["message"]["attributes"] == {"k": "v"}
    assert body["message"]["messageId"] == body["message"]["message_id"] == "7"
    assert body["message"]["publishTime"].startswith("2026-01-02T03:04:05")


def test_tokens_verify_with_the_published_keys_also_after_a_restart(tmp_path: Path) -> None:
    first = TokenIssuer(tmp_path, "https://accounts.google.com", "a@b", "aud")
    token = first.bearer().removeprefix("Bearer ")
    again = TokenIssuer(tmp_path, "https://accounts.google.com", "a@b", "aud")
    keys = KeySet.import_key_set(again.jwks())  # type: ignore[arg-type]
    claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["aud"], claims["email"], claims["email_verified"]) == ("aud", "a@b", True)
    assert claims["iat"] <= time.time() < claims["exp"]
    assert stat.S_IMODE((tmp_path / "oidc.pem").stat().st_mode) == 0o600


def test_a_function_of_more_than_a_core_is_bounded_by_the_machine() -> None:
    trigger = TopicTrigger(topology.PLAYBACK_EVENTS)
    light = EventFunction(name="light", trigger=trigger, concurrency=80)
    heavy = EventFunction(name="heavy", trigger=trigger, concurrency=1000, cpu=2.0)
    assert concurrency(light) == 80
    assert 1 < concurrency(heavy) < 1000


def job_in(root: Path, code: str, tasks: int = 1, timeout_s: int = 10) -> Scheduler:
    folder = root / "jobs" / "work"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(code)
    return Scheduler([Job(name="work", tasks=tasks, timeout_s=timeout_s)], root, {"X": "y"})


async def test_a_job_gets_the_environment_of_cloud_run(tmp_path: Path) -> None:
    code = (
        "import os, json; print(json.dumps({k: os.environ[k] for k in "
        "('X', 'K_SERVICE', 'CLOUD_RUN_JOB', 'CLOUD_RUN_TASK_INDEX', 'CLOUD_RUN_TASK_COUNT')}))"
    )
    run = await job_in(tmp_path, code, tasks=2).run("work")
    lines = [json.loads(line) for line in run.output.splitlines()]
    assert run.exit_code == 0
    assert [line["CLOUD_RUN_TASK_INDEX"] for line in lines] == ["0", "1"]
    assert lines[0] == {
        "X": "y",
        "K_SERVICE": "work",
        "CLOUD_RUN_JOB": "work",
        "CLOUD_RUN_TASK_INDEX": "0",
        "CLOUD_RUN_TASK_COUNT": "2",
    }


async def test_a_failing_job_says_how_and_a_hanging_one_is_stopped(tmp_path: Path) -> None:
    failing = await job_in(tmp_path / "a", "print('why'); raise SystemExit(3)").run("work")
    assert (failing.exit_code, failing.output) == (3, "why\n")
    started = time.monotonic()
    hanging = await job_in(tmp_path / "b", "import time; time.sleep(60)", timeout_s=1).run("work")
    assert (hanging.exit_code, time.monotonic() - started < 10) == (124, True)


async def test_a_job_never_overlaps_with_itself(tmp_path: Path) -> None:
    code = (
        "import pathlib, time; p = pathlib.Path('busy'); assert not p.exists(); p.touch();"
        "time.sleep(0.3); p.unlink()"
    )
    scheduler = job_in(tmp_path, code)
    runs = await asyncio.gather(*(scheduler.run("work") for _ in range(3)))
    assert [run.exit_code for run in runs] == [0, 0, 0]
