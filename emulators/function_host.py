"""Hosts every function of the topology in the functions framework, behind one gateway.

The gateway matches the topology's path templates as the cloud's URL map does and hands the request
to the function's own ASGI app, as `functions_framework.aio.create_asgi_app` builds it. Pushed
events arrive at `/_events/<function>`, where in the cloud each function has a URL of its own.

    python -m emulators.function_host --fd 7 --workers 2 [--only accounts,catalog]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulators import iam, processes
from shared import topology

ROOT = Path(__file__).resolve().parent.parent
_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")


def pattern_of(template: str) -> re.Pattern[str]:
    """A path template as a pattern: `{id}` is one segment, `{rest:path}` the remainder. One
    trailing slash is tolerated, as clients send it."""
    parts, last = [], 0
    for found in _PARAMETER.finditer(template):
        parts.append(re.escape(template[last : found.start()]))
        # No line break either: the framework's router takes none, and says so in plain text.
        parts.append(r".+" if found[2] else r"[^/\n]+")
        last = found.end()
    parts.append(re.escape(template[last:].rstrip("/")))
    return re.compile("".join(parts) + "/?")


class UrlMap:
    """From a path to the function that serves it. Several routes of one path, which differ by
    method, are one; an exact path goes before a template, and a template of whole segments before
    one that takes the remainder.

    Raises ValueError for a path of two functions: the cloud's URL map knows no methods.
    """

    def __init__(self, functions: tuple[topology.HttpFunction, ...]) -> None:
        served: dict[str, tuple[str, frozenset[str]]] = {}
        for function in functions:
            for route in function.routes:
                name, methods = served.get(route.path, (function.name, frozenset[str]()))
                if name != function.name:
                    raise ValueError(f"{route.path} is served by {name} and by {function.name}")
                # HEAD is GET without a body; OPTIONS is a browser asking first.
                methods |= {*route.methods, "OPTIONS"}
                if "GET" in methods:
                    methods |= {"HEAD"}
                served[route.path] = name, methods
        self._exact = {path: found for path, found in served.items() if "{" not in path}
        templates = sorted((path for path in served if "{" in path), key=lambda p: ":path}" in p)
        self._templates = [(pattern_of(path), *served[path]) for path in templates]

    def find(self, path: str) -> tuple[str, frozenset[str]] | None:
        """The function for `path` and the methods that it takes there, or None."""
        found = self._exact.get(path) or self._exact.get(path.rstrip("/"))
        if found is not None:
            return found
        for pattern, name, methods in self._templates:
            if pattern.fullmatch(path):
                return name, methods
        return None


def load(entry: topology.HttpFunction | topology.EventFunction) -> Any:
    """The function's ASGI app. The framework loads every source as the module `main`; what one
    leaves on `sys.path` would shadow the next, so it is taken off again."""
    from functions_framework import aio

    source = ROOT / "functions" / entry.name / "main.py"
    before = list(sys.path)
    try:
        return aio.create_asgi_app(target=entry.name, source=str(source), signature_type="http")
    finally:
        sys.path[:] = before
        sys.modules.pop("main", None)


class Gateway:
    """The ASGI app of one worker."""

    def __init__(self, only: frozenset[str] | None = None) -> None:
        entries: list[topology.HttpFunction | topology.EventFunction] = [
            entry
            for entry in topology.ENTRIES.values()
            if not isinstance(entry, topology.Job) and (only is None or entry.name in only)
        ]
        self._entries = {entry.name: entry for entry in entries}
        self._apps = {entry.name: load(entry) for entry in entries}
        self._url_map = UrlMap(tuple(e for e in entries if isinstance(e, topology.HttpFunction)))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path.startswith("/_events/"):
            name = path.removeprefix("/_events/")
            if isinstance(self._entries.get(name), topology.EventFunction):
                await self._dispatch(name, dict(scope, path="/", raw_path=b"/"), receive, send)
                return
        if path == "/_healthz":
            await _respond(send, 200, {"functions": sorted(self._entries)})
            return
        found = self._url_map.find(path)
        if found is None:
            await _error(send, 404, "Service not found")
        elif scope["method"] not in found[1]:
            allowed = ", ".join(sorted(found[1]))
            message = f"Method {scope['method']} is not allowed here; these are: {allowed}."
            await _error(send, 405, message, allow=allowed)
        else:
            await self._dispatch(found[0], scope, receive, send)

    async def _dispatch(self, name: str, scope: Any, receive: Any, send: Any) -> None:
        running = iam.Caller(self._entries[name])
        iam.caller.set(running)
        refused_sent = False

        async def checked_send(message: Any) -> None:
            """Tells of a missing declaration even where the function swallowed the refusal."""
            nonlocal refused_sent
            if not running.refused:
                await send(message)
            elif message["type"] == "http.response.start" and not refused_sent:
                refused_sent = True
                await _error(send, 500, running.refused[0])

        await self._apps[name](scope, receive, checked_send)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _respond(send: Any, status: int, body: dict[str, Any], **more: str) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    headers += [(name.encode(), value.encode()) for name, value in more.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _error(send: Any, status: int, message: str, **headers: str) -> None:
    await _respond(send, status, {"error": {"status": status, "message": message}}, **headers)


def main() -> None:
    """Serves the functions on a listening socket that the parent passes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--fd", type=int, help="inherited listening socket")
    where.add_argument("--port", type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", help="comma-separated names; default: every function")
    arguments = parser.parse_args()
    processes.die_with_parent()
    if arguments.fd is not None:
        # Connections inherit it. asyncio sets it on sockets of its own alone, and without it every
        # answer waits for the client's delayed acknowledgement: 40 ms.
        with socket.socket(fileno=os.dup(arguments.fd)) as listener:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    import uvicorn

    sys.path.insert(0, str(ROOT))
    iam.install()
    only = frozenset(arguments.only.split(",")) if arguments.only else None
    started = time.monotonic()
    gateway = Gateway(only)
    print(f"loaded in {time.monotonic() - started:.2f} s", file=sys.stderr, flush=True)

    def serve() -> None:
        uvicorn.run(
            gateway,
            fd=arguments.fd,
            host="127.0.0.1",
            port=arguments.port or 8080,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=3,
            # Longer than clients keep a connection, or one is closed as they send on it.
            timeout_keep_alive=620,
            server_header=False,
        )

    if arguments.workers == 1:
        serve()
    else:
        _fork_workers(arguments.workers, serve)


def _fork_workers(count: int, serve: Callable[[], None]) -> None:
    """Forks `count` workers off this loaded process, and another for each that dies.

    Loading is most of what a worker costs to start, and no gRPC channel is open yet, so forking
    here is safe and halves it.
    """
    workers: set[int] = set()
    stopping = False

    def fork() -> None:
        pid = os.fork()
        if pid:
            workers.add(pid)
            return
        processes.die_with_parent(signal.SIGTERM)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        serve()
        os._exit(0)

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        for pid in workers:
            os.kill(pid, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    for _ in range(count):
        fork()
    while workers:
        pid, status = os.wait()
        workers.discard(pid)
        if not stopping:
            print(f"worker {pid} ended with {status}; starting another", file=sys.stderr)
            time.sleep(0.2)
            if not stopping:  # asked to stop meanwhile: nobody would end the new one
                fork()


if __name__ == "__main__":
    main()
