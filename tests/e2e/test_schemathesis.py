"""Schemathesis over our document: all checks, all phases, nothing skipped for want of data or of a
token. `schemathesis.toml` says how it runs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from emulators import loader, seed
from emulators.demo_catalogue import IDS
from tests import contract
from tests.sample import connect_device, playback_session
from tests.whole_cloud import WholeCloud, eventually

CONFIG = Path(__file__).with_name("schemathesis.toml")
USER = "fuzzer"  # whose library and playlists may come to look like anything
DEVICE = "fuzzers-device"
TIMEOUT_S = 280
FIRST = frozenset({"Playlists", "Library", "Users", "Uploads"})  # about half of the requests


@pytest.fixture(scope="module")
def api(whole_cloud: WholeCloud, tmp_path_factory: pytest.TempPathFactory) -> httpx.Client:
    """Somebody new with Premium, signed in."""
    person = {
        "type": "user",
        "id": USER,
        "password": seed.DEMO_PASSWORD,
        "country": "DE",
        "tier": "premium",
        "display_name": "Fuzzer",
    }
    file = tmp_path_factory.mktemp("fuzzer") / "fuzzer.jsonl"
    file.write_text(json.dumps(person) + "\n")
    loader.load(whole_cloud.cloud, Console(file=io.StringIO()), [file], seed.DEMO_USER)
    made = whole_cloud.client(USER)
    # A radio wants a bundle; instances look for a newer one every half a minute.
    whole_cloud.cloud.run_job("refresh_embeddings")
    radio = {"seed": f"spotify:track:{IDS.tracks['Moorings']}"}
    eventually(lambda: made.get("/v1/me/radio", params=radio).is_success, seconds=90)
    return made


def _document(api: httpx.Client) -> dict[str, Any]:
    """The served document, with ids of the user's own things as examples: the demo catalogue's
    are the demo listener's, whose they shall stay."""

    def made(path: str, body: dict[str, Any], key: str) -> str:
        return str(api.post(path, json=body).raise_for_status().json()[key])

    connect_device(api, DEVICE)
    uris = [f"spotify:track:{track}" for track in list(IDS.tracks.values())[:5]]
    playlist = made("/v1/me/playlists", {"name": "Fuzzed", "public": True}, "id")
    api.post(f"/v1/playlists/{playlist}/items", json={"uris": uris}).raise_for_status()
    play = {"uris": uris, "offset": {"position": 2}}
    api.put("/v1/me/player/play", params={"device_id": DEVICE}, json=play).raise_for_status()
    api.put("/v1/me/player/repeat", params={"state": "context"}).raise_for_status()
    session, kid = playback_session(api, IDS.tracks["Moorings"])
    upload = {"filename": "never-sent.flac", "size_bytes": 1_000_000}
    examples = {
        "playlist_id": playlist,
        "user_id": USER,
        "device_id": DEVICE,
        "session": session,
        "share_id": made("/v1/shares", {"uri": uris[0]}, "id"),
        "upload_id": made("/v1/uploads", upload, "upload_id"),
    }
    document: dict[str, Any] = api.get("/openapi.json").raise_for_status().json()
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in examples:
                    parameter["example"] = examples[parameter["name"]]
    licence = document["paths"]["/v1/playback/license"]["post"]["requestBody"]["content"]
    licence["application/json"]["example"] = {"kids": [kid], "type": "temporary"}
    return document


def _half(document: dict[str, Any], tags: frozenset[str]) -> dict[str, Any]:
    """The part of the document with the operations of these tags."""
    paths = {
        path: kept
        for path, operations in document["paths"].items()
        if (kept := {name: one for name, one in operations.items() if tags & set(one["tags"])})
    }
    return {**document, "paths": paths}


def _run(document: dict[str, Any], folder: Path, cloud: WholeCloud) -> dict[str, Any]:
    """Schemathesis's report on `document`; fails with what it said."""
    folder.mkdir()
    file, report = folder / "openapi.json", folder / "report.json"
    file.write_text(json.dumps(document))
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG)]
    command += ["run", str(file), "--url", cloud.url, "--checks", "all"]
    done = subprocess.run(
        [*command, "--report-json-path", str(report)],
        env={**os.environ, "SEGUE_TOKEN": cloud.token(USER)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    said = done.stdout.partition("= FAILURES =")[2] or done.stdout
    assert done.returncode == 0, f"{said[:20_000]}\n{done.stderr[-2000:]}"
    found: dict[str, Any] = json.loads(report.read_text())
    assert found["complete"]
    assert found["failures"] == found["errors"] == []
    return found


def test_no_check_fails_on_any_operation(
    whole_cloud: WholeCloud, api: httpx.Client, tmp_path: Path
) -> None:
    document = _document(api)
    tags = frozenset(tag["name"] for tag in document["tags"])
    whole_cloud.token(USER)  # before two want one
    with (
        api.stream("GET", "/v1/me/player/events", params={"device_id": DEVICE}),  # it stays on
        ThreadPoolExecutor(2) as pool,
    ):
        running = [
            pool.submit(_run, _half(document, half), tmp_path / name, whole_cloud)
            for name, half in (("first", FIRST), ("second", tags - FIRST))
        ]
        tested = sum(one.result()["operations"]["tested"] for one in running)
    assert tested == len(contract.own().operations)
