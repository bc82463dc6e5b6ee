"""`functions/podcasts` over HTTP, held to the contract."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.platform.ids import random_id
from shared.podcasts import service
from shared.podcasts.models import Episode, Show
from tests import contract
from tests.emulator.catalog.functions import function

UNKNOWN = "0" * 22
READ, PLAY = "user-read-playback-position", "user-modify-playback-state"
SHOW = Show(
    id=random_id(), name="Talk", publisher="We", languages=("en",), territories=("SE", "DE")
)
EPISODES = [
    Episode(
        id=random_id(),
        show_id=SHOW.id,
        name=f"No. {number}",
        duration_ms=600_000,
        release_date=f"2026-01-{number // 2 + 1:02}",
        release_date_precision="day",
        number=number,
    )
    for number in range(1, 8)
]


@pytest.fixture(scope="module", autouse=True)
async def _loaded(firestore: str) -> None:
    await service.load([SHOW.model_copy(update={"total_episodes": 7})], EPISODES)


async def get(template: str, item_id: str = "", scope: str = "", **parameters: Any) -> Any:
    async with function("podcasts", scope=scope) as client:
        answer = await client.get(template.replace("{id}", item_id), params=parameters)
    assert answer.status_code == 200, answer.text
    contract.published().check("GET", template, answer)
    return answer.json()


async def report(user: str, episode_id: str, **body: Any) -> httpx.Response:
    async with function("podcasts", user=user, scope=PLAY) as client:
        return await client.put(f"/v1/me/episodes/{episode_id}/resume-point", json=body)


async def test_a_show_has_its_newest_episodes_first() -> None:
    show = await get("/v1/shows/{id}", SHOW.id, market="DE")
    assert (show["name"], show["episodes"]["total"]) == ("Talk", 7)
    assert [one["name"] for one in show["episodes"]["items"]] == [
        f"No. {n}" for n in range(7, 0, -1)
    ]
    assert "resume_point" not in show["episodes"]["items"][0]
    several = await get("/v1/shows", ids=SHOW.id)
    assert [one["total_episodes"] for one in several["shows"]] == [7]


async def test_episodes_of_a_show_come_in_pages() -> None:
    page = await get("/v1/shows/{id}/episodes", SHOW.id, limit=3, offset=2, market="US")
    assert [one["name"] for one in page["items"]] == ["No. 5", "No. 4", "No. 3"]
    assert page["items"][0]["restrictions"] == {"reason": "market"}
    async with function("podcasts") as client:
        rest = (await client.get(page["next"])).json()
    assert [one["name"] for one in rest["items"]] == ["No. 2", "No. 1"]
    assert rest["next"] is None


async def test_an_episode_has_its_show() -> None:
    episode = await get("/v1/episodes/{id}", EPISODES[0].id)
    assert episode["show"]["id"] == SHOW.id
    several = await get("/v1/episodes", ids=f"{EPISODES[1].id},{EPISODES[0].id}")
    assert several["episodes"][1] == episode


async def test_an_unknown_id_among_several_is_null() -> None:
    async with function("podcasts") as client:
        for kind in ("shows", "episodes"):
            answer = await client.get(f"/v1/{kind}", params={"ids": UNKNOWN})
            assert answer.json() == {kind: [None]}


async def test_a_resume_point_is_read_back_at_once_by_those_who_may() -> None:
    user, episode = random_id(), EPISODES[2].id
    assert (await report(user, episode, position_ms=90_000)).status_code == 204
    async with function("podcasts", user=user, scope=READ) as client:
        answer = await client.get(f"/v1/episodes/{episode}")
        assert answer.json()["resume_point"] == {"fully_played": False, "resume_position_ms": 90000}
        assert answer.headers["cache-control"] == "private, max-age=0, must-revalidate"
        page = (await client.get(f"/v1/shows/{SHOW.id}/episodes")).json()["items"]
        assert [one["resume_point"]["resume_position_ms"] for one in page] == [
            *(0, 0, 0, 0, 90_000, 0, 0)
        ]
    assert "resume_point" not in await get("/v1/episodes/{id}", episode)


async def test_the_latest_report_stands_in_whatever_order_they_arrive() -> None:
    user, episode = random_id(), EPISODES[3].id
    now = datetime.now(UTC)
    moments = [now - timedelta(seconds=10 * age) for age in (3, 0, 2, 1, 4)]
    answers = await asyncio.gather(
        *(
            report(user, episode, position_ms=1000 * number, reported_at=at.isoformat())
            for number, at in enumerate(moments)
        )
    )
    assert {one.status_code for one in answers} == {204}
    held = (await service.resume_points(user, [episode]))[episode]
    assert (held.position_ms, held.reported_at) == (1000, now)
    await report(user, episode, position_ms=5, reported_at=moments[2].isoformat())
    assert (await service.resume_points(user, [episode]))[episode] == held


async def test_a_position_past_the_end_is_the_end() -> None:
    user, episode = random_id(), EPISODES[4].id
    await report(user, episode, position_ms=10**9, fully_played=True)
    held = (await service.resume_points(user, [episode]))[episode]
    assert (held.position_ms, held.fully_played) == (600_000, True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "position_ms: "),
        ({"position_ms": -1}, "position_ms: "),
        ({"position_ms": "7"}, "position_ms: "),
        ({"position_ms": 1, "fully_played": 1}, "fully_played: "),
        ({"position_ms": 1, "reported_at": "2026-01-01T00:00:00"}, "reported_at: "),
        ({"position_ms": 1, "reported_at": "2999-01-01T00:00:00Z"}, "reported_at: "),
        ({"position_ms": 1, "reported_at": "0001-01-01T00:00:00+14:00"}, "reported_at: "),
        ({"position_ms": 1, "reported_at": 1_700_000_000}, "reported_at: "),
        ({"position_ms": 1, "reported_at": "now"}, "reported_at: "),
        ({"position_ms": 1, "more": 1}, "more: "),
    ],
)
async def test_a_bad_report_is_refused_by_name(body: dict[str, Any], message: str) -> None:
    answer = await report("ada", EPISODES[0].id, **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(message)


async def test_a_report_needs_its_scope_and_an_episode() -> None:
    async with function("podcasts", scope=READ) as client:
        path = f"/v1/me/episodes/{EPISODES[0].id}/resume-point"
        assert (await client.put(path, json={"position_ms": 1})).status_code == 403
    assert (await report("ada", UNKNOWN, position_ms=1)).status_code == 404
