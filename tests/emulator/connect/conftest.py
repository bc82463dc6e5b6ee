"""A person with a device, and an album to play."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators.function_host import Gateway
from emulators.processes import free_port
from shared.catalog import service as catalog
from shared.platform.ids import random_id
from tests.emulator.catalog.functions import access_token
from tests.emulator.conftest import answers_http, process
from tests.local_settings import PUBLIC_URL
from tests.unit.catalog.samples import a_track, an_album, an_artist

SCOPES = (
    "user-read-playback-state user-modify-playback-state user-read-currently-playing "
    "user-read-playback-position"
)
SPEAKER = {"name": "Kitchen", "type": "Speaker", "volume_percent": 40}
TRACK_MS = 200_000


@dataclass
class Person:
    """Somebody's client of the player."""

    id: str
    client: httpx.AsyncClient

    async def join(self, device_id: str = "speaker", **said: Any) -> None:
        answer = await self.client.put(
            f"/v1/me/player/devices/{device_id}", json={**SPEAKER, **said}
        )
        assert answer.status_code == 200, answer.text

    async def do(self, method: str, path: str, status: int = 204, **request: Any) -> Any:
        answer = await self.client.request(method, f"/v1/me/player{path}", **request)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def play(self, **body: Any) -> None:
        await self.do("PUT", "/play", json=body)

    async def now(self) -> Any:
        """The playback object, None for 204."""
        answer = await self.client.get("/v1/me/player")
        assert answer.status_code in (200, 204), answer.text
        return answer.json() if answer.status_code == 200 else None

    async def refused(self, method: str, path: str, **request: Any) -> tuple[int, str | None]:
        answer = await self.client.request(method, f"/v1/me/player{path}", **request)
        error = answer.json()["error"]
        assert error["status"] == answer.status_code
        assert error["message"]
        return answer.status_code, error.get("reason")


@pytest.fixture(scope="session")
async def album(firestore: str, bigtable: str) -> list[str]:
    """URIs of an album's five tracks, after the album's own."""
    artist = an_artist()
    made = an_album(artist, total_tracks=5)
    tracks = [
        a_track(made, f"Track {n}", track_number=n, duration_ms=TRACK_MS) for n in range(1, 6)
    ]
    await catalog.load(tracks, [made], [artist])
    return [f"spotify:album:{made.id}", *(f"spotify:track:{track.id}" for track in tracks)]


@cache
def _gateway() -> Gateway:
    return Gateway(frozenset({"player", "connect"}))


@asynccontextmanager
async def signed_in(tier: str = "premium") -> AsyncIterator[Person]:
    """Somebody new, as a client of both functions."""
    user_id = random_id()
    transport = httpx.ASGITransport(_gateway())
    async with httpx.AsyncClient(
        transport=transport, base_url=PUBLIC_URL, headers=headers(user_id, tier=tier)
    ) as client:
        yield Person(user_id, client)


@pytest.fixture
async def person(firestore: str, bigtable: str) -> AsyncIterator[Person]:
    """Somebody on Premium with all scopes of the player."""
    async with signed_in() as somebody:
        yield somebody


@pytest.fixture
async def listener(person: Person) -> Person:
    """The same with a speaker."""
    await person.join()
    return person


@pytest.fixture(scope="session")
def hosts(album: list[str], logs: Path) -> Iterator[list[str]]:
    """Base URLs of two instances of the function."""
    with ExitStack() as stack:
        ports = [free_port(), free_port()]
        for port in ports:
            command: list[str | Path] = [sys.executable, "-m", "emulators.function_host"]
            command += ["--port", str(port), "--only", "player,connect"]
            log = logs / f"player-{port}.log"
            # Both start before the first is waited for.
            ready = (lambda: True) if port == ports[0] else (lambda port=port: answers_http(port))
            stack.enter_context(process(command, ready, log))
        while not answers_http(ports[0]):
            time.sleep(0.05)
        yield [f"http://127.0.0.1:{port}" for port in ports]


def headers(user_id: str, scope: str = SCOPES, tier: str = "premium") -> dict[str, str]:
    """The Authorization header of another client of theirs."""
    return {"authorization": f"Bearer {access_token(user_id, scope, tier)}"}
