"""The gateway finds the function that the cloud's URL map would."""

from __future__ import annotations

import httpx
import pytest

from emulators.function_host import Gateway, UrlMap
from shared import topology

URL_MAP = UrlMap(topology.HTTP_FUNCTIONS)


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("/", "web_player"),
        ("/assets/index-1a2b.js", "web_player"),
        ("/v1/tracks/0000000000000000000001", "catalog"),
        ("/v1/albums/x/tracks", "catalog"),
        ("/v1/search", "search"),
        ("/v1/search/", "search"),
        ("/v1/playback/streams/token/google/manifest.mpd", "playback"),
        ("/accounts/.well-known/jwks.json", "accounts"),
    ],
)
def test_a_path_reaches_its_function(path: str, function: str) -> None:
    found = URL_MAP.find(path)
    assert found is not None
    assert found[0] == function


@pytest.mark.parametrize("path", ["/v1", "/v1/tracks/a/b", "/nowhere", "/assets/"])
def test_a_path_that_no_template_matches_reaches_nothing(path: str) -> None:
    assert URL_MAP.find(path) is None


def test_head_and_options_come_with_get() -> None:
    found = URL_MAP.find("/v1/search")
    assert found is not None
    assert found[1] == {"GET", "HEAD", "OPTIONS"}


def test_routes_of_one_path_that_differ_by_method_are_one() -> None:
    found = URL_MAP.find("/v1/playlists/0000000000000000000001/items")
    assert found is not None
    assert found[0] == "playlists"
    assert found[1] == {"GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE"}


def test_an_exact_path_goes_before_a_template_and_a_segment_before_the_rest() -> None:
    def function(name: str, *paths: str) -> topology.HttpFunction:
        return topology.HttpFunction(name=name, routes=tuple(topology.Route(p) for p in paths))

    found = UrlMap(
        (function("rest", "/a/{rest:path}"), function("id", "/a/{id}"), function("own", "/a/own"))
    )
    assert [found.find(path) for path in ("/a/own", "/a/own/", "/a/x", "/a/x/y")] == [
        (name, {"GET", "HEAD", "OPTIONS"}) for name in ("own", "own", "id", "rest")
    ]


def test_a_path_of_two_functions_is_refused_since_the_clouds_map_knows_no_methods() -> None:
    reading = topology.HttpFunction(name="reading", routes=(topology.Route("/a"),))
    writing = topology.HttpFunction(name="writing", routes=(topology.Route("/a", ("PUT",)),))
    with pytest.raises(ValueError, match="/a is served by reading and by writing"):
        UrlMap((reading, writing))


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "DELETE", "CONNECT"])
async def test_another_method_gets_405_with_those_that_are_allowed(method: str) -> None:
    gateway = Gateway(frozenset())
    gateway._url_map = URL_MAP
    transport = httpx.ASGITransport(app=gateway)
    async with httpx.AsyncClient(transport=transport, base_url="http://segue") as client:
        answer = await client.request(method, "/v1/search")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert answer.json()["error"]["status"] == 405
