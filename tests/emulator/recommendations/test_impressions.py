"""What was on somebody's screen is told with the scores it was retrieved with, for ranking to learn
from."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from shared.experiments import exposures
from shared.experiments.models import Exposure
from shared.platform.ids import random_id
from shared.recommendations import serving
from shared.recommendations.making import Maker
from shared.recommendations.ranking.impressions import Impression, read_entry
from tests.emulator.catalog.functions import function
from tests.emulator.recommendations.worlds import listen, served
from tests.unit.recommendations.bundles import a_world

SCOPES = "user-read-recently-played"
WORLD = a_world()


@pytest.fixture(scope="module", autouse=True)
async def _world(
    storage: str,
    bigtable: str,
    firestore: str,
    pubsub: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[None]:
    async with served(WORLD, tmp_path_factory.mktemp("bundles")):
        yield


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Exposure]:
    """What is told while a test runs."""
    found: list[Exposure] = []
    log = exposures.Log()
    tell = log.tell

    async def keep(some: Iterable[Exposure]) -> bool:
        found.extend(some)
        return await tell(found)

    monkeypatch.setattr(log, "tell", keep)
    monkeypatch.setattr(exposures, "log", log)
    return found


async def ask(user_id: str, path: str) -> Any:
    async with function("recommendations", user=user_id, scope=SCOPES) as client:
        answer = await client.get(f"/v1/me/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_made_list_on_the_screen_is_told_with_scores(told: list[Exposure]) -> None:
    user_id = random_id()
    await listen(user_id, range(0, 40, 4))
    bundle = await serving.bundle()
    assert bundle is not None
    await Maker(bundle, await serving.ordering(is_job=True)).run_for(user_id)
    shown = await ask(user_id, "made-for-you/discover-weekly")

    (one,) = told
    assert (one.kind, one.surface, one.shelf, one.position) == (
        *("impression", "made-for-you"),
        *(None, None),
    )
    entries = Impression.parse(0, one.items).entries
    read = [read_entry(text, place) for place, text in enumerate(entries)]
    assert [track_id for track_id, _ in read] == [track["id"] for track in shown["tracks"]]
    for _, how in read:
        assert 0 <= how.score <= 2
        assert how.source is not None


async def test_of_home_recommended_tracks_say_where_they_came_from(told: list[Exposure]) -> None:
    user_id = random_id()
    await listen(user_id, range(0, 40, 4))
    await ask(user_id, "home")

    shelves = {one.shelf: json.loads(one.items or "[]") for one in told if one.shelf}
    for name in ("because-1", "popular"):
        assert shelves[name]
        assert all(read_entry(text, 0)[1].source is not None for text in shelves[name])
    assert all(" " not in text for text in shelves["recently-played"])
