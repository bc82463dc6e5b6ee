"""Listeners for the local cloud, in the background, so that its recommendations have something to
go by: makes accounts, runs the job `simulate_listeners` for them and for the demo user, and then
what learns from it.

    python -m emulators.listeners < wanted.json       {"url": "http://127.0.0.1:8080", "people": 24}

It is a process of the cloud like any other, and waits for the cloud's end when it is done. What
goes wrong is told in its log, `listeners.log`, and harms nothing else; people whose visits fail are
done without.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from typing import Any, NamedTuple

import httpx

from emulators import processes
from emulators.cloud import PROJECT
from emulators.demo_catalogue import DEMO_PASSWORD, DEMO_USER
from shared import topology

DAYS = 10
SEED = 1
PASSWORD = "listeners-of-this-machine"
COUNTRIES = ("US", "DE", "GB", "FR", "BR", "SE", "ES", "JP", "CA", "NL")
CONCURRENCY = 2
SETTLING_S = 600.0  # that events may be on their way, from what took them to the warehouse
TELLING = ("saved", "followed", "listed", "told")  # what makes at least one signal each
NICENESS = 10  # whoever uses the cloud meanwhile goes first


def main() -> None:
    """Reads what is wanted, does it, and waits to be ended."""
    processes.die_with_parent(signal.SIGTERM)
    os.nice(NICENESS)
    started = time.monotonic()
    try:
        wanted = json.load(sys.stdin)
        make_personal(wanted["url"], wanted["people"])
    except Exception as error:  # a process that ends takes the whole cloud with it
        traceback.print_exc(file=sys.stdout)
        print(f"recommendations stay as they are: {error}", flush=True)
    else:
        seconds = time.monotonic() - started
        print(f"recommendations are personal now, after {seconds:.0f} s", flush=True)
    threading.Event().wait()


class Stored(NamedTuple):
    """Rows of the warehouse."""

    events: int
    signals: int


def make_personal(url: str, people: int) -> None:
    """Lets `people` and the demo user listen, what learns from them follow, and them look at what
    came of it. Raises CalledProcessError and httpx.HTTPError."""
    told = arguments(url, people)
    _job("seed_accounts", given=json.dumps({"users": accounts(people)}))
    before = _stored()
    did = _simulated(*told)
    signals = sum(did[name] for name in TELLING)
    _wait_for(Stored(before.events + did["events"], before.signals + signals))
    _job("train_embeddings")
    _job("make_recommendations")
    _simulated(*told, "--home")


def _simulated(*arguments: str) -> dict[str, Any]:
    """What the simulated people did. Raises CalledProcessError where none of them could begin."""
    done = _run("simulate_listeners", *arguments)
    if not done.stdout:
        done.check_returncode()
    did: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return did


def _wait_for(wanted: Stored) -> None:
    """Waits until so much is in the warehouse, from which the jobs learn; what is lacking after
    `SETTLING_S` is done without."""
    deadline = time.monotonic() + SETTLING_S
    while not _is_there(stored := _stored(), wanted) and time.monotonic() < deadline:
        time.sleep(1)
    print(f"in the warehouse are {stored}, of {wanted}", flush=True)


def _is_there(stored: Stored, wanted: Stored) -> bool:
    return stored.events >= wanted.events and stored.signals >= wanted.signals


def _stored() -> Stored:
    # How many signals a search makes depends on the clock.
    events = _count(topology.PLAYBACK_EVENTS_TABLE, "TRUE")
    return Stored(events, _count(topology.LISTENER_SIGNALS_TABLE, "kind != 'search'"))


def _count(declared: topology.WarehouseTable, condition: str) -> int:
    table = f"{PROJECT}.{topology.WAREHOUSE_DATASET}.{declared.name}"
    sql = f"SELECT COUNT(*) FROM `{table}` WHERE {condition}"
    answer = httpx.post(
        f"{os.environ['BIGQUERY_EMULATOR_HOST']}/bigquery/v2/projects/{PROJECT}/queries",
        json={"query": sql, "useLegacySql": False},
        timeout=60,
    )
    return int(answer.raise_for_status().json()["rows"][0]["f"][0]["v"])


def accounts(people: int) -> list[dict[str, str]]:
    """Those whom `simulate_listeners` would make one by one on the sign-up page, which is slow on
    purpose. The first of its people is the demo user, who is there."""
    names = [f"listener-{SEED}-{number:05d}" for number in range(1, people + 1)]
    return [
        {
            "username": name,
            "password": PASSWORD,
            "email": f"{name}@listeners.example",
            "country": COUNTRIES[number % len(COUNTRIES)],
            "display_name": f"Listener {number}",
        }
        for number, name in enumerate(names, 1)
    ]


def arguments(url: str, people: int) -> list[str]:
    """Of the job `simulate_listeners`, for `people` and the demo user."""
    told = {"url": url, "people": people + 1, "days": DAYS, "seed": SEED, "password": PASSWORD,
            "concurrency": CONCURRENCY, "join": f"{DEMO_USER}:{DEMO_PASSWORD}"}  # fmt: skip
    return [part for name, value in told.items() for part in (f"--{name}", str(value))]


def _job(name: str, *arguments: str, given: str = "") -> None:
    """Runs a job to its end. Raises CalledProcessError where it failed."""
    _run(name, *arguments, given=given).check_returncode()


def _run(name: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "emulators.job_host", name, *arguments],
        input=given,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    print(f"{done.stdout}{name}: exit status {done.returncode}, {seconds:.0f} s", flush=True)
    return done


if __name__ == "__main__":
    main()
