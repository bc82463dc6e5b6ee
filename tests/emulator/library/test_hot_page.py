"""The hot door to the saved tracks, as the functions framework serves it, against the app's."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import functions_framework.aio
import httpx
import pytest

from shared.catalog.models import Track
from tests import local_settings
from tests.emulator.library.conftest import token

ROOT = Path(__file__).parents[3]
PLAIN = {"accept-encoding": "identity"}


@pytest.fixture(scope="module")
def served() -> httpx.ASGITransport:
    source = str(ROOT / "functions" / "library" / "main.py")
    app: Any = functions_framework.aio.create_asgi_app("library", source, "http")  # type: ignore[no-untyped-call]
    return httpx.ASGITransport(app)


@pytest.fixture
async def api(
    served: httpx.ASGITransport, client: httpx.AsyncClient, user_id: str, tracks: list[Track]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole function, whose user saved every track."""
    await client.put("/v1/me/tracks", json=[track.id for track in tracks])
    async with httpx.AsyncClient(
        transport=served, base_url=local_settings.PUBLIC_URL, headers=token(user_id)
    ) as made:
        yield made


@pytest.mark.parametrize(
    "query",
    ["", "?limit=3", "?offset=2", "?limit=2&offset=1", "?limit=50", "?offset=2&limit=3", "?limit="]
    + ["?limit=0", "?limit=51", "?limit=5offset=2", "?limit=abc", "?offset=100001", "?x=1", "?"],
)
async def test_both_doors_answer_alike(
    api: httpx.AsyncClient, client: httpx.AsyncClient, query: str
) -> None:
    for _ in range(2):
        hot = await api.get(f"/v1/me/tracks{query}", headers=PLAIN)
        app = await client.get(f"/v1/me/tracks{query}", headers=PLAIN)
        assert (hot.status_code, hot.content) == (app.status_code, app.content)
        for name in ("etag", "cache-control", "content-type", "vary"):
            assert hot.headers.get(name) == app.headers.get(name)


async def test_a_trailing_slash_is_accepted(api: httpx.AsyncClient) -> None:
    assert (await api.get("/v1/me/tracks/?limit=2")).json()["limit"] == 2


async def test_token_and_scope_are_checked(api: httpx.AsyncClient, user_id: str) -> None:
    refused = await api.get("/v1/me/tracks", headers={"authorization": "Bearer x.y.z"})
    assert refused.json()["error"] == {"status": 401, "message": "Invalid access token"}
    assert "www-authenticate" in refused.headers
    narrow = await api.get("/v1/me/tracks", headers=token(user_id, "streaming"))
    assert narrow.status_code == 403


async def test_a_page_that_is_asked_for_again_comes_packed(api: httpx.AsyncClient) -> None:
    first = await api.get("/v1/me/tracks", headers=PLAIN)
    plain = await api.get("/v1/me/tracks", headers=PLAIN)
    async with api.stream("GET", "/v1/me/tracks", headers={"accept-encoding": "gzip"}) as packed:
        raw = b"".join([part async for part in packed.aiter_raw()])
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content == first.content
    assert packed.headers["etag"] != plain.headers["etag"] == first.headers["etag"]
    assert "accept-encoding" in packed.headers["vary"]
    for known in (packed.headers["etag"], plain.headers["etag"]):
        answer = await api.get("/v1/me/tracks", headers={"if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")


async def test_a_change_shows_at_once(api: httpx.AsyncClient, tracks: list[Track]) -> None:
    for _ in range(3):
        assert (await api.get("/v1/me/tracks")).json()["total"] == len(tracks)
    await api.delete(f"/v1/me/tracks/{tracks[0].id}")
    assert (await api.get("/v1/me/tracks")).json()["total"] == len(tracks) - 1


async def test_a_browser_gets_the_headers_for_its_origin(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/me/tracks", headers={"origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
