"""Simulated people at the public API: what they did is there, once, however often they come."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators import demo_catalogue, listeners, token
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
def first(whole_cloud: WholeCloud) -> dict[str, Any]:
    """What the first run did."""
    return run(whole_cloud)


@pytest.fixture(scope="module")
def clients(whole_cloud: WholeCloud, first: dict[str, Any]) -> Iterator[list[httpx.Client]]:
    """A client for each of the people."""
    with ExitStack() as stack:
        yield [stack.enter_context(_client(whole_cloud, person)) for person in range(PEOPLE)]


def _client(cloud: WholeCloud, person: int) -> httpx.Client:
    tokens = token.mint(
        accounts_url=cloud.cloud.accounts_url,
        username=f"listener-{SEED}-{person:05d}",
        password="listeners of this simulation",
        client_id="segue-web-player",
        redirect_uri=f"{cloud.url}/callback",
        scope=ALL_SCOPES,
    )
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    return httpx.Client(base_url=cloud.url, headers=headers, timeout=60, trust_env=False)


def _plays(clients: list[httpx.Client]) -> list[list[tuple[str, str]]]:
    """Everybody's newest 50, by person."""
    answers = [
        one.get("/v1/me/player/recently-played", params={"limit": 50}).raise_for_status().json()
        for one in clients
    ]
    return [[(one["played_at"], one["track"]["id"]) for one in each["items"]] for each in answers]


def _settled(clients: list[httpx.Client]) -> list[list[tuple[str, str]]]:
    """The same, when no more of what was reported is being recorded."""
    found: list[list[tuple[str, str]]] = []

    def is_quiet() -> bool:
        nonlocal found
        before, found = found, _plays(clients)
        return before == found and any(found)

    eventually(is_quiet, every_s=5)
    return found


def test_a_second_run_adds_nothing(
    whole_cloud: WholeCloud, first: dict[str, Any], clients: list[httpx.Client]
) -> None:
    assert first["people"] == PEOPLE
    assert first["events"] > 20
    assert first["failed"] == []
    before = _settled(clients)
    assert all(len(set(one)) == len(one) > 0 for one in before)
    again = run(whole_cloud)
    assert again["events"] <= 2 * PEOPLE  # the newest play of each, and how it ended
    for kind in ("saved", "followed", "listed", "searched", "shelves"):
        assert again[kind] == 0, kind
    assert _settled(clients) == before


def test_somebody_who_is_there_joins_in(whole_cloud: WholeCloud) -> None:
    joining = f"jonas:{demo_catalogue.DEMO_PASSWORD}"
    did = run(whole_cloud, "--people", "1", "--join", joining)
    assert (did["people"], did["failed"]) == (1, [])
    assert did["events"] > 5


def test_a_wrong_password_is_told_with_its_remedy(
    whole_cloud: WholeCloud, first: dict[str, Any]
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
    assert [one["username"] for one in people] == [f"listener-1-0000{n}" for n in (1, 2, 3)]
    told = listeners.arguments("http://127.0.0.1:1", 3)
    assert told[told.index("--people") + 1] == "4"
    assert (
        told[told.index("--join") + 1]
        == f"{demo_catalogue.DEMO_USER}:{demo_catalogue.DEMO_PASSWORD}"
    )
    assert told[told.index("--seed") + 1] == "1"
    assert told[told.index("--password") + 1] == people[0]["password"]
