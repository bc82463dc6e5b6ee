"""Listeners for the local cloud, in the background, so that its recommendations have something to
go by: makes accounts, runs the job `simulate_listeners` for them, and then what learns from it.

    python -m emulators.listeners < wanted.json       {"url": "http://127.0.0.1:8080", "people": 24}

It is a process of the cloud like any other, and waits for the cloud's end when it is done. What
goes wrong is told in its log, `listeners.log`, and harms nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import httpx

from emulators import processes
from emulators.cloud import PROJECT
from shared import topology

DAYS = 10
SEED = 1
PASSWORD = "listeners-of-this-machine"
COUNTRIES = ("US", "DE", "GB", "FR", "BR", "SE", "ES", "JP", "CA", "NL")
CONCURRENCY = 2
SETTLING_S = 600.0  # that events may be on their way, from what took them to the warehouse
NICENESS = 10  # whoever uses the cloud meanwhile goes first


def main() -> None:
    """Reads what is wanted, does it, and waits to be ended."""
    processes.die_with_parent(signal.SIGTERM)
    os.nice(NICENESS)
    wanted = json.load(sys.stdin)
    started = time.monotonic()
    try:
        make_personal(wanted["url"], wanted["people"])
    except (subprocess.CalledProcessError, httpx.HTTPError) as error:
        print(f"recommendations stay as they are: {error}", flush=True)
    else:
        seconds = time.monotonic() - started
        print(f"recommendations are personal now, after {seconds:.0f} s", flush=True)
    threading.Event().wait()  # a process that ends is one that failed


def make_personal(url: str, people: int) -> None:
    """Lets `people` listen, what learns from them follow, and them look at what came of it. Raises
    CalledProcessError and httpx.HTTPError."""
    told = arguments(url, people)
    _job("seed_accounts", given=json.dumps({"users": accounts(people)}))
    did = json.loads(_job("simulate_listeners", *told).splitlines()[-1])
    _wait_for(did["events"])
    _job("train_embeddings")
    _job("make_recommendations")
    _job("simulate_listeners", *told, "--home")


def _wait_for(events: int) -> None:
    """Waits until so many have come to the warehouse, from which the jobs learn; what is lacking
    after `SETTLING_S` is done without."""
    deadline = time.monotonic() + SETTLING_S
    while (stored := _stored()) < events and time.monotonic() < deadline:
        time.sleep(1)
    print(f"{stored} events of {events} are in the warehouse", flush=True)


def _stored() -> int:
    table = f"{PROJECT}.{topology.WAREHOUSE_DATASET}.{topology.PLAYBACK_EVENTS_TABLE.name}"
    answer = httpx.post(
        f"{os.environ['BIGQUERY_EMULATOR_HOST']}/bigquery/v2/projects/{PROJECT}/queries",
        json={"query": f"SELECT COUNT(*) FROM `{table}`", "useLegacySql": False},
        timeout=60,
    )
    return int(answer.raise_for_status().json()["rows"][0]["f"][0]["v"])


def accounts(people: int) -> list[dict[str, str]]:
    """Those whom `simulate_listeners` would make one by one on the sign-up page, which is slow on
    purpose."""
    names = [f"listener-{SEED}-{number:05d}" for number in range(people)]
    return [
        {
            "username": name,
            "password": PASSWORD,
            "email": f"{name}@listeners.example",
            "country": COUNTRIES[number % len(COUNTRIES)],
            "display_name": f"Listener {number}",
        }
        for number, name in enumerate(names)
    ]


def arguments(url: str, people: int) -> list[str]:
    """Of the job `simulate_listeners`."""
    told = {"url": url, "people": people, "days": DAYS, "seed": SEED, "password": PASSWORD,
            "concurrency": CONCURRENCY}  # fmt: skip
    return [part for name, value in told.items() for part in (f"--{name}", str(value))]


def _job(name: str, *arguments: str, given: str = "") -> str:
    """Runs a job to its end; what it printed. Raises CalledProcessError where it failed."""
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
    done.check_returncode()
    return done.stdout


if __name__ == "__main__":
    main()
