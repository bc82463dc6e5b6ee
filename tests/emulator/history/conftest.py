from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from joserfc import jwt

from functions.events.main import app as events_app
from functions.history.main import app as history_app
from shared import topology
from shared.catalog.models import AlbumRef, ArtistRef, Track
from shared.history.models import PlaybackEvent, from_ms, to_ms
from shared.platform import auth, clients
from shared.platform.ids import content_id, random_id
from tests import local_settings

NOW_MS = to_ms(datetime.now(UTC))
HOUR_MS = 3_600_000


@pytest.fixture
def user_id() -> str:
    return random_id()


Headers = dict[str, str]


@pytest.fixture
def headers(settings_env: pytest.MonkeyPatch, user_id: str) -> Callable[..., Headers]:
    """The Authorization header of the user's token; other claims by name."""

    def make(**changes: Any) -> Headers:
        claims = {
            "iss": f"{local_settings.PUBLIC_URL}/accounts",
            "aud": auth.AUDIENCE,
            "sub": user_id,
            "client_id": "an-app",
            "scope": "streaming user-read-recently-played user-top-read",
            "tier": "premium",
            "country": "DE",
            "exp": int(time.time()) + 3600,
            **changes,
        }
        header = {"alg": "ES256", "kid": "test-1", "typ": "at+jwt"}
        token = jwt.encode(header, claims, local_settings.signing_key(), algorithms=["ES256"])
        return {"authorization": f"Bearer {token}"}

    return make


async def _client(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    base = local_settings.PUBLIC_URL
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client


@pytest.fixture
async def events(pubsub: str) -> AsyncIterator[httpx.AsyncClient]:
    async for client in _client(events_app):
        yield client


@pytest.fixture
async def history(bigtable: str, firestore: str) -> AsyncIterator[httpx.AsyncClient]:
    async for client in _client(history_app):
        yield client


@pytest.fixture
async def track_id(firestore: str) -> str:
    """A track in the catalog."""
    artist = ArtistRef(id=content_id("artist", "x"), name="An Artist")
    track = Track(
        id=random_id(),
        name="A Song",
        artists=(artist,),
        album_id="a" * 22,
        album=AlbumRef(
            id="a" * 22,
            name="An Album",
            artists=(artist,),
            release_date="2026",
            release_date_precision="year",
            album_type="album",
            total_tracks=1,
            images=(),
        ),
        disc_number=1,
        track_number=1,
        duration_ms=200_000,
        explicit=False,
        isrc=None,
        image_id=None,
        asset_version="0" * 16,
        content_hash="0" * 64,
        encodings=(),
        published_at=datetime.now(UTC),
    )
    await clients.collection(topology.TRACKS).document(track.id).set(track.model_dump())
    return track.id


def played(user_id: str, track_id: str, ms_ago: int, **changes: Any) -> PlaybackEvent:
    made = {
        "event_id": random_id(),
        "type": "play_started",
        "user_id": user_id,
        "track_id": track_id,
        "session_id": "s",
        "position_ms": 0,
        "ts": from_ms(NOW_MS - ms_ago),
        "country": "DE",
        "tier": "premium",
        **changes,
    }
    return PlaybackEvent(**made)
