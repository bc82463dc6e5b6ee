"""A CDN edge host on this machine: checks its provider's token, caches, serves ranges.

Paths are `/<bucket of the topology>/<object>`. Buckets that the topology marks `signed` need a
token, those marked `cdn` alone do not, others are refused. The cache key is the path: whoever has
a valid token shares the copy. Faults are queued under `/_edge/faults`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from emulators.edge_cache import NEGATIVE_TTL_S, EdgeCache, Fills, Origin, OriginError, Stored
from emulators.edge_rules import Fault, RateLimit, byte_range, etag_matches, range_applies
from emulators.edge_tokens import MediaRequest, Verdict, verifier
from emulators.serving import Server
from shared import topology

CHUNK_BYTES = 256 * 1024
CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": (
        "Accept-Ranges, Age, Content-Length, Content-Range, Content-Type, Date, ETag, "
        "Retry-After, X-Cache"
    ),
    "timing-allow-origin": "*",
}
PREFLIGHT = CORS | {
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": "Range, If-Range, If-None-Match",
    "access-control-max-age": "86400",
}
BUCKETS = {bucket.name: bucket for bucket in topology.BUCKETS}


class _Answer(Exception):
    """An answer other than the object."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Edge:
    """The ASGI application of one edge host."""

    def __init__(
        self,
        *,
        provider: str,
        name: str,
        storage_url: str,
        project: str,
        keys: dict[str, str],
        cache_bytes: int = 256 * 2**20,
        negative_ttl_s: float = NEGATIVE_TTL_S,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self._verify = verifier(provider, keys)
        self._name = name
        self._origin = Origin(storage_url, project, negative_ttl_s)
        self._cache = EdgeCache(cache_bytes)
        self._fills = Fills()
        self._rate_limit = rate_limit
        self._faults: list[Fault] = []
        self._counts = dict.fromkeys(
            ("requests", "hits", "misses", "coalesced", "origin_fills", "denied", "bytes"), 0
        )
        self._control = Starlette(
            routes=[
                Route("/healthz", lambda _: PlainTextResponse("ok")),
                Route("/_edge/stats", self._stats),
                Route("/_edge/faults", self._list_faults, methods=["GET"]),
                Route("/_edge/faults", self._queue_faults, methods=["POST"]),
                Route("/_edge/faults", self._clear_faults, methods=["DELETE"]),
                Route("/_edge/purge", self._purge, methods=["POST"]),
            ],
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        await self._origin.warm_up()
        yield
        await self._origin.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path == "/healthz" or path.startswith("/_edge/"):
            await self._control(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=PREFLIGHT)(scope, receive, send)
            return
        self._counts["requests"] += 1
        try:
            await self._inject_fault(path)
            await self._serve(Request(scope), send)
        except ConnectionAbortedError:
            # uvicorn's own cycle stands behind `send`; no other way closes without an answer.
            send.__self__.transport.abort()  # type: ignore[attr-defined]
            await receive()
        except _Answer as answer:
            error = {"status": answer.status, "message": str(answer)}
            headers = CORS | {"cache-control": "no-store"} | answer.headers
            response = JSONResponse({"error": error}, answer.status, headers)
            await response(scope, receive, send)

    # --- media ------------------------------------------------------------------------------

    async def _inject_fault(self, path: str) -> None:
        fault = next((one for one in self._faults if path.startswith(one.path_prefix)), None)
        if fault is None:
            return
        if fault.count is not None:
            fault.count -= 1
            if fault.count == 0:
                self._faults.remove(fault)
        if fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        if fault.kind == "down":
            raise ConnectionAbortedError
        if fault.kind == "status":
            raise _Answer(fault.status, f"{HTTPStatus(fault.status).phrase} (injected)")

    async def _serve(self, request: Request, send: Send) -> None:
        if request.method not in ("GET", "HEAD"):
            raise _Answer(405, "Only GET and HEAD", allow="GET, HEAD, OPTIONS")
        path = request.scope["path"]
        bucket, name = self._locate(path)
        user = self._authorise(request) if bucket.signed else None
        self._limit(user, request)
        now = time.monotonic()
        stored = self._cache.get(path, now)
        hit = stored is not None
        if stored is None:
            try:
                stored, started = await self._fills.get(
                    path, lambda: self._fill(path, bucket, name)
                )
            except OriginError as error:
                raise _Answer(502, f"origin: {error}") from error
            if not started:
                # Answered from a fill under way: the origin saw nothing of this request.
                hit = True
                self._counts["coalesced"] += 1
        self._counts["hits" if hit else "misses"] += 1
        headers = CORS | {
            "cache-control": stored.cache_control,
            "x-cache": "HIT" if hit else "MISS",
            "age": str(int(stored.age_s(time.monotonic()))),
        }
        if stored.status == 404:
            raise _Answer(404, "Not found", **headers)
        await self._send_object(request, stored, headers, send)

    def _locate(self, path: str) -> tuple[topology.Bucket, str]:
        first, _, name = path[1:].partition("/")
        bucket = BUCKETS.get(first)
        if bucket is None or not name or {"", ".", ".."} & set(name.split("/")):
            raise _Answer(404, "Not found")
        if not bucket.cdn:
            raise _Answer(403, "This bucket is not served")
        return bucket, name

    def _authorise(self, request: Request) -> str | None:
        raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
        media = MediaRequest(
            origin=f"{request.url.scheme}://{request.headers.get('host', '')}",
            path=raw_path.decode("latin-1").partition("?")[0],
            query=request.scope["query_string"].decode("latin-1"),
        )
        verdict: Verdict = self._verify(media, time.time())
        if verdict.status != 200:
            self._counts["denied"] += 1
            raise _Answer(verdict.status, verdict.reason)
        return verdict.user

    def _limit(self, user: str | None, request: Request) -> None:
        if self._rate_limit is None:
            return
        caller = f"user:{user}" if user else f"ip:{request.client.host if request.client else ''}"
        wait_s = self._rate_limit.wait_s(caller, time.monotonic())
        if wait_s > 0:
            raise _Answer(429, "Too many requests", retry_after=str(int(wait_s) + 1))

    async def _fill(self, path: str, bucket: topology.Bucket, name: str) -> Stored:
        self._counts["origin_fills"] += 1
        stored = await self._origin.fetch(bucket, name)
        self._cache.put(path, stored)
        return stored

    async def _send_object(
        self, request: Request, stored: Stored, headers: dict[str, str], send: Send
    ) -> None:
        headers |= {"etag": stored.etag, "accept-ranges": "bytes"}
        size = len(stored.body)
        status, start, end = 200, 0, size
        known = request.headers.get("if-none-match")
        if known is not None and etag_matches(known, stored.etag):
            await _send(send, 304, headers, b"")
            return
        if range_applies(request.headers, request.method, stored.etag):
            match byte_range(request.headers.get("range", ""), size):
                case "unsatisfiable":
                    raise _Answer(416, "Range not satisfiable", content_range=f"bytes */{size}")
                case (int(first), int(last)):
                    status, start, end = 206, first, last + 1
                    headers["content-range"] = f"bytes {first}-{last}/{size}"
        headers |= {"content-type": stored.content_type, "content-length": str(end - start)}
        body = b"" if request.method == "HEAD" else memoryview(stored.body)[start:end]
        self._counts["bytes"] += len(body)
        await _send(send, status, headers, body)

    # --- control ----------------------------------------------------------------------------

    async def _stats(self, _: Request) -> Response:
        return JSONResponse(
            {
                "name": self._name,
                **self._counts,
                "faults_left": len(self._faults),
                "entries": len(self._cache),
                "cached_bytes": self._cache.size_bytes,
            }
        )

    async def _list_faults(self, _: Request) -> Response:
        left = [{field: getattr(one, field) for field in one.__slots__} for one in self._faults]
        return JSONResponse({"consumed": not left, "faults": left})

    async def _queue_faults(self, request: Request) -> Response:
        try:
            raw = json.loads(await request.body())
            faults = [Fault(**one) for one in (raw if isinstance(raw, list) else [raw])]
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": {"status": 400, "message": str(error)}}, 400)
        self._faults += faults
        return JSONResponse({"queued": len(faults)}, 201)

    async def _clear_faults(self, _: Request) -> Response:
        self._faults.clear()
        return Response(status_code=204)

    async def _purge(self, request: Request) -> Response:
        prefix = request.query_params.get("path_prefix", "/")
        return JSONResponse({"purged": self._cache.purge(prefix)})


async def _send(send: Send, status: int, headers: dict[str, str], body: bytes | memoryview) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    for start in range(0, len(body), CHUNK_BYTES):
        chunk = bytes(body[start : start + CHUNK_BYTES])
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--provider", required=True, help="whose tokens to check")
    parser.add_argument("--name", required=True, help="the CDN's name in SEGUE_CDNS")
    parser.add_argument("--storage", required=True, help="URL of the storage emulator")
    parser.add_argument("--project", required=True)
    parser.add_argument("--keys", type=Path, required=True, help="JSON: key name -> key")
    parser.add_argument("--cache-mb", type=int, default=256)
    parser.add_argument("--negative-ttl", type=float, default=NEGATIVE_TTL_S, help="seconds")
    parser.add_argument("--rate-limit", type=float, help="requests per second and caller")
    parser.add_argument("--rate-burst", type=int, default=100)
    return parser.parse_args()


def main() -> None:
    """Serves until SIGTERM."""
    given = _arguments()
    keys: dict[str, Any] = json.loads(given.keys.read_text())
    edge = Edge(
        provider=given.provider,
        name=given.name,
        storage_url=given.storage,
        project=given.project,
        keys={name: str(key) for name, key in keys.items()},
        cache_bytes=given.cache_mb * 2**20,
        negative_ttl_s=given.negative_ttl,
        rate_limit=RateLimit(given.rate_limit, given.rate_burst) if given.rate_limit else None,
    )
    config = uvicorn.Config(
        edge,
        host=given.host,
        port=given.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    Server(config).run()


if __name__ == "__main__":
    main()
