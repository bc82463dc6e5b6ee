"""Puts a folder of music into a running Segue through its public API, as any label would.

`python -m emulators.music DIR --url http://127.0.0.1:8080` with a token of the scope
`ugc-track-upload` in `SEGUE_TOKEN`. The server reads the tags; a sidecar `<file>.json` next to a
file states what tags cannot say (`{"territories": ["DE"]}`). Exit status: 0 all published or known
already, 1 some rejected or failed, 2 nothing to do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import httpx
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

EXTENSIONS = frozenset({".wav", ".wave", ".flac", ".mp3", ".m4a", ".mp4", ".ogg", ".oga"})
STAGES = ("uploading", "validating", "transcoding", "publishing")
ENDS = frozenset({"published", "duplicate", "rejected", "failed"})
IN_FLIGHT = 8  # uploads that are on their way at once
SENDING = 3  # of them, those that send bytes
CHUNK_BYTES = 8 * 2**20  # a multiple of 256 KiB, as resumable uploads want
ATTEMPTS = 6
POLL_S = 1.0  # the API takes a hundred requests in half a minute
STALLED_S = 900.0

TokenProvider = Callable[[], Awaitable[str]]


class Refused(Exception):
    """The API refused the file; the text is its message."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: `state` is one of the ends, or "skipped"."""

    path: Path
    state: str
    reason: str | None = None
    track_id: str | None = None
    upload_id: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of all files, in the order given."""

    outcomes: tuple[Outcome, ...] = field(default=())

    def of(self, *states: str) -> list[Outcome]:
        """Those that ended in one of `states`."""
        return [outcome for outcome in self.outcomes if outcome.state in states]

    @property
    def exit_code(self) -> int:
        """0 all in the catalogue, 1 some are not, 2 there was nothing to ingest."""
        if not self.of(*ENDS):
            return 2
        return 1 if self.of("rejected", "failed") else 0


class View(Protocol):
    """Sees files move on."""

    def start(self, total: int) -> None:
        """`total` files are about to go."""

    def reached(self, path: Path, stage: str) -> None:
        """`path` has entered `stage`, one of STAGES or ENDS."""


def find(folder: Path) -> tuple[list[Path], list[Outcome]]:
    """Music below `folder` in order of name, and what is there but cannot be read."""
    files = sorted(
        path for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.parts)
    )  # fmt: skip
    music = [path for path in files if path.suffix.lower() in EXTENSIONS]
    audio_like = {".aiff", ".aif", ".wma", ".ape", ".opus", ".aac", ".wv", ".dsf", ".mka"}
    skipped = [
        Outcome(path, "skipped", f"{path.suffix} files are not supported")
        for path in files
        if path.suffix.lower() in audio_like
    ]
    return music, skipped


async def ingest(
    paths: Sequence[Path], url: str, token_provider: TokenProvider, progress: View | None = None
) -> Summary:
    """Uploads `paths` to the API at `url` and waits until each has its end.

    One file's failure does not stop the others. `token_provider` is asked before each request.
    """
    if progress:
        progress.start(len(paths))
    in_flight, sending = asyncio.Semaphore(IN_FLIGHT), asyncio.Semaphore(SENDING)
    limits = httpx.Limits(max_connections=IN_FLIGHT * 2)
    async with httpx.AsyncClient(timeout=60, limits=limits, trust_env=False) as http:
        api = _Api(http, url.rstrip("/"), token_provider)

        async def one(path: Path) -> Outcome:
            async with in_flight:
                outcome = await _ingest_one(api, path, sending, progress)
            if progress:
                progress.reached(path, outcome.state)
            return outcome

        return Summary(tuple(await asyncio.gather(*(one(path) for path in paths))))


async def _ingest_one(
    api: _Api, path: Path, sending: asyncio.Semaphore, view: View | None
) -> Outcome:
    upload_id = None
    try:
        async with sending:
            if view:
                view.reached(path, "uploading")
            ticket = await api.start(path)
            upload_id = str(ticket["upload_id"])
            await api.send(path, ticket)
        return await _wait(api, path, upload_id, view)
    except Refused as refusal:
        return Outcome(path, "rejected", str(refusal), upload_id=upload_id)
    except (httpx.HTTPError, OSError, ValueError) as error:
        return Outcome(path, "failed", f"{type(error).__name__}: {error}", upload_id=upload_id)


async def _wait(api: _Api, path: Path, upload_id: str, view: View | None) -> Outcome:
    loop = asyncio.get_running_loop()
    last, moved_at, pause_s = None, loop.time(), POLL_S
    while loop.time() - moved_at < STALLED_S:
        status = await api.status(upload_id)
        state = str(status["state"])
        if state in ENDS:
            return Outcome(path, state, status["reason"], status["track_id"], upload_id)
        if (state, status["progress_percent"]) != last:
            last, moved_at, pause_s = (state, status["progress_percent"]), loop.time(), POLL_S
            if view and state in STAGES:
                view.reached(path, state)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.2, 4.0)
    return Outcome(
        path, "failed", f"no progress in {STALLED_S / 60:.0f} minutes", upload_id=upload_id
    )


class _Api:
    """The three calls that an upload needs, each repeated where that can help."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: TokenProvider) -> None:
        self._http, self._url, self._token = http, url, token

    async def start(self, path: Path) -> dict[str, Any]:
        return await self._call("POST", "/v1/uploads", json=_announcement(path))

    async def status(self, upload_id: str) -> dict[str, Any]:
        return await self._call("GET", f"/v1/uploads/{upload_id}")

    async def send(self, path: Path, ticket: dict[str, Any]) -> None:
        """Opens the resumable session and sends the bytes; goes on where a connection broke."""
        started = await self._http.request(
            ticket["method"], ticket["upload_url"], headers=ticket["headers"]
        )
        if started.status_code not in (200, 201):
            raise Refused(f"storage refused the upload: {started.status_code} {started.text[:200]}")
        session, size = started.headers["location"], _announcement(path)["size_bytes"]
        sent, faults = 0, 0
        with path.open("rb") as file:
            while True:
                try:
                    file.seek(sent)
                    chunk = file.read(CHUNK_BYTES)
                    last = sent + len(chunk) - 1
                    answer = await self._http.put(
                        session,
                        content=chunk,
                        headers={"content-range": f"bytes {sent}-{last}/{size}"},
                    )
                    answer = _retriable(answer)
                except httpx.HTTPError:
                    faults += 1
                    if faults == ATTEMPTS:
                        raise
                    await asyncio.sleep(0.2 * 2**faults)
                    answer = await self._http.put(
                        session, headers={"content-range": f"bytes */{size}"}
                    )
                if answer.status_code in (200, 201):
                    return
                if answer.status_code != 308:
                    raise Refused(f"storage refused it: {answer.status_code} {answer.text[:200]}")
                held = answer.headers.get("range")  # "bytes=0-1048575", absent for none
                sent = int(held.rpartition("-")[2]) + 1 if held else 0

    async def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        attempt = 0
        while True:
            headers = {"authorization": f"Bearer {await self._token()}"}
            try:
                answer = await self._http.request(
                    method, self._url + path, headers=headers, **arguments
                )
                if answer.status_code == 429:
                    await asyncio.sleep(float(answer.headers.get("retry-after", "1")))
                    continue
                answer = _retriable(answer)
            except httpx.HTTPError:
                attempt += 1
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(0.1 * 2**attempt)
                continue
            if answer.is_error:
                raise Refused(_message(answer))
            body: dict[str, Any] = answer.json()
            return body


def _announcement(path: Path) -> dict[str, Any]:
    """Body of `POST /v1/uploads` for a file, with what its sidecar states."""
    body: dict[str, Any] = {"filename": path.name, "size_bytes": path.stat().st_size}
    sidecar = path.with_name(path.name + ".json")
    if sidecar.exists():
        body["metadata"] = json.loads(sidecar.read_text())
    return body


def _retriable(answer: httpx.Response) -> httpx.Response:
    """The answer, unless it is one that the next attempt may better."""
    if answer.status_code >= 500:
        answer.raise_for_status()
    return answer


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.text[:200]}"


class Bars:
    """A progress bar for each stage: how many files have passed it."""

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description:>12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console or Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}
        self._passed: dict[Path, int] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def start(self, total: int) -> None:
        """Shows empty bars for `total` files."""
        for stage in STAGES:
            self._tasks[stage] = self._progress.add_task(stage, total=total)

    def reached(self, path: Path, stage: str) -> None:
        """Advances the bars of the stages that `path` has left behind."""
        now = STAGES.index(stage) if stage in STAGES else len(STAGES)
        before = self._passed.get(path, 0)
        for passed in STAGES[before:now]:
            self._progress.advance(self._tasks[passed])
        self._passed[path] = max(before, now)


def print_summary(outcomes: Iterable[Outcome], console: Console) -> None:
    """How many were published, and each other file with its reason."""
    outcomes = list(outcomes)
    counts = {
        state: sum(o.state == state for o in outcomes) for state in (*sorted(ENDS), "skipped")
    }
    parts = [f"{counts['published']} published"]
    parts += [f"{n} {state}" for state, n in counts.items() if n and state != "published"]
    console.print("Music: " + ", ".join(parts))
    others = [outcome for outcome in outcomes if outcome.state != "published"]
    if others:
        table = Table("file", "outcome", "reason", show_edge=False)
        for outcome in others:
            table.add_row(outcome.path.name, outcome.state, outcome.reason or "")
        console.print(table)


def main() -> int:
    """Ingests a folder; returns the exit status."""
    parser = argparse.ArgumentParser(prog="emulators.music", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="base URL of the API")
    options = parser.parse_args()
    token, console = os.environ.get("SEGUE_TOKEN"), Console(stderr=True)
    if not token or not options.folder.is_dir():
        console.print("SEGUE_TOKEN is not set" if not token else f"no folder {options.folder}")
        return 2
    music, skipped = find(options.folder)

    async def given_token() -> str:
        return token

    with Bars(console) as bars:
        summary = asyncio.run(ingest(music, options.url, given_token, bars))
    print_summary([*summary.outcomes, *skipped], console)
    return summary.exit_code


if __name__ == "__main__":
    sys.exit(main())
