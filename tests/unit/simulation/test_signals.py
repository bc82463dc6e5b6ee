"""What simulated people do, as signals and as requests."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import httpx
import numpy as np
import pytest

from shared.history.models import MAX_BATCH, ReportedEvent
from shared.signals.models import Signal
from shared.simulation import api as simulated_api
from shared.simulation.api import Api, ApiFailed, patiently
from shared.simulation.catalogue import invented
from shared.simulation.listening import days_of
from shared.simulation.policies import NOTHING, Fixed
from shared.simulation.running import MOST_DAYS
from shared.simulation.signals import ONCE, SHELF, listen
from shared.simulation.visiting import BATCH, SEARCHES, _event, _known
from shared.simulation.world import World

FIRST = date(2026, 6, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(4)]


@pytest.fixture(scope="module")
def world() -> World:
    return World.make(invented(1_000, seed=2), people=120, seed=2)


@pytest.fixture(scope="module")
def signals(world: World) -> list[Signal]:
    return list(listen(world, NOTHING, DAYS))


def test_the_same_world_says_the_same(world: World, signals: list[Signal]) -> None:
    assert list(listen(world, NOTHING, DAYS)) == signals


def test_a_signal_is_told_apart_by_its_person_and_id(signals: list[Signal]) -> None:
    assert len({(one.user_id, one.event_id) for one in signals}) == len(signals)
    assert {one.suspected for one in signals} == {None}


def test_every_play_ends_once(world: World, signals: list[Signal]) -> None:
    kinds = Counter(one.kind for one in signals)
    plays = sum(len(one) for one in days_of(world, NOTHING, DAYS))
    assert kinds["play"] == plays
    assert kinds["skip"] + kinds["complete"] + kinds["stop"] == plays
    for kind in ("save", "playlist_add", "follow", "search"):
        assert kinds[kind] > 0
    duration = dict(
        zip(world.catalogue.track_ids, world.catalogue.duration_ms.tolist(), strict=True)
    )
    for one in signals:
        if one.kind == "complete":
            assert one.position_ms == duration[str(one.track_id)]
        if one.kind == "search":
            assert str(one.subject_uri).rpartition(":")[2] in world.catalogue.artist_ids
            assert one.track_id is None


def test_a_persons_signals_come_by_time(world: World, signals: list[Signal]) -> None:
    mine = [one for one in signals if one.user_id == world.user_id(5)]
    assert len(mine) > 10
    assert all(before.ts <= after.ts for before, after in pairwise(mine))


def test_a_longer_run_has_the_shorter_one_in_it(world: World, signals: list[Signal]) -> None:
    longer = {(one.user_id, one.event_id): one for one in listen(world, NOTHING, DAYS[1:])}
    of_those_days = [one for one in signals if one.ts.date() > FIRST]
    for one in of_those_days:
        if not one.event_id.startswith(ONCE):  # what was saved on the first day is saved later
            assert longer[one.user_id, one.event_id] == one


def test_what_came_of_a_shelf_says_so(world: World) -> None:
    told = list(listen(world, Fixed.of_best(world, 10), DAYS[:1]))
    contexts = Counter(one.context_uri for one in told if one.kind == "play")
    assert set(contexts) == {SHELF, None}
    assert min(contexts.values()) > 100


def test_events_are_what_players_may_report(world: World) -> None:
    until = datetime.now(UTC).date()
    days = [until - timedelta(days=MOST_DAYS), until - timedelta(days=1)]
    told = [
        one
        for one in listen(world, Fixed.of_best(world, 3), days)
        if one.kind in ("play", "skip", "complete", "stop")
    ]
    assert BATCH == MAX_BATCH
    for one in told:
        event = ReportedEvent.model_validate(_event(one))
        assert (event.event_id, event.track_id) == (one.event_id, one.track_id)
        assert event.ts == one.ts


def test_a_visit_goes_on_behind_the_newest_play_that_is_known(signals: list[Signal]) -> None:
    mine = [one for one in signals if one.user_id == signals[0].user_id]
    plays = [n for n, one in enumerate(mine) if one.kind == "play"]

    def told(place: int) -> dict[str, object]:
        return {
            "track": {"id": mine[place].track_id},
            "played_at": mine[place].ts.isoformat().replace("+00:00", "Z"),
        }

    foreign = {"track": {"id": "x"}, "played_at": "2026-06-02T10:00:00.000Z"}
    assert _known([], mine) == 0
    assert _known([foreign], mine) == 0
    assert _known([foreign, told(plays[3]), told(plays[1])], mine) == plays[3]
    assert 0 < SEARCHES < 10


def test_more_people_do_not_move_the_catalogue(world: World) -> None:
    other = World.make(world.catalogue, people=5, seed=2)
    assert np.array_equal(other.vectors, world.vectors)


# --- patience ---------------------------------------------------------------------------------


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(simulated_api.asyncio, "sleep", sleep)
    return found


def _client(*answers: httpx.Response | Exception) -> httpx.AsyncClient:
    left = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://segue.test")


async def test_a_limit_is_waited_for_as_long_as_it_says(pauses: list[float]) -> None:
    client = _client(httpx.Response(429, headers={"retry-after": "17"}), httpx.Response(200))
    assert (await patiently(lambda: client.get("/"))).status_code == 200
    assert pauses == [17.0]


async def test_failures_are_tried_again_ever_later(pauses: list[float]) -> None:
    client = _client(httpx.ConnectError("no"), httpx.Response(503), httpx.Response(204))
    assert (await patiently(lambda: client.get("/"))).status_code == 204
    assert pauses == [0.5, 1.0]


async def test_patience_ends(pauses: list[float]) -> None:
    client = _client(*[httpx.Response(500)] * 3)
    assert (await patiently(lambda: client.get("/"), tries=3)).status_code == 500
    client = _client(*[httpx.ConnectError("no")] * 2)
    with pytest.raises(httpx.ConnectError):
        await patiently(lambda: client.get("/"), tries=2)
    client = _client(httpx.Response(429, headers={"retry-after": "86400"}))
    assert (await patiently(lambda: client.get("/"))).status_code == 429


async def test_a_token_that_is_over_is_asked_for_anew(pauses: list[float]) -> None:
    tokens = iter(("old", "new"))

    async def token() -> str:
        return next(tokens)

    api = Api(_client(httpx.Response(401), httpx.Response(200, json={"ok": 1})), token)
    assert await api.get("/v1/me") == {"ok": 1}
    assert next(tokens, None) is None


async def test_what_cannot_succeed_is_told(pauses: list[float]) -> None:
    async def token() -> str:
        return "t"

    api = Api(_client(httpx.Response(403, text="no"), httpx.Response(404)), token)
    with pytest.raises(ApiFailed, match="GET /v1/me: 403 no"):
        await api.get("/v1/me")
    assert await api.call("GET", "/v1/me/home", absent=None) is None
