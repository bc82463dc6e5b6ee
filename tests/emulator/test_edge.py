"""An edge process in front of a real storage emulator process."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from emulators.processes import free_port
from shared.delivery.signing import sign_prefix
from shared.platform.settings import CdnProvider
from tests.emulator.conftest import answers_http, process
from tests.unit.delivery.cdn_keys import PROVIDERS, cdn, pair

PROJECT = "edge-test"
BODY = bytes(range(256)) * 40


class Bucket:
    """Writes objects into the storage emulator."""

    def __init__(self, url: str) -> None:
        self.url = url

    def put(self, bucket: str, name: str, body: bytes = BODY, **metadata: str) -> None:
        where = f"{self.url}/upload/storage/v1/b/{PROJECT}-{bucket}/o"
        answer = httpx.post(
            f"{where}?uploadType=media&name={quote(name, safe='')}",
            content=body,
            headers={"content-type": "audio/mp4"},
        )
        answer.raise_for_status()
        if metadata:
            item = f"{self.url}/storage/v1/b/{PROJECT}-{bucket}/o/{quote(name, safe='')}"
            httpx.patch(item, json=metadata).raise_for_status()


class Edge:
    """One edge host and a client of it."""

    def __init__(self, provider: CdnProvider, url: str, bucket: Bucket) -> None:
        self.provider, self.url, self.bucket = provider, url, bucket
        self.client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=10)

    def query(self, prefix: str, *, ago: timedelta = timedelta(0), uid: str = "listener") -> str:
        there = cdn(self.provider, base_url=self.url)
        key = pair(self.provider).signing_key
        return sign_prefix(there, key, prefix, uid, datetime.now(UTC) - ago).query

    async def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """`path` with a fresh token for its folder."""
        query = self.query(path.rpartition("/")[0] + "/")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, f"{path}?{query}", headers=named)

    async def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get("/_edge/stats")).json()
        return found

    async def fault(self, **fault: Any) -> None:
        (await self.client.post("/_edge/faults", json=[fault])).raise_for_status()

    def new_file(self, body: bytes = BODY) -> str:
        """A fresh object in the audio bucket; its path on the edge."""
        name = f"{uuid4().hex}/v1/aac_160.m4s"
        self.bucket.put("audio", name, body)
        return f"/audio/{name}"


@pytest.fixture(scope="session")
def bucket(logs: Path) -> Iterator[Bucket]:
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "gcp_storage_emulator", "start"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--in-memory", "-q"]
    with process(command, lambda: answers_http(port), logs / "edge-storage.log"):
        url = f"http://127.0.0.1:{port}"
        for name in ("audio", "images", "masters"):
            httpx.post(f"{url}/storage/v1/b", json={"name": f"{PROJECT}-{name}"}).raise_for_status()
        yield Bucket(url)


@contextmanager
def edge_process(
    provider: CdnProvider, storage_url: str, logs: Path, *options: str
) -> Iterator[tuple[str, Any]]:
    port = free_port()
    keys = logs / f"keys-{port}.json"
    keys.write_text(
        json.dumps({name: pair(provider, name).verification for name in ("key-1", "key-2")})
    )
    command: list[str | Path] = [sys.executable, "-m", "emulators.edge", "--port", str(port)]
    command += ["--provider", provider, "--name", provider, "--storage", storage_url]
    command += ["--project", PROJECT, "--keys", keys, *options]
    url = f"http://127.0.0.1:{port}"
    with process(command, lambda: answers_http(port), logs / f"edge-{port}.log") as child:
        yield url, child


@asynccontextmanager
async def open_edge(
    provider: CdnProvider, bucket: Bucket, logs: Path, *options: str
) -> AsyncIterator[Edge]:
    with edge_process(provider, bucket.url, logs, *options) as (url, _):
        edge = Edge(provider, url, bucket)
        async with edge.client:
            yield edge


@pytest.fixture(scope="session")
async def edge_of(
    bucket: Bucket, logs: Path
) -> AsyncIterator[Callable[[CdnProvider], Awaitable[Edge]]]:
    """An edge by provider, started when first asked for."""
    running: dict[CdnProvider, Edge] = {}
    async with AsyncExitStack() as stack:

        async def get(provider: CdnProvider) -> Edge:
            if provider not in running:
                running[provider] = await stack.enter_async_context(
                    open_edge(provider, bucket, logs, "--negative-ttl", "0.5")
                )
            return running[provider]

        yield get


@pytest.fixture
async def edge(edge_of: Callable[[CdnProvider], Awaitable[Edge]]) -> AsyncIterator[Edge]:
    """The Akamai edge, without faults left over."""
    edge = await edge_of("akamai")
    yield edge
    await edge.client.delete("/_edge/faults")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_each_provider_lets_its_own_token_in_and_refuses_the_rest(
    edge_of: Callable[[CdnProvider], Awaitable[Edge]], provider: CdnProvider
) -> None:
    edge = await edge_of(provider)
    path, other = edge.new_file(), edge.new_file()
    folder = path.rpartition("/")[0] + "/"
    query = edge.query(folder)
    assert (await edge.client.get(f"{path}?{query}")).content == BODY
    assert (await edge.client.get(path)).status_code == 403
    assert (await edge.client.get(f"{other}?{query}")).status_code == 403
    # Another letter than the one that stands there, which may itself be an A.
    other_letter = "B" if query[-20] == "A" else "A"
    refused = await edge.client.get(f"{path}?{query[:-20]}{other_letter}{query[-19:]}")
    assert refused.status_code == 403
    assert refused.json()["error"]["status"] == 403
    expired = await edge.client.get(f"{path}?{edge.query(folder, ago=timedelta(hours=2))}")
    assert expired.status_code == (410 if provider == "fastly" else 403)


async def test_a_copy_is_shared_by_path_whoever_asks(edge: Edge) -> None:
    path = edge.new_file()
    folder = path.rpartition("/")[0] + "/"
    first = await edge.client.get(f"{path}?{edge.query(folder, uid='ann')}")
    second = await edge.client.get(f"{path}?{edge.query(folder, uid='bob')}")
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("MISS", "HIT")
    assert int(second.headers["age"]) >= 0
    assert second.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert second.content == first.content == BODY
    assert second.headers["content-type"] == "audio/mp4"


async def test_buckets_that_are_not_signed_are_open_and_those_behind_no_cdn_closed(
    edge: Edge,
) -> None:
    name = uuid4().hex
    for bucket in ("images", "masters"):
        edge.bucket.put(bucket, f"{name}/640.jpg")
    assert (await edge.client.get(f"/images/{name}/640.jpg")).status_code == 200
    assert (await edge.client.get(f"/masters/{name}/640.jpg")).status_code == 403
    assert (await edge.client.get("/elsewhere/x")).status_code == 404
    assert (await edge.client.get("/images")).status_code == 404
    assert (await edge.get("/audio/t/..%2Fx")).status_code in (403, 404)
    assert (await edge.client.post(f"/images/{name}/640.jpg")).status_code == 405


async def test_the_objects_own_cache_control_wins_over_the_buckets(edge: Edge) -> None:
    name = f"{uuid4().hex}/300.jpg"
    edge.bucket.put("images", name, cacheControl="public, max-age=1")
    path = f"/images/{name}"
    assert (await edge.client.get(path)).headers["cache-control"] == "public, max-age=1"
    assert (await edge.client.get(path)).headers["x-cache"] == "HIT"
    await asyncio.sleep(1.1)
    assert (await edge.client.get(path)).headers["x-cache"] == "MISS"


async def test_what_is_missing_is_remembered_for_a_short_time(edge: Edge) -> None:
    folder = uuid4().hex
    path = f"/audio/{folder}/v1/a.m4s"
    first, second = await edge.get(path), await edge.get(path)
    assert [first.status_code, second.status_code] == [404, 404]
    assert [first.headers["x-cache"], second.headers["x-cache"]] == ["MISS", "HIT"]
    edge.bucket.put("audio", f"{folder}/v1/a.m4s")
    await asyncio.sleep(0.6)
    assert (await edge.get(path)).content == BODY


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, len(BODY) - 1),
        ("bytes=100-199", 100, 199),
        ("bytes=10000-99999999", 10000, len(BODY) - 1),
        ("bytes=-1", len(BODY) - 1, len(BODY) - 1),
        ("bytes=-99999999", 0, len(BODY) - 1),
    ],
)
async def test_a_range_gets_exactly_its_bytes(
    edge: Edge, asked: str, first: int, last: int
) -> None:
    path = edge.new_file()
    for expected in ("MISS", "HIT"):
        answer = await edge.get(path, range=asked)
        assert answer.status_code == 206
        assert answer.content == BODY[first : last + 1]
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(BODY)}"
        assert answer.headers["x-cache"] == expected


@pytest.mark.parametrize("asked", [f"bytes={len(BODY)}-", "bytes=-0"])
async def test_a_range_past_the_end_is_refused_with_the_size(edge: Edge, asked: str) -> None:
    answer = await edge.get(edge.new_file(), range=asked)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(BODY)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-2", "bytes=-", "lines=1-2", "x"])
async def test_a_range_that_is_not_single_and_valid_gets_the_whole(edge: Edge, asked: str) -> None:
    answer = await edge.get(edge.new_file(), range=asked)
    assert (answer.status_code, answer.content) == (200, BODY)


async def test_conditions_compare_the_entity_tag(edge: Edge) -> None:
    path = edge.new_file()
    etag = (await edge.get(path)).headers["etag"]
    unchanged = await edge.get(path, if_none_match=f'"other", {etag}')
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (await edge.get(path, if_none_match='"other"')).status_code == 200
    assert (await edge.get(path, range="bytes=0-9", if_range=etag)).status_code == 206
    assert (await edge.get(path, range="bytes=0-9", if_range='"other"')).status_code == 200


async def test_head_says_what_get_would_send(edge: Edge) -> None:
    answer = await edge.get(edge.new_file(), method="HEAD", range="bytes=0-9")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(BODY))
    assert answer.headers["accept-ranges"] == "bytes"


async def test_a_browser_of_another_origin_may_read_everything_it_needs(edge: Edge) -> None:
    path = edge.new_file()
    preflight = await edge.client.options(
        path, headers={"origin": "http://a.test", "access-control-request-method": "GET"}
    )
    assert preflight.status_code == 204
    assert "Range" in preflight.headers["access-control-allow-headers"]
    for answer in (await edge.get(path), await edge.client.get(path)):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["timing-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"]
        assert {"Content-Range", "X-Cache"} <= set(exposed.split(", "))


async def test_many_who_ask_at_once_cause_one_fill(edge: Edge) -> None:
    path = edge.new_file(b"x" * 2_000_000)
    before = await edge.stats()
    answers = await asyncio.gather(*(edge.get(path) for _ in range(20)))
    after = await edge.stats()
    assert all(answer.content == b"x" * 2_000_000 for answer in answers)
    assert after["origin_fills"] - before["origin_fills"] == 1
    assert after["misses"] - before["misses"] == 1
    assert after["hits"] - before["hits"] == 19
    assert after["bytes"] - before["bytes"] == 40_000_000


async def test_purge_forgets_copies(edge: Edge) -> None:
    path = edge.new_file()
    await edge.get(path)
    folder = path.rpartition("/")[0]
    answer = await edge.client.post("/_edge/purge", params={"path_prefix": folder})
    assert answer.json() == {"purged": 1}
    assert (await edge.get(path)).headers["x-cache"] == "MISS"


async def test_queued_faults_happen_in_order_and_are_consumed(edge: Edge) -> None:
    path = edge.new_file()
    await edge.fault(kind="status", status=503, count=2, path_prefix=path)
    await edge.fault(kind="down", path_prefix="/audio/")
    assert (await edge.client.get("/_edge/faults")).json()["consumed"] is False
    assert (await edge.stats())["faults_left"] == 2
    assert (await edge.client.get("/images/none/64.jpg")).status_code == 404  # other paths live
    for _ in range(2):
        answer = await edge.get(path)
        assert answer.status_code == 503
        assert answer.json()["error"]["status"] == 503
    with pytest.raises(httpx.RemoteProtocolError):
        await edge.get(path)
    assert (await edge.get(path)).status_code == 200
    assert (await edge.client.get("/_edge/faults")).json() == {"consumed": True, "faults": []}


async def test_a_slow_edge_is_slow_and_then_right(edge: Edge) -> None:
    path = edge.new_file()
    await edge.fault(kind="slow", delay_ms=300)
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert (await edge.get(path)).content == BODY
    assert loop.time() - started >= 0.3


async def test_a_fault_without_a_count_lasts_until_it_is_cleared(edge: Edge) -> None:
    path = edge.new_file()
    await edge.fault(kind="down", count=None)
    for _ in range(3):
        with pytest.raises(httpx.TransportError):
            await edge.get(path)
    assert (await edge.client.get("/healthz")).status_code == 200
    assert (await edge.client.delete("/_edge/faults")).status_code == 204
    assert (await edge.get(path)).status_code == 200


@pytest.mark.parametrize(
    "body", ["{", "[1]", '{"kind": "x"}', '{"kind": "status", "status": 200}', '{"kindd": 1}']
)
async def test_a_malformed_fault_is_refused(edge: Edge, body: str) -> None:
    answer = await edge.client.post("/_edge/faults", content=body)
    assert answer.status_code == 400
    assert (await edge.stats())["faults_left"] == 0


async def test_the_cache_is_bounded_by_bytes(bucket: Bucket, logs: Path) -> None:
    async with open_edge("segue", bucket, logs, "--cache-mb", "1") as edge:
        paths = [edge.new_file(bytes([n]) * 400_000) for n in range(4)]
        for path in paths:
            await edge.get(path)
        stats = await edge.stats()
        assert stats["entries"] == 2
        assert stats["cached_bytes"] == 800_000
        assert (await edge.get(paths[3])).headers["x-cache"] == "HIT"
        assert (await edge.get(paths[0])).headers["x-cache"] == "MISS"
        big = edge.new_file(b"b" * 1_500_000)  # more than the whole cache: served, not kept
        assert len((await edge.get(big)).content) == 1_500_000
        assert (await edge.get(big)).headers["x-cache"] == "MISS"


async def test_a_caller_over_the_rate_is_told_when_to_come_back(bucket: Bucket, logs: Path) -> None:
    options = ("--rate-limit", "0.5", "--rate-burst", "3")
    async with open_edge("segue", bucket, logs, *options) as edge:
        path = edge.new_file()
        folder = path.rpartition("/")[0] + "/"
        ann, bob = (f"{path}?{edge.query(folder, uid=uid)}" for uid in ("ann", "bob"))
        statuses = [(await edge.client.get(ann)).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        refused = await edge.client.get(ann)
        assert 1 <= int(refused.headers["retry-after"]) <= 2
        assert (await edge.client.get(bob)).status_code == 200


def test_an_origin_that_is_down_is_a_bad_gateway_and_is_not_remembered(logs: Path) -> None:
    with edge_process("segue", f"http://127.0.0.1:{free_port()}", logs) as (url, _):
        answer = httpx.get(f"{url}/images/x/64.jpg", trust_env=False)
        assert answer.status_code == 502
        assert answer.headers["cache-control"] == "no-store"
        stats = httpx.get(f"{url}/_edge/stats", trust_env=False).json()
        assert stats["entries"] == 0


def test_sigterm_ends_it_with_zero_and_nothing_on_stdout(bucket: Bucket, logs: Path) -> None:
    with edge_process("fastly", bucket.url, logs) as (url, child):
        httpx.get(f"{url}/images/x/64.jpg", trust_env=False)
        child.send_signal(signal.SIGTERM)
        assert child.wait(5) == 0
    assert (logs / f"edge-{url.rpartition(':')[2]}.log").read_text() == ""
