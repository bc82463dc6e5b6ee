"""`functions/playlists` in process, with people, tracks and an episode to put into playlists."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from joserfc import jwt

from functions.playlists.main import app
from shared.accounts import service as accounts
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.platform import auth
from shared.platform.ids import random_id
from shared.podcasts import service as podcasts
from shared.podcasts.models import Episode, Show
from tests import local_settings
from tests.emulator.conftest import accepts, free_port, process
from tests.unit.catalog.samples import a_track, an_album, an_artist

SCOPES = (
    "playlist-read-private playlist-read-collaborative playlist-modify-public "
    "playlist-modify-private ugc-image-upload"
)


def signed(user_id: str, scope: str, country: str = "DE") -> str:
    claims = {
        "iss": f"{local_settings.PUBLIC_URL}/accounts",
        "aud": auth.AUDIENCE,
        "sub": user_id,
        "client_id": "an-app",
        "scope": scope,
        "tier": "free",
        "country": country,
        "exp": int(time.time()) + 3600,
    }
    header = {"alg": "ES256", "kid": "test-1", "typ": "at+jwt"}
    return jwt.encode(header, claims, local_settings.signing_key(), algorithms=["ES256"])


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token of every scope; `with_scopes` gives others."""

    id: str
    http: httpx.AsyncClient

    def with_scopes(self, *scopes: str) -> dict[str, str]:
        return {"authorization": f"Bearer {signed(self.id, ' '.join(scopes))}"}

    async def playlist(self, *uris: str, **fields: object) -> str:
        """Id of a new playlist with `uris`."""
        made = await self.http.post("/v1/me/playlists", json={"name": "Mornings", **fields})
        assert made.status_code == 201, made.text
        playlist_id = str(made.json()["id"])
        if uris:
            await self.add(playlist_id, *uris)
        return playlist_id

    async def add(self, playlist_id: str, *uris: str, **fields: object) -> str:
        """The snapshot id of an addition."""
        answer = await self.http.post(
            f"/v1/playlists/{playlist_id}/items", json={"uris": list(uris), **fields}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["snapshot_id"])

    async def uris(self, playlist_id: str) -> list[str]:
        """The URIs of a playlist, as its first page shows them."""
        answer = await self.http.get(f"/v1/playlists/{playlist_id}/items", params={"limit": 100})
        assert answer.status_code == 200, answer.text
        return [item["item"]["uri"] for item in answer.json()["items"]]


async def a_person(name: str) -> Person:
    user_id = random_id()
    await accounts.create_user(
        user_id, "correct horse battery", f"{user_id}@example.com", "DE", "free", name,
        user_id=user_id,
    )  # fmt: skip
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=local_settings.PUBLIC_URL,
        headers={"authorization": f"Bearer {signed(user_id, SCOPES)}"},
    )
    return Person(user_id, client)


@pytest.fixture(scope="session")
async def ada(firestore: str, pubsub: str) -> AsyncIterator[Person]:
    person = await a_person("Ada")
    async with person.http:
        yield person


@pytest.fixture(scope="session")
async def bob(firestore: str, pubsub: str) -> AsyncIterator[Person]:
    person = await a_person("Bob")
    async with person.http:
        yield person


@pytest.fixture(scope="session")
async def tracks(firestore: str) -> list[Track]:
    """Six tracks of one album; the last is not released in Germany."""
    artist = an_artist()
    album = an_album(artist)
    found = [
        a_track(album, f"Part {number}", track_number=number, territories=("SE",) * (number == 6))
        for number in range(1, 7)
    ]
    await catalog.load(found, [album], [artist])
    return found


@pytest.fixture(scope="session")
def uris(tracks: list[Track]) -> list[str]:
    return [f"spotify:track:{track.id}" for track in tracks]


@pytest.fixture(scope="session")
async def episode(firestore: str) -> Episode:
    show = Show(
        id=random_id(), name="A Show", publisher="We", languages=("en",), total_episodes=1,
        images=("b" * 22,),
    )  # fmt: skip
    made = Episode(id=random_id(), show_id=show.id, name="Pilot", duration_ms=60_000)
    await podcasts.load([show], [made])
    return made


@pytest.fixture(scope="session")
def storage(settings_env: pytest.MonkeyPatch, logs: Path) -> Iterator[str]:
    """Storage with the topology's buckets."""
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "emulators.storage", "--port", str(port)]
    command += ["--data-dir", logs / "covers"]
    url = f"http://127.0.0.1:{port}"
    ready: Callable[[], bool] = accepts(port)
    with process(command, ready, logs / "covers.log"):
        settings_env.setenv("STORAGE_EMULATOR_HOST", url)
        settings_env.setenv("SEGUE_STORAGE_URL", url)
        settings_env.setenv("SEGUE_ANONYMOUS", "true")
        local_settings.forget_settings()
        yield url
