"""What every HTTP function has: scopes as data, CORS, errors, conditional answers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Request, Response, Security
from joserfc import jwt

from shared import topology
from shared.platform import auth, http
from shared.platform.auth import Principal
from shared.platform.caching import CATALOG
from shared.platform.http import (
    Caller,
    answers,
    authenticate,
    authenticate_any,
    create_app,
    respond,
)
from shared.topology import RateClass
from tests import local_settings

EITHER = ["playlist-modify-public", "playlist-modify-private"]
app = create_app("catalog")


@app.get("/any")
async def anybody(request: Request, caller: Caller) -> Response:
    return respond(request, {"user": caller.user_id}, cache=CATALOG)


@app.get("/both")
async def both(caller: Annotated[Principal, Security(authenticate, scopes=EITHER)]) -> str:
    return "in"


@app.get("/either", responses=answers(None, 404))
async def either(caller: Annotated[Principal, Security(authenticate_any, scopes=EITHER)]) -> str:
    return "in"


def token(scope: str) -> dict[str, str]:
    now_s = int(time.time())
    claims: dict[str, Any] = {
        "iss": f"{local_settings.PUBLIC_URL}/accounts",
        "aud": auth.AUDIENCE,
        "sub": "the-user",
        "client_id": "the-app",
        "scope": scope,
        "tier": "free",
        "country": "DE",
        "exp": now_s + 60,
    }
    header = {"alg": "ES256", "kid": "test-1", "typ": "at+jwt"}
    signed = jwt.encode(header, claims, local_settings.signing_key(), algorithms=["ES256"])
    return {"authorization": f"Bearer {signed}"}


@pytest.fixture
async def api() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test"
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        ("/any", "", 200),
        ("/both", " ".join(EITHER), 200),
        ("/both", EITHER[0], 403),
        ("/either", EITHER[0], 200),
        ("/either", EITHER[1], 200),
        ("/either", "streaming", 403),
        ("/either", "", 403),
    ],
)
async def test_a_route_admits_who_has_its_scopes(
    api: httpx.AsyncClient, path: str, scope: str, status: int
) -> None:
    answer = await api.get(path, headers=token(scope))
    assert answer.status_code == status
    if status == 403:
        assert EITHER[0] in answer.json()["error"]["message"]


async def test_an_answer_that_the_client_holds_is_not_sent_again(api: httpx.AsyncClient) -> None:
    first = await api.get("/any", headers=token(""))
    assert first.headers["cache-control"] == "private, max-age=300"
    etag = first.headers["etag"]
    for held in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await api.get("/any", headers=token("") | {"if-none-match": held})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    changed = await api.get("/any", headers=token("") | {"if-none-match": '"other"'})
    assert changed.status_code == 200


async def test_pages_of_any_origin_may_call_and_read(api: httpx.AsyncClient) -> None:
    origin = {"origin": "https://an-app.example"}
    asked = {"access-control-request-method": "PUT", "access-control-request-headers": "dpop"}
    preflight = await api.options("/any", headers=origin | asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "dpop" in preflight.headers["access-control-allow-headers"]
    refused = await api.get("/any", headers=origin)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "*"
    assert "Retry-After" in refused.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in refused.headers


async def test_an_unknown_path_and_method_are_answered_in_the_apis_shape(
    api: httpx.AsyncClient,
) -> None:
    unknown = await api.get("/nowhere")
    assert unknown.json() == {"error": {"status": 404, "message": "Service not found"}}
    method = await api.delete("/any")
    assert method.status_code == 405
    assert method.headers["allow"] == "GET"
    assert method.json()["error"]["status"] == 405


def test_scopes_stand_in_the_document() -> None:
    operations = app.openapi()["paths"]
    assert operations["/both"]["get"]["security"] == [{"segue": EITHER}]
    assert operations["/either"]["get"]["responses"].keys() >= {"200", "401", "403", "404", "429"}


@pytest.mark.parametrize(
    ("method", "path", "rate_class"),
    [
        ("GET", "/v1/tracks/{track_id}", RateClass.STANDARD),
        ("HEAD", "/v1/search", RateClass.SEARCH),
        ("GET", "/v1/playlists/{playlist_id}/items", RateClass.STANDARD),
        ("POST", "/v1/playlists/{playlist_id}/items", RateClass.PLAYLIST_CHANGES),
        ("PUT", "/v1/me/player/play", RateClass.PLAYER),
        ("POST", "/v1/me/playlists", RateClass.PLAYLIST_CHANGES),
        ("GET", "/v1/playback/manifest", RateClass.PLAYER),
    ],
)
def test_a_route_has_the_rate_class_of_the_topology(
    method: str, path: str, rate_class: RateClass
) -> None:
    assert http._rate_class_of(method, path) is rate_class


def test_every_route_behind_a_token_is_limited() -> None:
    for function in topology.HTTP_FUNCTIONS:
        for route in function.routes:
            limited = route.rate_class is not RateClass.NONE
            assert limited == (route.auth is topology.Auth.BEARER), route
