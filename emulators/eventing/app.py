"""The HTTP side: keys, Eventarc's entrance, Cloud Tasks' signature, jobs, counts.

A bare ASGI application: a framework would cost more to import than all of this does.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import httpx

from emulators.eventing.delivery import FunctionHost
from emulators.eventing.eventarc import Eventarc
from emulators.eventing.oidc import TokenIssuer
from emulators.eventing.scheduler import Scheduler
from emulators.eventing.stats import Stats

TASK_TIMEOUT_S = 600.0  # the default dispatch deadline of Cloud Tasks
# Hop-by-hop headers, and what we set ourselves.
_NOT_FORWARDED = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "authorization",
    "keep-alive",
}

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class App:
    """Routes: `/healthz`, `/stats`, `/oauth2/v3/certs`, `/eventarc`, `/_tasks/…`,
    `/jobs/<name>:run`."""

    def __init__(
        self,
        tokens: TokenIssuer,
        eventarc: Eventarc,
        host: FunctionHost,
        scheduler: Scheduler,
        stats: Stats,
    ) -> None:
        self._tokens = tokens
        self._eventarc = eventarc
        self._host = host
        self._scheduler = scheduler
        self._stats = stats

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        status, answer, content_type = await self._answer(scope, body)
        if isinstance(answer, dict):
            answer = json.dumps(answer).encode()
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(
        self, scope: MutableMapping[str, Any], body: bytes
    ) -> tuple[int, dict[str, Any] | bytes, str]:
        method, path = scope["method"], scope["path"]
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        json_type = "application/json"
        if path.startswith("/_tasks/"):
            return await self._task(scope, headers, body)
        if method == "GET" and path == "/healthz":
            return 200, {"status": "ok"}, json_type
        if method == "GET" and path == "/stats":
            report = self._stats.report()
            return 200, report | {"jobs": self._scheduler.last_runs}, json_type
        if method == "GET" and path == "/oauth2/v3/certs":
            return 200, self._tokens.jwks(), json_type
        if method == "POST" and path == "/eventarc":
            try:
                return 202, {"triggered": self._eventarc.accept(headers, body)}, json_type
            except ValueError as error:
                return 400, {"error": str(error)}, json_type
        if method == "POST" and path.startswith("/jobs/") and path.endswith(":run"):
            return *await self._job(path[len("/jobs/") : -len(":run")], scope), json_type
        return 404, {"error": f"{method} {path}"}, json_type

    async def _job(self, name: str, scope: MutableMapping[str, Any]) -> tuple[int, dict[str, Any]]:
        if name not in self._scheduler:
            return 404, {"error": f"the topology has no job {name}"}
        if parse_qs(scope["query_string"].decode()).get("wait") == ["false"]:
            self._scheduler.start(name)
            return 202, {"job": name}
        run = await self._scheduler.run(name)
        return 200, {"exit_code": run.exit_code, "stdout": run.output}

    async def _task(
        self, scope: MutableMapping[str, Any], headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, str]:
        raw_path = scope.get("raw_path") or scope["path"].encode()
        path = raw_path.decode().removeprefix("/_tasks")
        if scope["query_string"]:
            path += f"?{scope['query_string'].decode()}"
        forwarded = {name: value for name, value in headers.items() if name not in _NOT_FORWARDED}
        counts = self._stats.of("tasks")
        counts.backlog += 1
        try:
            response = await self._host.call(path, body, forwarded, TASK_TIMEOUT_S, scope["method"])
        except httpx.TransportError as error:
            counts.unreachable += 1
            return 503, f"{type(error).__name__}: {error}".encode(), "text/plain"
        finally:
            counts.backlog -= 1
            counts.touch()
        if response.is_success:
            counts.delivered += 1
        else:
            counts.failures += 1
            counts.last_reason = f"HTTP {response.status_code}: {response.text[:500]}"
        content_type = response.headers.get("content-type", "application/octet-stream")
        return response.status_code, response.content, content_type


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
