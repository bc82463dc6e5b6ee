"""A closed-loop HTTP load: a few keep-alive connections, each with one request under way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it; latencies in seconds."""

    requests_per_s: float
    latencies: list[float]
    statuses: frozenset[int]


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self._requests = requests
        self._until = until
        self._buffer = bytearray()
        self._expected = 0  # bytes of the answer, 0 until its head is there
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
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._expected:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = next(
                int(line.split(b":")[1])
                for line in bytes(self._buffer[:end]).split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            self._expected = end + 4 + length
        if len(self._buffer) < self._expected:
            return
        now = time.perf_counter()
        self.latencies.append(now - self._started)
        self.statuses.add(int(self._buffer[9:12]))
        self._buffer.clear()
        self._expected = 0
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _run(port: int, requests: Iterator[bytes], seconds: float, connections: int) -> Load:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    pairs = [
        await loop.create_connection(
            lambda: _Connection(requests, started + seconds), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in pairs))
    took = time.perf_counter() - started
    latencies = [latency for _, protocol in pairs for latency in protocol.latencies]
    statuses = frozenset(status for _, protocol in pairs for status in protocol.statuses)
    return Load(len(latencies) / took, latencies, statuses)


def request(
    port: int, path: str, headers: dict[str, str], method: str = "GET", body: bytes = b""
) -> bytes:
    """An HTTP/1.1 request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def load(
    port: int, path: str, headers: dict[str, str], *, seconds: float = 4.0, connections: int = 8
) -> Load:
    """GETs `path` for `seconds` over `connections` (bounded in both)."""
    return load_each(port, [request(port, path, headers)], seconds=seconds, connections=connections)


def load_each(
    port: int, requests: Sequence[bytes], *, seconds: float = 4.0, connections: int = 8
) -> Load:
    """Sends `requests` in turn, over and over, for `seconds` over `connections`."""
    return asyncio.run(_run(port, cycle(requests), seconds, connections))
