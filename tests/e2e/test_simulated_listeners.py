"""Simulated people at the public API: what they did is there, once, however often they come."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators import listeners, token
from tests.whole_cloud import ALL_SCOPES, WholeCloud, eventually

ROOT = Path(__file__).resolve().parents[2]
PEOPLE, DAYS, SEED = 3, 4, 77


def run(cloud: WholeCloud, *more: str) -> dict[str, Any]:
    """What the job printed."""
    told = {"url": cloud.url, "people": PEOPLE, "days": DAYS, "seed": SEED}
    options = [part for name, value in told.items() for part in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "jobs/simulate_listeners/main.py", *options, *more],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},  # no variable of ours: it knows the public API alone
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def listener(whole_cloud: WholeCloud) -> Iterator[tuple[dict[str, Any], httpx.Client]]:
    """What the first run did, and a client of its first person."""
    did = run(whole_cloud)
    tokens = token.mint(
        accounts_url=whole_cloud.cloud.accounts_url,
        username=f"listener-{SEED}-00000",
        password="listeners of this simulation",
        client_id="segue-web-player",
        redirect_uri=f"{whole_cloud.url}/callback",
        scope=ALL_SCOPES,
    )
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    with httpx.Client(
        base_url=whole_cloud.url, headers=headers, timeout=60, trust_env=False
    ) as client:
        yield did, client


def _plays(client: httpx.Client) -> list[tuple[str, str]]:
    body = client.get("/v1/me/player/recently-played", params={"limit": 50}).json()
    return [(one["played_at"], one["track"]["id"]) for one in body["items"]]


def test_a_second_run_adds_nothing(
    whole_cloud: WholeCloud, listener: tuple[dict[str, Any], httpx.Client]
) -> None:
    did, client = listener
    assert did["people"] == PEOPLE
    assert did["events"] > 20
    assert did["failed"] == []
    eventually(lambda: len(_plays(client)) > 0)
    before: list[tuple[str, str]] = []

    def is_quiet() -> bool:  # all that was reported has been recorded
        last = list(before)
        before[:] = _plays(client)
        return before == last

    eventually(is_quiet, every_s=3)
    again = run(whole_cloud)
    assert again["events"] <= 2 * PEOPLE  # the newest play of each, and how it ended
    assert again["saved"] == again["followed"] == again["listed"] == again["told"] == 0
    eventually(is_quiet, every_s=3)
    assert _plays(client) == before
    assert len(set(before)) == len(before)


def test_a_wrong_password_is_told_with_its_remedy(
    whole_cloud: WholeCloud, listener: tuple[dict[str, Any], httpx.Client]
) -> None:
    done = subprocess.run(
        [sys.executable, "jobs/simulate_listeners/main.py", "--url", whole_cloud.url]
        + ["--seed", str(SEED), "--people", "1", "--password", "another one"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "--password" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_local_clouds_own_listeners_are_those_whom_the_job_expects() -> None:
    people = listeners.accounts(3)
    assert [one["username"] for one in people] == [f"listener-1-0000{n}" for n in range(3)]
    told = listeners.arguments("http://127.0.0.1:1", 3)
    assert told[told.index("--seed") + 1] == "1"
    assert told[told.index("--password") + 1] == people[0]["password"]
