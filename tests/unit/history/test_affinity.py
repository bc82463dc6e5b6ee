"""What plays and follows weigh, and the page that asks for another's minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from shared.history import affinity
from shared.platform.cache import ReadThroughCache
from shared.search.models import Affinity

Key = tuple[str, int]


def test_a_followed_artist_weighs_most_and_plays_never_as_much() -> None:
    found = affinity.weighed(
        ["followed"], {"t1": 3.0, "t2": 300.0}, {"t1": ["played"], "t2": ["loved", "followed"]}
    )
    assert found.artists["followed"] == 1.0
    assert found.artists["played"] == 0.5
    assert 0.98 < found.artists["loved"] < 1.0
    assert found.items == {"track:t1": 0.5, "track:t2": 300 / 303}


def test_a_track_that_is_gone_counts_for_no_artist() -> None:
    assert affinity.weighed([], {"gone": 1.0}, {}).artists == {}


def stored(
    monkeypatch: pytest.MonkeyPatch, delay_s: float = 0, *, fails: bool = False
) -> list[Key]:
    """Replaces what is read by something that takes `delay_s`; returns the keys that were read."""
    read: list[Key] = []

    async def load(keys: Sequence[Key]) -> dict[Key, Affinity]:
        read.extend(keys)
        await asyncio.sleep(delay_s)
        if fails:
            raise ConnectionError("the store is gone")
        return {key: Affinity({"artist": 1.0}) for key in keys}

    held: ReadThroughCache[Key, Affinity] = ReadThroughCache(
        load, maximum=10, ttl_s=60, negative_ttl_s=60
    )
    monkeypatch.setattr(affinity, "_held", held)
    return read


async def test_it_is_read_once_a_minute_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    read = stored(monkeypatch)
    liked, minute = await affinity.of("ada")
    assert liked.artists == {"artist": 1.0}
    assert minute in (int(time.time()) // 60, int(time.time()) // 60 - 1)
    assert (await affinity.of("ada", minute))[0] is liked
    assert read == [("ada", minute)]


async def test_a_slow_store_delays_no_search_and_the_next_one_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored(monkeypatch, delay_s=0.2)
    assert await affinity.of("ada") == (affinity.NONE, 0)
    await asyncio.sleep(0.25)
    assert (await affinity.of("ada"))[0].artists == {"artist": 1.0}


async def test_a_page_that_began_without_affinity_goes_on_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = stored(monkeypatch)
    assert await affinity.of("ada", 0) == (affinity.NONE, 0)
    assert read == []


async def test_a_later_page_waits_for_the_order_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored(monkeypatch, delay_s=0.2)
    minute = int(time.time()) // 60 - 5
    liked, held = await affinity.of("ada", minute)
    assert (liked.artists, held) == ({"artist": 1.0}, minute)


@pytest.mark.parametrize("offset", [-1_000, 1_000])
async def test_a_minute_of_another_day_is_taken_for_the_present(
    offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = stored(monkeypatch)
    present = int(time.time()) // 60
    assert (await affinity.of("ada", present + offset))[1] - present in (0, 1)
    assert read[0][1] - present in (0, 1)


async def test_a_store_that_fails_fails_no_search(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stored(monkeypatch, fails=True)
    assert await affinity.of("ada") == (affinity.NONE, 0)
    assert "goes without affinity" in caplog.text
