"""Home while what it is made of is away: refusing, or silent (F219)."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import astuple, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from emulators.processes import free_port
from shared.platform.ids import random_id
from shared.recommendations import home, serving, store, taste
from shared.recommendations.making import Maker
from shared.signals import service as signals
from shared.signals.models import Signal
from tests.emulator.catalog.functions import function
from tests.emulator.recommendations.outages import ENDPOINTS, away, forget, silent
from tests.emulator.recommendations.worlds import listen, served
from tests.unit.recommendations.bundles import PlainBundle, a_world

# Five times as patient as in use, since this machine's cores have other work; and what is beside
# home, from the token to the rendering.
PATIENCE = home.Patience(*(5 * one for one in astuple(home.PATIENCE)))
WITHIN_S = PATIENCE.deadline_s + 1.0
SCOPES = "user-read-recently-played"
_PLAIN = a_world()
# Every third track is explicit.
WORLD = PlainBundle(
    [replace(item, is_explicit=row % 3 == 0) for row, item in enumerate(_PLAIN.items)],
    _PLAIN.vectors,
)


@pytest.fixture(scope="module", autouse=True)
async def _world(
    storage: str,
    bigtable: str,
    firestore: str,
    pubsub: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home, "PATIENCE", PATIENCE)
        async with served(WORLD, tmp_path_factory.mktemp("bundles")):
            yield


@pytest.fixture(scope="module")
async def listener() -> str:
    """Somebody with a made list."""
    user_id = random_id()
    await listen(user_id, range(0, 40, 4))
    bundle = await serving.bundle()
    assert bundle is not None
    await Maker(bundle, products=("discover-weekly",)).run_for(user_id)
    return user_id


@pytest.fixture
async def fan(listener: str) -> str:
    """The same on an instance that has served them, so there is a last good home."""
    await serving.bundle()
    for _ in range(10):  # what was away is asked again, on a machine that has other work
        body, _ = await ask(listener)
        if len(body["shelves"]) > 3 and not body["is_last_good"]:
            return listener
    raise AssertionError(f"home does not come back: {body}")


def forget_homes() -> None:
    home._of_people.clear()
    home._of_countries.clear()


async def ask(user_id: str) -> tuple[Any, float]:
    """Home, and how long it took (s)."""
    async with function("recommendations", user=user_id, scope=SCOPES) as client:
        began = time.monotonic()
        answer = await client.get("/v1/me/home")
        took_s = time.monotonic() - began
    assert answer.status_code == 200, answer.text
    return answer.json(), took_s


@pytest.fixture(params=["refusing", "silent"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    if request.param == "refusing":
        yield free_port()
    else:
        with silent() as listening:
            yield listening


@pytest.mark.parametrize("name", ENDPOINTS)
async def test_home_is_answered_while_one_is_away(fan: str, port: int, name: str) -> None:
    with away((name,), port):
        if name == "Cloud Storage":
            serving._serving.cache_clear()  # an instance that has just started
        body, took_s = await ask(fan)
    if name == "Cloud Storage":
        serving._serving.cache_clear()
    assert took_s < WITHIN_S
    shelves = [one["id"] for one in body["shelves"]]
    assert "because-1" in shelves
    if name == "Pub/Sub":
        assert body["is_last_good"] is False
    elif name in ("Firestore", "Bigtable"):
        assert body["is_last_good"] is True


async def test_without_bigtable_a_fresh_instance_shows_what_is_popular(fan: str, port: int) -> None:
    forget_homes()
    with away(("Bigtable",), port):
        body, took_s = await ask(fan)
    assert took_s < WITHIN_S
    assert "popular" in [one["id"] for one in body["shelves"]]


async def test_without_firestore_a_fresh_instance_has_the_last_good_home_from_bigtable(
    fan: str, port: int
) -> None:
    forget_homes()
    with away(("Firestore",), port):
        body, took_s = await ask(fan)
    assert took_s < WITHIN_S
    assert body["is_last_good"] is True
    assert "because-1" in [one["id"] for one in body["shelves"]]


async def test_without_firestore_a_stranger_has_what_is_popular_in_the_country(
    fan: str, port: int
) -> None:
    with away(("Firestore",), port):
        body, took_s = await ask(random_id())
        forget_homes()
        from_bigtable, _ = await ask(random_id())
    assert took_s < WITHIN_S
    for one in (body, from_bigtable):
        assert [shelf["id"] for shelf in one["shelves"]] == ["popular"]
        assert one["is_last_good"] is True


async def test_nothing_explicit_is_everybodys(fan: str) -> None:
    """Whoever gets it may have their filter on, which cannot be read then."""
    forget_homes()
    body, _ = await ask(fan)
    (popular,) = [one for one in body["shelves"] if one["id"] == "popular"]
    assert any(one["explicit"] for one in popular["items"])
    stored, _ = await store.read_home("DE")
    assert stored is not None
    (common,) = json.loads(stored)["shelves"]
    assert common["items"] == [one for one in popular["items"] if not one["explicit"]]


async def test_a_last_good_home_shows_nothing_that_is_not_wanted_any_more() -> None:
    """The catalog is away, and the person has hidden an artist and turned their filter on since."""
    user_id = random_id()
    await listen(user_id, range(0, 40, 4))
    forget()
    before, _ = await ask(user_id)
    tracks = [item for shelf in before["shelves"] for item in shelf["items"] if "album" in item]
    artist = next(one for one in tracks if not one["explicit"])["artists"][0]
    assert any(one["explicit"] for one in tracks)
    hide = Signal(
        event_id="h", user_id=user_id, kind="hide", ts=datetime.now(UTC), subject_uri=artist["uri"]
    )
    await signals.record(hide)

    async def read(user_id: str, country: str | None, *, patience_s: float) -> taste.Listener:
        return taste.drawn(
            user_id, await signals.signals_of(user_id), 0, country=country, allows_explicit=False
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taste, "read", read)
        with away(("Firestore",), free_port()):
            body, _ = await ask(user_id)
    assert body["is_last_good"] is True
    shown = [item for shelf in body["shelves"] for item in shelf["items"] if "album" in item]
    assert 0 < len(shown) < len(tracks)
    for one in shown:
        assert one["explicit"] is False
        assert artist["id"] not in {each["id"] for each in one["artists"]}


async def test_without_firestore_a_last_good_home_is_without_what_was_hidden_since(
    port: int,
) -> None:
    """Signals are in Bigtable. Whether the filter was turned on since, only the account knows."""
    user_id = random_id()
    await listen(user_id, range(0, 40, 4))
    forget()
    before, _ = await ask(user_id)
    tracks = [item for shelf in before["shelves"] for item in shelf["items"] if "album" in item]
    artist = tracks[0]["artists"][0]
    await signals.record(
        Signal(
            event_id="h",
            user_id=user_id,
            kind="hide",
            ts=datetime.now(UTC),
            subject_uri=artist["uri"],
        )
    )
    with away(("Firestore",), port):
        body, took_s = await ask(user_id)
    assert took_s < WITHIN_S
    assert body["is_last_good"] is True
    shown = [item for shelf in body["shelves"] for item in shelf["items"] if "album" in item]
    assert artist["id"] not in {each["id"] for one in shown for each in one["artists"]}
    left = [one["id"] for one in tracks if one["artists"][0]["id"] != artist["id"]]
    assert [one["id"] for one in shown] == left
    assert any(one["explicit"] for one in shown)


async def test_without_anything_the_instance_remembers(fan: str, port: int) -> None:
    with away(tuple(ENDPOINTS), port):
        body, took_s = await ask(fan)
        assert took_s < WITHIN_S
        assert "because-1" in [one["id"] for one in body["shelves"]]
        forget_homes()
        body, took_s = await ask(random_id())
    assert took_s < WITHIN_S
    assert body["shelves"] == []


async def test_a_broken_bundle_is_no_broken_home(fan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = await serving.bundle()
    assert bundle is not None
    monkeypatch.setattr(type(bundle), "popular", lambda *_: 1 / 0)
    body, _ = await ask(fan)
    assert "made-for-you" in [one["id"] for one in body["shelves"]]
