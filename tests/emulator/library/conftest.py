from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from joserfc import jwt

from functions.library.main import app
from shared.catalog import service as catalog
from shared.catalog.models import Album, Artist, Track
from shared.platform import auth
from shared.platform.ids import random_id
from shared.podcasts import service as podcasts
from shared.podcasts.models import Episode, Show
from tests import local_settings
from tests.unit.catalog.samples import a_track, an_album, an_artist

SCOPES = (
    "user-library-read user-library-modify user-follow-read user-follow-modify "
    "playlist-read-private playlist-modify-public user-read-playback-position"
)

Headers = dict[str, str]


def token(user_id: str, scope: str = SCOPES) -> Headers:
    claims = {
        "iss": f"{local_settings.PUBLIC_URL}/accounts",
        "aud": auth.AUDIENCE,
        "sub": user_id,
        "client_id": "an-app",
        "scope": scope,
        "tier": "premium",
        "country": "DE",
        "exp": int(time.time()) + 3600,
    }
    header = {"alg": "ES256", "kid": "test-1", "typ": "at+jwt"}
    signed = jwt.encode(header, claims, local_settings.signing_key(), algorithms=["ES256"])
    return {"authorization": f"Bearer {signed}"}


@pytest.fixture
def user_id() -> str:
    return random_id()


@pytest.fixture
async def client(firestore: str, pubsub: str, user_id: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the library, signed in as `user_id` with every scope."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url=local_settings.PUBLIC_URL, headers=token(user_id)
    ) as made:
        yield made


@pytest.fixture(scope="session")
async def tracks(firestore: str) -> list[Track]:
    """Tracks of two albums in the catalog."""
    artist = an_artist()
    found: list[Track] = []
    for name in ("Pastel Blues", "Wild Is the Wind"):
        album = an_album(artist, name)
        for number in (1, 2, 3):
            track = a_track(album, f"{name} {number}", track_number=number)
            found.append((await catalog.publish_track(track, album, [artist])).track)
    return found


@pytest.fixture(scope="session")
async def album(tracks: list[Track]) -> Album:
    return await catalog.get_album(tracks[0].album_id)


@pytest.fixture(scope="session")
async def artist(tracks: list[Track]) -> Artist:
    return await catalog.get_artist(tracks[0].artists[0].id)


@pytest.fixture(scope="session")
async def episode(firestore: str) -> Episode:
    """An episode of a show in the catalog."""
    show = Show(id=random_id(), name="A Show", publisher="We", languages=("en",), total_episodes=1)
    made = Episode(id=random_id(), show_id=show.id, name="Pilot", duration_ms=60_000)
    await podcasts.load([show], [made])
    return made


Check = Callable[[httpx.Response], None]
