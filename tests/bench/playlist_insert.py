"""Inserting one item at a random place of a playlist of 10,000 items, against one of 10."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import httpx

from emulators.cloud import LocalCloud
from tests.bench import local
from tests.bench.load import load
from tests.bench.manifest_throughput import _serve
from tests.bench.report import Report, median, percentile

SMALL, LARGE = 10, 10_000
ROUNDS = 250
WARM_UP = 20
A_REQUEST = 100


def run(cloud: LocalCloud) -> None:
    """One client, one insert at a time, the two playlists in turn; what was inserted is removed
    again, unmeasured, so the sizes stay."""
    # The limit of 25 changes in 30 s is measured elsewhere.
    environment = {**os.environ, **cloud.environment(), "SEGUE_RATE_LIMIT_SCALE": "0"}
    scopes = "playlist-modify-private playlist-read-private"
    headers = {"Authorization": f"Bearer {local.access_token(cloud, scopes)}"}
    uri = f"spotify:track:{local.any_track(cloud)}"
    hello, hello_port = _serve("hello", Path(__file__).with_name("hello.py"), environment)
    source = Path("functions/playlists/main.py").resolve()
    function, port = _serve("playlists", source, environment)
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30, trust_env=False
        ) as client:
            taken = _measure(client, uri)
        peer = load(hello_port, "/", {}, seconds=2, connections=1)
    finally:
        for process in (hello, function):
            process.kill()
            process.wait()
    report = Report("playlist_insert", f"one client, {ROUNDS} inserts into each, in turn")
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        small, large = (percentile(taken[size], share) * 1000 for size in (SMALL, LARGE))
        report.add(f"{name} at {LARGE:,} items over {SMALL}", large / small, "×", "≤ 1.5")
        report.add(f"{name} at {SMALL} items", small, "ms")
        report.add(f"{name} at {LARGE:,} items", large, "ms")
    report.add("hello world p50", median(peer.latencies) * 1000, "ms")
    report.show()


def _measure(client: httpx.Client, uri: str) -> dict[int, list[float]]:
    playlists = {size: _playlist(client, uri, size) for size in (SMALL, LARGE)}
    taken: dict[int, list[float]] = {SMALL: [], LARGE: []}
    places = random.Random(1)
    for number in range(WARM_UP + ROUNDS):
        for size, path in playlists.items():
            place = places.randint(0, size - 1)
            started = time.perf_counter()
            answer = client.post(path, json={"uris": [uri], "position": place})
            took = time.perf_counter() - started
            snapshot = answer.raise_for_status().json()["snapshot_id"]
            if number >= WARM_UP:
                taken[size].append(took)
            back = {"positions": [place], "snapshot_id": snapshot}
            client.request("DELETE", path, json=back).raise_for_status()
    return taken


def _playlist(client: httpx.Client, uri: str, size: int) -> str:
    fields = {"name": f"{size} items", "public": False}
    made = client.post("/v1/me/playlists", json=fields).raise_for_status().json()
    path = f"/v1/playlists/{made['id']}/items"
    # Full but for one, so that an insert finds room.
    for start in range(0, size - 1, A_REQUEST):
        some = [uri] * min(A_REQUEST, size - 1 - start)
        client.post(path, json={"uris": some}).raise_for_status()
    return path
