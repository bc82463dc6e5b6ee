"""What an emulated edge holds: copies by path, bounded by bytes, filled once for all who wait."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from shared import topology

NEGATIVE_TTL_S = 10
ORIGIN_CONNECTIONS = 8
ORIGIN_TIMEOUT_S = 30


class OriginError(Exception):
    """The bucket does not answer, or not with an object."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A copy of an object, or (status 404) the knowledge that there is none."""

    status: int
    body: bytes
    content_type: str
    etag: str
    cache_control: str
    stored_at: float  # monotonic seconds
    ttl_s: float

    def age_s(self, now: float) -> float:
        """Seconds since it was fetched."""
        return now - self.stored_at


class EdgeCache:
    """Least recently used first out, once the bodies exceed `maximum_bytes`."""

    def __init__(self, maximum_bytes: int) -> None:
        self._maximum_bytes = maximum_bytes
        self._entries: OrderedDict[str, Stored] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, path: str, now: float) -> Stored | None:
        """The fresh copy of `path`."""
        entry = self._entries.get(path)
        if entry is None:
            return None
        if entry.age_s(now) >= entry.ttl_s:
            self._drop(path)
            return None
        self._entries.move_to_end(path)
        return entry

    def put(self, path: str, entry: Stored) -> None:
        """Keeps `entry` if it may be kept and fits at all."""
        self._drop(path)
        if entry.ttl_s <= 0 or len(entry.body) > self._maximum_bytes:
            return
        self._entries[path] = entry
        self.size_bytes += len(entry.body)
        while self.size_bytes > self._maximum_bytes:
            self._drop(next(iter(self._entries)))

    def purge(self, prefix: str = "/") -> int:
        """Forgets every path that begins with `prefix`; how many there were."""
        found = [path for path in self._entries if path.startswith(prefix)]
        for path in found:
            self._drop(path)
        return len(found)

    def _drop(self, path: str) -> None:
        entry = self._entries.pop(path, None)
        if entry is not None:
            self.size_bytes -= len(entry.body)


class Fills:
    """Runs one fill per path at a time; who comes later waits for the one under way."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[Stored]] = {}

    async def get(self, path: str, fill: Callable[[], Awaitable[Stored]]) -> tuple[Stored, bool]:
        """(the object, whether this call started the fill)."""
        task = self._running.get(path)
        started = task is None
        if task is None:
            task = asyncio.ensure_future(fill())
            self._running[path] = task
            task.add_done_callback(lambda done: self._finish(path, done))
        # Shielded: a listener who leaves must not take the object from those who stay.
        return await asyncio.shield(task), started

    def _finish(self, path: str, done: asyncio.Task[Stored]) -> None:
        self._running.pop(path, None)
        if not done.cancelled():
            done.exception()  # seen, also when everybody who waited has left


class Origin:
    """Reads objects of the topology's CDN buckets from the storage emulator."""

    def __init__(self, storage_url: str, project: str, negative_ttl_s: float) -> None:
        self._storage_url = storage_url.rstrip("/")
        self._project = project
        self._negative_ttl_s = negative_ttl_s
        self._client = httpx.AsyncClient(
            timeout=ORIGIN_TIMEOUT_S,
            limits=httpx.Limits(max_connections=ORIGIN_CONNECTIONS),
            trust_env=False,
        )

    async def warm_up(self) -> None:
        """Makes a first request, which costs the client 80 ms that no listener should wait."""
        with contextlib.suppress(OriginError):
            await self._get("/")

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def fetch(self, bucket: topology.Bucket, name: str) -> Stored:
        """The object `name` of `bucket`. Raises OriginError."""
        where = f"b/{self._project}-{bucket.name}/o/{quote(name, safe='')}"
        answer = await self._get(f"/download/storage/v1/{where}?alt=media")
        now = time.monotonic()
        if answer.status_code == 404:
            control = f"public, max-age={self._negative_ttl_s:g}"
            return Stored(404, b"", "", "", control, now, self._negative_ttl_s)
        if answer.status_code != 200:
            raise OriginError(f"storage answered {answer.status_code}")
        control = answer.headers.get("cache-control") or await self._cache_control(bucket, where)
        return Stored(
            status=200,
            body=answer.content,
            content_type=answer.headers.get("content-type", "application/octet-stream"),
            etag=answer.headers.get("etag") or _etag(answer),
            cache_control=control,
            stored_at=now,
            ttl_s=max_age_s(control),
        )

    async def _cache_control(self, bucket: topology.Bucket, where: str) -> str:
        default = bucket.cache_control or "no-store"
        if "immutable" in default:
            return default
        # The download of gcp-storage-emulator leaves the object's own header out.
        metadata = await self._get(f"/storage/v1/{where}")
        if metadata.status_code != 200:
            return default
        return str(metadata.json().get("cacheControl") or default)

    async def _get(self, path: str) -> httpx.Response:
        try:
            return await self._client.get(self._storage_url + path)
        except httpx.HTTPError as error:
            raise OriginError(f"{type(error).__name__}: {error}") from error


def max_age_s(cache_control: str) -> float:
    """For how long a shared cache may keep what carries `cache_control`; 0 is not at all."""
    directives = cache_control.lower()
    if re.search(r"\b(no-store|no-cache|private)\b", directives):
        return 0
    found = re.search(r"\bs-maxage=(\d+)", directives) or re.search(r"\bmax-age=(\d+)", directives)
    return float(found[1]) if found else 0


def _etag(answer: httpx.Response) -> str:
    """Cloud Storage's own: the MD5 in hexadecimal, else a digest that serves as well."""
    found = re.search(r"md5=([A-Za-z0-9+/=]+)", answer.headers.get("x-goog-hash", ""))
    digest = base64.b64decode(found[1]) if found else hashlib.sha256(answer.content).digest()
    return f'"{digest.hex()}"'
