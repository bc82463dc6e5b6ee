"""The gateway finds the function that the cloud's URL map would."""

from __future__ import annotations

import pytest

from emulators.function_host import UrlMap
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


@pytest.mark.parametrize("path", ["/v1", "/v1/tracks", "/v1/tracks/a/b", "/nowhere", "/assets/"])
def test_a_path_that_no_template_matches_reaches_nothing(path: str) -> None:
    assert URL_MAP.find(path) is None


def test_head_and_options_come_with_get() -> None:
    found = URL_MAP.find("/v1/search")
    assert found is not None
    assert found[1] == {"GET", "HEAD", "OPTIONS"}
