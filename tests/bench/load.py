"""A closed-loop HTTP load: a few keep-alive connections, each with one request under way."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it; latencies in seconds."""

    requests_per_s: float
    latencies: list[float]
    statuses: frozenset[int]


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._buffer = b""
        self._started = 0.0
        self.latencies: list[float] = []
        self.statuses: set[int] = set()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._started = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        if len(body) < length:
            return
        now = time.perf_counter()
        self.latencies.append(now - self._started)
        self.statuses.add(int(head[9:12]))
        self._buffer = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _run(port: int, request: bytes, seconds: float, connections: int) -> Load:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    pairs = [
        await loop.create_connection(
            lambda: _Connection(request, started + seconds), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in pairs))
    took = time.perf_counter() - started
    latencies = [latency for _, protocol in pairs for latency in protocol.latencies]
    statuses = frozenset(status for _, protocol in pairs for status in protocol.statuses)
    return Load(len(latencies) / took, latencies, statuses)


def load(
    port: int, path: str, headers: dict[str, str], *, seconds: float = 4.0, connections: int = 8
) -> Load:
    """GETs `path` for `seconds` over `connections` (bounded in both)."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    return asyncio.run(_run(port, request, seconds, connections))
