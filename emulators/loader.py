"""Catalogue files into the running cloud, by the job `load_catalogue`, with its progress shown."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from emulators.cloud import ROOT, LocalCloud
from emulators.google_emulators import MAX_KEPT_BYTES

FAULTY = 2  # the job's exit status for files with faults
_LAST_LINES = 60


class LoadingFailed(RuntimeError):
    """The catalogues were not loaded; the message says why, fault by fault."""


def load(cloud: LocalCloud, console: Console, files: Sequence[Path], owner: str) -> dict[str, str]:
    """Loads `files`, of those that Firestore's export holds only the plays. Returns the uploads of
    audio that ingestion works on now, each with the id of its track. Raises LoadingFailed."""
    held = cloud.snapshots.held()
    arguments = ["--owner", owner]
    for file in files:
        arguments += ["--replay", str(file)] if _digest(file) in held else [str(file)]
    result = _run(cloud, console, arguments)
    return {upload_id: track_id for track_id, upload_id in result["uploads"].items()}


def are_held(cloud: LocalCloud, files: Sequence[Path]) -> bool:
    """Whether Firestore's export holds all of `files`."""
    return {_digest(file) for file in files} <= cloud.snapshots.held()


def keep(cloud: LocalCloud, files: Sequence[Path]) -> None:
    """Keeps Firestore's contents for the next start, which need not load `files` again; unless
    they are so large that to load them again is quicker."""
    if sum(file.stat().st_size for file in files) <= MAX_KEPT_BYTES:
        cloud.keep({_digest(file) for file in files})


def speakers(files: Sequence[Path]) -> list[dict[str, str]]:
    """The virtual loudspeakers that the files' `device` lines name, with how their users sign
    in."""
    people: dict[str, dict[str, str]] = {}
    devices = []
    for file in files:
        with file.open("rb") as stream:
            for text in stream:
                if b'"device"' in text or b'"password"' in text:
                    line = json.loads(text)
                    if line["type"] == "device":
                        devices.append(line)
                    elif line["type"] == "user":
                        name = line.get("username", line["id"])
                        people[line["id"]] = {"username": name, "password": line["password"]}
    named = [{"name": line["name"]} if "name" in line else {} for line in devices]
    return [people[line["user"]] | name for line, name in zip(devices, named, strict=True)]


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _run(cloud: LocalCloud, console: Console, arguments: Sequence[str]) -> dict[str, Any]:
    running = subprocess.Popen(
        [sys.executable, "-m", "emulators.job_host", "load_catalogue", *arguments],
        env={**os.environ, **cloud.environment()},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    printed: list[str] = []
    reader = threading.Thread(target=lambda out: printed.append(out.read()), args=[running.stdout])
    reader.start()
    with running:
        last = _show(console, running.stderr)
        reader.join()
    if running.returncode != 0:
        said = "\n".join(last).strip()
        if running.returncode == FAULTY:
            raise LoadingFailed(f"The catalogue was not loaded:\n{said}")
        raise LoadingFailed(f"The job load_catalogue failed:\n{said}")
    result: dict[str, Any] = json.loads(printed[0].splitlines()[-1])
    return result


def _show(console: Console, errors: IO[str]) -> deque[str]:
    """Shows the job's counts as bars; returns the last lines that it said otherwise."""
    last: deque[str] = deque(maxlen=_LAST_LINES)
    bars: dict[str, TaskID] = {}
    columns = (TextColumn("Loading {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        for line in errors:
            what, _, count = line.strip().partition(" ")
            done, slash, total = count.partition("/")
            if not (slash and done.isdigit() and total.isdigit()):
                last.append(line.rstrip("\n"))
                continue
            if what not in bars:
                bars[what] = progress.add_task(what)
            progress.update(bars[what], completed=int(done), total=int(total))
    return last
