from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.catalog import service as catalog
from shared.history import service
from shared.platform.ids import random_id
from tests import contract
from tests.emulator.history.conftest import HOUR_MS, played
from tests.unit.catalog.samples import a_track, an_album, an_artist

Headers = Callable[..., dict[str, str]]
DAY_MS = 24 * HOUR_MS
TRACKS, ARTISTS = "/v1/me/top/tracks", "/v1/me/top/artists"


@pytest.fixture
async def music(firestore: str) -> tuple[list[str], list[str]]:
    """Ids of three tracks and of the artists that they are by: one, one, the other."""
    one, other = an_artist("One"), an_artist("Other")
    first, second = an_album(one, total_tracks=2), an_album(other, total_tracks=1)
    tracks = [a_track(first, "A"), a_track(first, "B", track_number=2), a_track(second, "C")]
    await catalog.load(tracks, [first, second], [one, other])
    return [track.id for track in tracks], [one.id, other.id]


async def top(
    history: httpx.AsyncClient, headers: Headers, path: str, **query: Any
) -> dict[str, Any]:
    answer = await history.get(path, params=query or None, headers=headers())
    assert answer.status_code == 200, answer.text
    contract.published().check("GET", answer.request.url.path, answer)
    body: dict[str, Any] = answer.json()
    return body


async def test_what_was_played_most_and_lately_comes_first(
    history: httpx.AsyncClient,
    headers: Headers,
    user_id: str,
    music: tuple[list[str], list[str]],
) -> None:
    (a, b, c), (one, other) = music
    for track, days in ((a, 1), (b, 2), (b, 3), (c, 60), (c, 61), (c, 62), (c, 63), (c, 64)):
        await service.record(played(user_id, track, days * DAY_MS))
    await service.record(played(user_id, random_id(), DAY_MS))  # gone from the catalog

    short = await top(history, headers, TRACKS, time_range="short_term")
    assert [item["id"] for item in short["items"]] == [b, a]
    assert (short["total"], short["limit"], short["offset"]) == (2, 20, 0)
    long = await top(history, headers, TRACKS, time_range="long_term")
    assert [item["id"] for item in long["items"]] == [c, b, a]
    artists = await top(history, headers, ARTISTS, time_range="short_term")
    assert [item["id"] for item in artists["items"]] == [one]
    artists = await top(history, headers, ARTISTS, time_range="long_term")
    assert [item["id"] for item in artists["items"]] == [other, one]
    assert artists["items"][0]["followers"] == {"href": None, "total": 0}

    # the next play is ranked at once
    for _ in range(4):
        await service.record(played(user_id, a, HOUR_MS))
    short = await top(history, headers, TRACKS, time_range="short_term")
    assert [item["id"] for item in short["items"]] == [a, b]


async def test_a_ranking_is_paged(
    history: httpx.AsyncClient,
    headers: Headers,
    user_id: str,
    music: tuple[list[str], list[str]],
) -> None:
    (a, b, c), _ = music
    for track, hours in ((a, 1), (b, 30), (c, 60)):
        await service.record(played(user_id, track, hours * HOUR_MS))
    page = await top(history, headers, TRACKS, limit=2)
    assert [item["id"] for item in page["items"]] == [a, b]
    assert page["total"] == 3
    assert "time_range=medium_term" in page["next"]
    rest = await top(history, headers, page["next"])
    assert [item["id"] for item in rest["items"]] == [c]
    assert rest["next"] is None
    assert rest["previous"]


async def test_who_played_nothing_likes_nothing(
    history: httpx.AsyncClient, headers: Headers
) -> None:
    for path in (TRACKS, ARTISTS):
        page = await top(history, headers, path)
        assert (page["items"], page["total"], page["next"]) == ([], 0, None)


@pytest.mark.parametrize(
    ("query", "says"),
    [("time_range=ever", "time_range"), ("limit=51", "limit"), ("offset=-1", "offset")],
)
async def test_a_bad_parameter_is_named(
    history: httpx.AsyncClient, headers: Headers, query: str, says: str
) -> None:
    answer = await history.get(f"{TRACKS}?{query}", headers=headers())
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]


async def test_it_takes_the_right_token(history: httpx.AsyncClient, headers: Headers) -> None:
    for path in (TRACKS, ARTISTS):
        assert (await history.get(path)).status_code == 401
        other = headers(scope="user-read-recently-played")
        assert (await history.get(path, headers=other)).status_code == 403
        assert (await history.get(path, headers=headers(sub="an-app"))).status_code == 401
