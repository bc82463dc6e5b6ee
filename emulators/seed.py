"""Fills a fresh local cloud: accounts, the demo catalogue, catalogues and music of the user's own,
and the search index of them.

Masters stay in their bucket, and Firestore starts from its last export. A second start writes of
the catalogues that are in the export only the listening history, which Bigtable has forgotten, asks
the job `redrive_masters` to drive on what was under way when the last one ended (or everything,
where there is no export; the renditions then come out of the Transcoder's cache), and uploads only
what the bucket lacks.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from emulators import demo as demo_music
from emulators import demo_catalogue, loader
from emulators import music as music_ingestion
from emulators import token as tokens
from emulators.cloud import PROJECT, ROOT, LocalCloud
from emulators.demo_catalogue import DEMO_PASSWORD, DEMO_USER, FREE_USER
from emulators.demo_world import PEOPLE
from shared import topology

DEMO_QUERY = "a"
WEB_PLAYER_CLIENT = "segue-web-player"
DEMO_CLIENT = "segue-demo-app"
DEMO_CLIENT_SECRET = "segue-demo-app-secret-of-this-machine"
SCOPES = (  # all that there are; tests hold them to the product's own list
    "app-remote-control",
    "playlist-modify-private",
    "playlist-modify-public",
    "playlist-read-collaborative",
    "playlist-read-private",
    "streaming",
    "ugc-image-upload",
    "ugc-track-upload",
    "user-follow-modify",
    "user-follow-read",
    "user-library-modify",
    "user-library-read",
    "user-modify-playback-state",
    "user-personalized",
    "user-read-currently-playing",
    "user-read-email",
    "user-read-playback-position",
    "user-read-playback-state",
    "user-read-private",
    "user-read-recently-played",
    "user-top-read",
)
REDRIVE_TIMEOUT_S = 600.0
JOB_TIMEOUT_S = 300.0
INDEX_TIMEOUT_S = 3600.0  # of a catalogue of a million tracks
INDEX_POINTER = "search/current.json"  # in the bucket of the models
_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
TOKEN_LIFE_S = 3000.0  # renewed before its hour is over


class SeedingFailed(RuntimeError):
    """The cloud is up but could not be filled; the message says what failed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What filling came to."""

    failed: int  # the user's own files that did not get into the catalogue


def demo_password(username: str) -> str | None:
    """Password of a user of the demo catalogue, None for others."""
    known = {DEMO_USER, FREE_USER, *(person.id for person in PEOPLE)}
    return DEMO_PASSWORD if username in known else None


def ready_message(cloud: LocalCloud) -> dict[str, Any]:
    """What `--json` prints under `ready`, and `run.json` holds."""
    return {
        "url": cloud.url,
        "accounts_url": cloud.accounts_url,
        "demo_user": {"username": DEMO_USER, "password": DEMO_PASSWORD},
        "client": {"id": DEMO_CLIENT, "secret": DEMO_CLIENT_SECRET},
        "emulators": cloud.emulators(),
    }


def fill(
    cloud: LocalCloud,
    console: Console,
    *,
    demo: bool,
    music: Sequence[Path],
    catalogues: Sequence[Path] = (),
) -> Summary:
    """Accounts and catalogues, then the masters that are there already, then the user's music.
    Raises SeedingFailed."""
    try:
        own = [*([_demo(cloud, console)] if demo else []), *catalogues]
        files = [_accounts(cloud, demo), *own]
        is_indexed = loader.are_held(cloud, own) and _has_index(cloud)
        loaded = loader.load(cloud, console, files, DEMO_USER)
        _finish_masters(cloud, console, loaded)
        if not is_indexed:
            with console.status("Building the search index …"):
                _run_job(cloud, "build_search_index", "--force", timeout_s=INDEX_TIMEOUT_S)
        summary = _music(cloud, console, _TokenSource(cloud), music)
        loader.keep(cloud, files)
        if devices := loader.speakers(files):
            cloud.start_speakers(WEB_PLAYER_CLIENT, devices)
    except loader.LoadingFailed as error:
        raise SeedingFailed(str(error)) from error
    except (httpx.HTTPError, subprocess.TimeoutExpired) as error:
        raise SeedingFailed(
            f"{type(error).__name__}: {error}; see the logs in {cloud.state / 'logs'}"
        ) from error
    return summary


def _accounts(cloud: LocalCloud, demo: bool) -> Path:
    """The catalogue file of the local cloud's own apps, and without the demo catalogue of the two
    demo users."""
    loopback = "http://127.0.0.1/callback"  # any port, RFC 8252
    web = [f"{cloud.url}/callback", f"http://localhost:{cloud.ports.gateway}/callback"]
    lines: list[dict[str, Any]] = [
        {
            "type": "client",
            "client_id": WEB_PLAYER_CLIENT,
            "name": "Segue web player",
            "redirect_uris": web,
            "scopes": list(SCOPES),
            "first_party": True,
        },
        {
            "type": "client",
            "client_id": DEMO_CLIENT,
            "name": "Demo app",
            "redirect_uris": [loopback],
            "secret": DEMO_CLIENT_SECRET,
            "scopes": list(SCOPES),
            "first_party": True,
        },
    ]
    if not demo:
        lines += [
            {
                "type": "user",
                "id": person.id,
                "password": DEMO_PASSWORD,
                "country": person.country,
                "tier": person.tier,
                "display_name": person.display_name,
            }
            for person in PEOPLE
            if person.id in (DEMO_USER, FREE_USER)
        ]
    path = cloud.state / "run" / "accounts.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _demo(cloud: LocalCloud, console: Console) -> Path:
    """The demo catalogue's file, with the masters beside it."""
    with Progress(*_COLUMNS, console=console, transient=True) as progress:
        bar = progress.add_task("Composing the demo catalogue", total=None)
        demo_music.make(
            cloud.state, lambda done, total, _: progress.update(bar, completed=done, total=total)
        )
        return demo_catalogue.write(cloud.state)


def _has_index(cloud: LocalCloud) -> bool:
    """Whether there is a search index; it outlives the cloud, with its bucket."""
    name = INDEX_POINTER.replace("/", "%2F")
    url = f"http://127.0.0.1:{cloud.ports.storage}/storage/v1/b/{PROJECT}-models/o/{name}"
    return httpx.get(url, timeout=60).status_code == 200


def _run_job(
    cloud: LocalCloud, name: str, *arguments: str, timeout_s: float = JOB_TIMEOUT_S
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emulators.job_host", name, *arguments],
        env={**os.environ, **cloud.environment()},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
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


def _finish_masters(cloud: LocalCloud, console: Console, loaded: dict[str, str]) -> None:
    """Waits until every master in the bucket has its end; those that were there before this start
    are driven on. `loaded` are the catalogues' uploads, with what each is called."""
    held = [name.split("/")[1] for name, _ in _masters(cloud)]
    if not held:
        return
    ended: dict[str, dict[str, str]] = {}
    waiting = set(held)

    def look() -> None:
        states = _uploads(cloud, waiting)
        done = {one: u for one, u in states.items() if u["state"] in music_ingestion.ENDS}
        ended.update(done)
        waiting.difference_update(done)

    look()
    if waiting - loaded.keys():
        _run_job(cloud, "redrive_masters", "--all-unfinished")
    total = len(waiting)
    deadline = time.monotonic() + REDRIVE_TIMEOUT_S
    with Progress(*_COLUMNS, console=console, transient=True) as progress:
        bar = progress.add_task("Ingesting the catalogue's audio", total=total)
        while waiting:
            if time.monotonic() > deadline:
                raise SeedingFailed(
                    f"{len(waiting)} masters are not through after {REDRIVE_TIMEOUT_S:.0f} s; "
                    f"see {cloud.state / 'logs' / 'functions.log'}"
                )
            time.sleep(0.2)
            look()
            progress.update(bar, completed=total - len(waiting))
    _check_published(ended, loaded)


def _uploads(cloud: LocalCloud, upload_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """State, reason and filename of those of the uploads that Firestore has: asked there, since
    the API would count the requests against the demo user's limit."""
    root = f"projects/{PROJECT}/databases/(default)/documents"
    url = f"http://{cloud.emulators()['firestore']}/v1/{root}:batchGet"
    asked = {
        "documents": [f"{root}/{topology.UPLOADS.name}/{one}" for one in upload_ids],
        "mask": {"fieldPaths": ["state", "reason", "filename"]},
    }
    headers = {"Authorization": "Bearer owner"}  # the emulator's word for past its rules
    answers = httpx.post(url, json=asked, headers=headers, timeout=60).raise_for_status().json()
    return {
        found["name"].rpartition("/")[2]: {
            name: value.get("stringValue", "") for name, value in found["fields"].items()
        }
        for answer in answers
        if (found := answer.get("found")) is not None
    }


def _check_published(ended: dict[str, dict[str, str]], loaded: dict[str, str]) -> None:
    lost = [
        f"  {name} ({ended[upload_id]['filename']}): {ended[upload_id]['reason']}"
        for upload_id, name in loaded.items()
        if upload_id in ended and ended[upload_id]["state"] != "published"
    ]
    if lost:
        raise SeedingFailed("Audio of the catalogue could not be ingested:\n" + "\n".join(lost))


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
