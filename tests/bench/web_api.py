"""What apps ask most: a track, the saved tracks, saving; each over an async hello world's rate.

Each function runs in one process, as an instance of it would, and takes turns with the hello world
so that both see the same machine. `PUT` saves a track that was not saved before, so each request is
a commit. Rate limits are off, but for one line that shows what they cost: there the requests come
from so many people that nobody exceeds theirs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from emulators.cloud import LocalCloud
from tests.bench import local
from tests.bench.load import Load, load, load_each, request
from tests.bench.manifest_throughput import _serve
from tests.bench.report import Report, median, percentile

ROUNDS = 3
SECONDS = 4.0
CONNECTIONS = 32  # of the 80 that the topology lets an instance have
PAGE = 50
PEOPLE = 300  # each may ask 100 times in 30 s
SCOPES = "user-library-read user-library-modify"


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the functions run, and what signs in there."""

    environment: dict[str, str]
    signing_key: str  # private JWK, JSON
    issuer: str
    track_ids: Sequence[str]

    def headers(self, user_id: str) -> dict[str, str]:
        """The headers of a request of `user_id`."""
        key = ECKey.import_key(json.loads(self.signing_key))
        claims = {
            "iss": self.issuer,
            "aud": "segue-api",
            "sub": user_id,
            "client_id": "bench",
            "scope": SCOPES,
            "tier": "premium",
            "country": "DE",
            "exp": int(time.time()) + 3600,
        }
        header = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}
        token = jwt.encode(header, claims, key, algorithms=["ES256"])
        # Every HTTP client that people use says that it takes gzip.
        return {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}


def run(cloud: LocalCloud) -> None:
    """Measures in `cloud` and shows the report."""
    found = _tracks(cloud)
    measure(
        Deployment(
            {**os.environ, **cloud.environment()},
            cloud.keys.token_signing_key,
            cloud.accounts_url,
            found,
        )
    ).show()


def measure(deployment: Deployment) -> Report:
    """The report: ratios to the hello world, rates and latencies."""
    report = Report(
        "web_api",
        f"{CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS:.0f} s each, in turn with hello; "
        f"a page is of {min(PAGE, len(deployment.track_ids))} tracks",
    )
    nobody_limited = {**deployment.environment, "SEGUE_RATE_LIMIT_SCALE": "0"}
    limited = {**deployment.environment, "SEGUE_RATE_LIMIT_SCALE": "1"}
    person = deployment.headers("bench-reader")
    with (
        _function("hello", nobody_limited) as hello,
        _function("catalog", nobody_limited) as catalog,
        _function("library", nobody_limited) as library,
    ):
        _fill(library, person, deployment.track_ids[:PAGE])
        track = request(catalog, f"/v1/tracks/{deployment.track_ids[0]}", person)
        page = request(library, f"/v1/me/tracks?limit={PAGE}", person)
        _compare(report, "GET /v1/tracks/{id}", hello, catalog, [track], want="≥ 0.5")
        _compare(report, "GET /v1/me/tracks?limit=50", hello, library, [page], want="≥ 0.5")
        _compare(report, "PUT /v1/me/tracks", hello, library, _saves(deployment, library))
    people = [deployment.headers(f"bench-person-{number}") for number in range(PEOPLE)]
    with _function("hello", limited) as hello, _function("catalog", limited) as catalog:
        path = f"/v1/tracks/{deployment.track_ids[0]}"
        each = [request(catalog, path, headers) for headers in people]
        _compare(report, "GET /v1/tracks/{id}, limits on", hello, catalog, each, rounds=1)
    return report


def _compare(
    report: Report,
    what: str,
    hello: int,
    port: int,
    requests: Sequence[bytes],
    *,
    rounds: int = ROUNDS,
    want: str = "",
) -> None:
    load_each(port, requests, seconds=1, connections=CONNECTIONS)  # warm
    ratios, rates, peers, latencies = [], [], [], []
    for _ in range(rounds):
        peer = load(hello, "/", {}, seconds=SECONDS, connections=CONNECTIONS)
        ours = _answered(what, load_each(port, requests, seconds=SECONDS, connections=CONNECTIONS))
        ratios.append(ours.requests_per_s / peer.requests_per_s)
        rates.append(ours.requests_per_s)
        peers.append(peer.requests_per_s)
        latencies += ours.latencies
    report.add(f"{what} over hello world", median(ratios), "×", want)
    report.add(what, median(rates), "requests/s")
    report.add("hello world beside it", median(peers), "requests/s")
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        report.add(f"{what} {name}", percentile(latencies, share) * 1000, "ms")


def _answered(what: str, measured: Load) -> Load:
    if measured.statuses != {200}:
        raise RuntimeError(f"{what} answered {sorted(measured.statuses)}")
    return measured


def _saves(deployment: Deployment, port: int) -> list[bytes]:
    """More saves of tracks not saved before than a run can send."""
    wanted = 40_000
    people = count()
    found: list[bytes] = []
    started = time.time_ns()  # a state folder may be used again
    while len(found) < wanted:
        headers = deployment.headers(f"bench-{started}-{next(people)}")
        for track_id in deployment.track_ids:
            body = json.dumps({"ids": [track_id]}).encode()
            found.append(request(port, "/v1/me/tracks", headers, "PUT", body))
    return found


def _fill(port: int, headers: dict[str, str], track_ids: Sequence[str]) -> None:
    httpx.put(
        f"http://127.0.0.1:{port}/v1/me/tracks",
        headers=headers,
        json={"ids": list(track_ids)},
        timeout=30,
        trust_env=False,
    ).raise_for_status()


@contextmanager
def _function(name: str, environment: dict[str, str]) -> Iterator[int]:
    """The port of a process that serves the function `name` (or the hello world) alone."""
    source = Path(f"functions/{name}/main.py")
    if name == "hello":
        source = Path(__file__).with_name("hello.py")
    process, port = _serve(name, source.resolve(), environment)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def _tracks(cloud: LocalCloud) -> list[str]:
    """Ids of tracks of the catalogue, `PAGE` where it has so many."""
    headers = {"Authorization": f"Bearer {local.access_token(cloud, 'streaming')}"}
    found: dict[str, None] = {}
    with httpx.Client(base_url=cloud.url, headers=headers, timeout=30, trust_env=False) as api:
        for letter in "aeionst":
            query: dict[str, str | int] = {"q": letter, "type": "track", "limit": 50}
            answer = api.get("/v1/search", params=query).raise_for_status().json()
            found.update((item["id"], None) for item in answer["tracks"]["items"])
    return list(found)[:PAGE]
