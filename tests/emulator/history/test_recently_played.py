from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from shared import topology
from shared.history import service
from shared.history.models import PlaybackEvent
from shared.platform import clients
from shared.platform.ids import random_id
from tests import local_settings
from tests.emulator.history.conftest import HOUR_MS, NOW_MS, played

Headers = Callable[..., dict[str, str]]
PATH = "/v1/me/player/recently-played"


async def record(*events: PlaybackEvent) -> None:
    for event in events:
        await service.record(event)


async def page(history: httpx.AsyncClient, headers: Headers, url: str = PATH) -> dict[str, Any]:
    response = await history.get(url, headers=headers())
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def follow(history: httpx.AsyncClient, headers: Headers, url: str) -> list[list[str]]:
    """The moments of every page from `url` on."""
    pages, following = [], url
    while following:
        answer = await page(history, headers, following)
        pages.append([item["played_at"] for item in answer["items"]])
        parts = urlsplit(answer["next"] or "")
        following = f"{parts.path}?{parts.query}" if answer["next"] else ""
        assert len(pages) < 100
    return pages


async def test_the_newest_play_comes_first_with_its_track(
    history: httpx.AsyncClient, headers: Headers, user_id: str, track_id: str
) -> None:
    context = f"spotify:album:{'a' * 22}"
    await record(
        played(user_id, track_id, 2 * HOUR_MS),
        played(user_id, track_id, HOUR_MS, context_uri=context),
    )
    answer = await page(history, headers)
    newest, older = answer["items"]
    assert newest["played_at"] > older["played_at"]
    assert newest["played_at"].endswith("Z")
    assert newest["track"]["id"] == track_id
    assert newest["track"]["album"]["name"] == "An Album"
    assert newest["context"]["type"] == "album"
    assert newest["context"]["uri"] == context
    assert older["context"]["uri"] == older["track"]["album"]["uri"]
    assert answer["limit"] == 20
    assert answer["next"] is None
    assert answer["cursors"] == {
        "after": str(NOW_MS - HOUR_MS),
        "before": str(NOW_MS - 2 * HOUR_MS),
    }
    assert answer["href"].startswith(f"{local_settings.PUBLIC_URL}{PATH}?")


async def test_who_played_nothing_has_an_empty_page(
    history: httpx.AsyncClient, headers: Headers
) -> None:
    answer = await page(history, headers)
    assert (answer["items"], answer["next"], answer["cursors"]) == (
        [],
        None,
        {"after": "", "before": ""},
    )


async def test_three_deliveries_in_any_order_leave_one_history(
    history: httpx.AsyncClient, headers: Headers, user_id: str, track_id: str
) -> None:
    events = [played(user_id, track_id, number * 1000) for number in range(6)]
    deliveries = events * 3
    random.Random(7).shuffle(deliveries)
    await record(*deliveries)
    answer = await page(history, headers)
    moments = [item["played_at"] for item in answer["items"]]
    assert len(moments) == 6
    assert moments == sorted(moments, reverse=True)


async def test_a_second_play_in_the_same_millisecond_survives(
    history: httpx.AsyncClient, headers: Headers, user_id: str, track_id: str
) -> None:
    await record(*(played(user_id, track_id, HOUR_MS) for _ in range(3)))
    assert len((await page(history, headers))["items"]) == 3
    assert len(await follow(history, headers, f"{PATH}?limit=1")) == 3
    moment_ms = NOW_MS - HOUR_MS - 1
    assert len(await follow(history, headers, f"{PATH}?limit=2&after={moment_ms}")) == 2


async def test_only_a_start_is_a_play(
    history: httpx.AsyncClient, headers: Headers, user_id: str, track_id: str
) -> None:
    types = ("progress", "paused", "resumed", "seeked", "completed", "skipped", "stopped", "qoe")
    await record(*(played(user_id, track_id, HOUR_MS, type=kind) for kind in types))
    assert (await page(history, headers))["items"] == []


async def test_nobody_sees_anothers_history(
    history: httpx.AsyncClient, headers: Headers, user_id: str, track_id: str
) -> None:
    await record(played(random_id(), track_id, HOUR_MS))
    assert (await page(history, headers))["items"] == []


async def test_what_is_older_than_90_days_is_gone_though_still_stored(
    history: httpx.AsyncClient, headers: Headers, user_id: str, track_id: str
) -> None:
    day_ms = 24 * HOUR_MS
    await record(
        played(user_id, track_id, 89 * day_ms),
        played(user_id, track_id, 90 * day_ms + 1),
        played(user_id, track_id, 200 * day_ms),
    )
    answer = await page(history, headers)
    assert len(answer["items"]) == 1
    assert await page(history, headers, f"{PATH}?before={NOW_MS - 90 * day_ms}")
    table = clients.table(topology.LISTENING_HISTORY)
    from google.cloud.bigtable.data import ReadRowsQuery, RowRange

    stored = ReadRowsQuery(row_ranges=RowRange(f"{user_id}#", f"{user_id}$"))
    assert len(await table.read_rows(stored)) == 3


async def test_a_play_whose_track_left_the_catalog_is_left_out(
    history: httpx.AsyncClient, headers: Headers, user_id: str, track_id: str
) -> None:
    await record(played(user_id, random_id(), HOUR_MS), played(user_id, track_id, 2 * HOUR_MS))
    answer = await page(history, headers, f"{PATH}?limit=1")
    assert answer["items"] == []
    assert answer["next"]  # the page is short, not the history


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 10])
async def test_pages_in_either_direction_hold_every_play_once(
    history: httpx.AsyncClient, headers: Headers, user_id: str, track_id: str, limit: int
) -> None:
    await record(*(played(user_id, track_id, number * 1000) for number in range(7)))
    older = await follow(history, headers, f"{PATH}?limit={limit}")
    newer = await follow(history, headers, f"{PATH}?limit={limit}&after={NOW_MS - HOUR_MS}")
    everything = list(itertools.chain(*older))
    assert everything == sorted(everything, reverse=True)
    assert len(everything) == 7
    assert list(itertools.chain(*reversed(newer))) == everything
    assert all(moments == sorted(moments, reverse=True) for moments in newer)


async def test_cursors_leave_their_own_moment_out(
    history: httpx.AsyncClient, headers: Headers, user_id: str, track_id: str
) -> None:
    await record(*(played(user_id, track_id, number * 1000) for number in range(3)))
    middle_ms = NOW_MS - 1000
    before = await page(history, headers, f"{PATH}?before={middle_ms}")
    after = await page(history, headers, f"{PATH}?after={middle_ms}")
    assert [item["played_at"] < after["items"][0]["played_at"] for item in before["items"]] == [
        True
    ]
    assert len(after["items"]) == 1
    assert after["cursors"]["after"] == str(NOW_MS)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("limit=0", "limit"),
        ("limit=51", "limit"),
        ("limit=many", "limit"),
        ("before=-1", "before"),
        ("after=yesterday", "after"),
        ("before=1&after=2", "together"),
        ("before=99999999999999999999", "before"),
        ("before=1&cursor_event=%23", "cursor_event"),
    ],
)
async def test_a_bad_parameter_is_named(
    history: httpx.AsyncClient, headers: Headers, query: str, says: str
) -> None:
    response = await history.get(f"{PATH}?{query}", headers=headers())
    assert response.status_code == 400
    assert says in response.json()["error"]["message"]


async def test_it_takes_the_right_token(history: httpx.AsyncClient, headers: Headers) -> None:
    assert (await history.get(PATH)).status_code == 401
    assert (await history.get(PATH, headers=headers(scope="streaming"))).status_code == 403
    own = headers(sub="an-app")
    assert (await history.get(PATH, headers=own)).status_code == 401
