"""Fills a fresh local cloud: accounts, the demo catalogue, and music of the user's own.

Masters stay in their bucket, and Firestore starts from its last export. A second start asks the
job `redrive_masters` to drive on what was under way when the last one ended (or everything, where
there is no export; the renditions then come out of the Transcoder's cache), and uploads only what
the bucket lacks.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from emulators import demo as demo_catalogue
from emulators import music as music_ingestion
from emulators import token as tokens
from emulators.cloud import PROJECT, ROOT, LocalCloud

DEMO_USER = "demo"
DEMO_PASSWORD = "segue-demo"
FREE_USER = "demo-free"
DEMO_QUERY = "a"
WEB_PLAYER_CLIENT = "segue-web-player"
DEMO_CLIENT = "segue-demo-app"
DEMO_CLIENT_SECRET = "segue-demo-app-secret-of-this-machine"
SCOPES = (
    "streaming",
    "user-read-recently-played",
    "user-read-email",
    "user-read-private",
    "ugc-track-upload",
)
REDRIVE_TIMEOUT_S = 600.0
_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
TOKEN_LIFE_S = 3000.0  # renewed before its hour is over


class SeedingFailed(RuntimeError):
    """The cloud is up but could not be filled; the message says what failed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What filling came to."""

    failed: int  # the user's own files that did not get into the catalogue


def demo_password(username: str) -> str | None:
    """Password of a demo user, None for others."""
    return DEMO_PASSWORD if username in (DEMO_USER, FREE_USER) else None


def ready_message(cloud: LocalCloud) -> dict[str, Any]:
    """What `--json` prints under `ready`, and `run.json` holds."""
    return {
        "url": cloud.url,
        "accounts_url": cloud.accounts_url,
        "demo_user": {"username": DEMO_USER, "password": DEMO_PASSWORD},
        "client": {"id": DEMO_CLIENT, "secret": DEMO_CLIENT_SECRET},
        "emulators": cloud.emulators(),
    }


def fill(cloud: LocalCloud, console: Console, *, demo: bool, music: Sequence[Path]) -> Summary:
    """Accounts, then the masters that are there already, then what is not. Raises
    SeedingFailed."""
    try:
        _seed_accounts(cloud)
        token = _TokenSource(cloud)
        held = _masters(cloud)
        if held:
            _redrive(cloud, console, token, [name.split("/")[1] for name, _ in held])
        if demo:
            _demo(cloud, console, token, held)
        summary = _music(cloud, console, token, music)
        cloud.keep()
    except (httpx.HTTPError, subprocess.TimeoutExpired) as error:
        raise SeedingFailed(
            f"{type(error).__name__}: {error}; see the logs in {cloud.state / 'logs'}"
        ) from error
    return summary


def _seed_accounts(cloud: LocalCloud) -> None:
    loopback = "http://127.0.0.1/callback"  # any port, RFC 8252
    web = [f"{cloud.url}/callback", f"http://localhost:{cloud.ports.gateway}/callback"]
    users = [
        {
            "username": name,
            "password": DEMO_PASSWORD,
            "email": f"{name}@segue.example",
            "country": "DE",
            "tier": tier,
            "display_name": title,
        }
        for name, tier, title in (
            (DEMO_USER, "premium", "Demo Listener"),
            (FREE_USER, "free", "Free Listener"),
        )
    ]
    clients = [
        {
            "client_id": WEB_PLAYER_CLIENT,
            "name": "Segue web player",
            "redirect_uris": web,
            "secret": None,
            "scopes": list(SCOPES),
        },
        {
            "client_id": DEMO_CLIENT,
            "name": "Demo app",
            "redirect_uris": [loopback],
            "secret": DEMO_CLIENT_SECRET,
            "scopes": list(SCOPES),
        },
    ]
    _run_job(cloud, "seed_accounts", text=json.dumps({"users": users, "clients": clients}))


def _run_job(cloud: LocalCloud, name: str, *arguments: str, text: str = "") -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emulators.job_host", name, *arguments],
        input=text,
        env={**os.environ, **cloud.environment()},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        raise SeedingFailed(f"The job {name} failed:\n{done.stderr.strip()[-1500:]}")


class _TokenSource:
    """An access token of the demo user, minted when first needed and again before it expires."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._token = ""
        self._until = 0.0

    def get(self) -> str:
        if time.monotonic() >= self._until:
            try:
                answer = tokens.mint(
                    accounts_url=self._cloud.accounts_url,
                    username=DEMO_USER,
                    password=DEMO_PASSWORD,
                    client_id=WEB_PLAYER_CLIENT,
                    redirect_uri=f"{self._cloud.url}/callback",
                    scope="ugc-track-upload",
                )
            except tokens.SignInError as error:
                raise SeedingFailed(f"The demo user cannot sign in: {error}") from None
            self._token = str(answer["access_token"])
            self._until = time.monotonic() + TOKEN_LIFE_S
        return self._token

    async def get_async(self) -> str:
        return await asyncio.to_thread(self.get)


def _masters(cloud: LocalCloud) -> list[tuple[str, int]]:
    """Name and size of every object in the masters bucket."""
    url = f"http://127.0.0.1:{cloud.ports.storage}/storage/v1/b/{PROJECT}-masters/o"
    found: list[tuple[str, int]] = []
    page: dict[str, str] = {}
    while True:
        body = httpx.get(url, params=page, timeout=60).raise_for_status().json()
        found += [(item["name"], int(item["size"])) for item in body.get("items", [])]
        if "nextPageToken" not in body:
            return [(name, size) for name, size in found if name.count("/") == 2]
        page = {"pageToken": body["nextPageToken"]}


def _redrive(
    cloud: LocalCloud, console: Console, token: _TokenSource, upload_ids: list[str]
) -> None:
    with httpx.Client(base_url=cloud.url, timeout=60) as client:

        def unfinished(ids: set[str]) -> set[str]:
            headers = {"Authorization": f"Bearer {token.get()}"}
            answers = {one: client.get(f"/v1/uploads/{one}", headers=headers) for one in ids}
            return {
                one
                for one, answer in answers.items()
                if answer.status_code != 200 or answer.json()["state"] not in music_ingestion.ENDS
            }

        waiting = unfinished(set(upload_ids))
        if not waiting:
            return
        _run_job(cloud, "redrive_masters", "--all-unfinished")
        total = len(waiting)
        deadline = time.monotonic() + REDRIVE_TIMEOUT_S
        with Progress(*_COLUMNS, console=console, transient=True) as progress:
            bar = progress.add_task("Catalogue from the masters", total=total)
            while waiting:
                if time.monotonic() > deadline:
                    raise SeedingFailed(
                        f"{len(waiting)} masters are not through after {REDRIVE_TIMEOUT_S:.0f} s; "
                        f"see {cloud.state / 'logs' / 'functions.log'}"
                    )
                waiting = unfinished(waiting)
                progress.update(bar, completed=total - len(waiting))
                time.sleep(0.2)


def _demo(
    cloud: LocalCloud, console: Console, token: _TokenSource, held: list[tuple[str, int]]
) -> None:
    with Progress(*_COLUMNS, console=console, transient=True) as progress:
        bar = progress.add_task("Composing the demo catalogue", total=None)
        paths = demo_catalogue.make(
            cloud.state, lambda done, total, _: progress.update(bar, completed=done, total=total)
        )
    there = {(name.rpartition("/")[2], size) for name, size in held}
    missing = [path for path in paths if (path.name, path.stat().st_size) not in there]
    if not missing:
        return
    console.print(f"Ingesting {len(missing)} tracks of the demo catalogue")
    summary = _ingest(cloud, console, token, missing)
    lost = summary.of("rejected", "failed")
    if lost:
        reasons = "\n".join(f"  {o.path.name}: {o.state}: {o.reason}" for o in lost)
        raise SeedingFailed(f"The demo catalogue could not be ingested:\n{reasons}")


def _music(
    cloud: LocalCloud, console: Console, token: _TokenSource, folders: Sequence[Path]
) -> Summary:
    found: list[Path] = []
    skipped: list[music_ingestion.Outcome] = []
    for folder in folders:
        files, passed_over = music_ingestion.find(folder)
        found += files
        skipped += passed_over
    if not folders:
        return Summary(0)
    if not found:
        console.print(f"No music below {', '.join(map(str, folders))}")
    summary = _ingest(cloud, console, token, found)
    music_ingestion.print_summary([*summary.outcomes, *skipped], console)
    return Summary(len(summary.of("rejected", "failed")))


def _ingest(
    cloud: LocalCloud, console: Console, token: _TokenSource, paths: Sequence[Path]
) -> music_ingestion.Summary:
    with music_ingestion.Bars(console) as bars:
        return asyncio.run(music_ingestion.ingest(paths, cloud.url, token.get_async, bars))
