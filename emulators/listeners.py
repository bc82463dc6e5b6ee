"""Listeners for the local cloud, in the background, so that its recommendations have something to
go by: makes accounts, runs the job `simulate_listeners` for them, and then what learns from it.

    python -m emulators.listeners < wanted.json       {"url": "http://127.0.0.1:8080", "people": 30}

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

from emulators import processes

DAYS = 14
SEED = 1
PASSWORD = "listeners-of-this-machine"
COUNTRIES = ("US", "DE", "GB", "FR", "BR", "SE", "ES", "JP", "CA", "NL")
CONCURRENCY = 2
SETTLING_S = 10.0  # events are on their way for so long, from what took them to the warehouse
NICENESS = 10  # whoever uses the cloud meanwhile goes first


def main() -> None:
    """Reads what is wanted, does it, and waits to be ended."""
    processes.die_with_parent(signal.SIGTERM)
    os.nice(NICENESS)
    wanted = json.load(sys.stdin)
    started = time.monotonic()
    told = arguments(wanted["url"], wanted["people"])
    given = json.dumps({"users": accounts(wanted["people"])})
    if (
        _job("seed_accounts", given=given)
        and _job("simulate_listeners", *told)
        and _settle()
        and _job("train_embeddings")
        and _job("make_recommendations", "--force")
        and _job("simulate_listeners", *told, "--home")
    ):
        seconds = time.monotonic() - started
        print(f"recommendations are personal now, after {seconds:.0f} s", flush=True)
    threading.Event().wait()  # a process that ends is one that failed


def _settle() -> bool:
    time.sleep(SETTLING_S)
    return True


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


def _job(name: str, *arguments: str, given: str = "") -> bool:
    """Runs a job to its end; whether it did what it should."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "emulators.job_host", name, *arguments],
        input=given,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    print(f"{name}: exit status {done.returncode} after {seconds:.0f} s", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
