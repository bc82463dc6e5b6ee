"""Made lists and last good homes in Bigtable."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from shared.platform.ids import random_id
from shared.recommendations import store
from shared.recommendations.items import Why
from shared.recommendations.lists import ListedTrack, Made, MadeList
from shared.recommendations.periods import Product

DAY_MS = 24 * 3600 * 1000
MONDAY_MS = 1_795_392_000_000  # 2026-11-23


@pytest.fixture(autouse=True)
def _bigtable(bigtable: str) -> None:
    """Every test here is about it."""


def made(
    period: str = "2026-11-23", product: Product = "discover-weekly", **changes: object
) -> Made:
    track = ListedTrack("t" * 22, 0.5, "neighbours", Why("because_you_played", "s" * 22, "Söng"))
    only = MadeList(product, "A list", "About it", (track,), ("artist",))
    whole = Made(product, period, MONDAY_MS, MONDAY_MS, "f", "v1", (only,), (("a", "b"),))
    return replace(whole, **changes)  # type: ignore[arg-type]


async def test_a_list_is_read_back_as_it_was() -> None:
    user_id = random_id()
    assert await store.write_made(user_id, made())
    assert await store.read_made(user_id, "discover-weekly", MONDAY_MS) == made()
    assert await store.read_made(user_id, "release-radar", MONDAY_MS) is None
    assert await store.read_made(random_id(), "discover-weekly", MONDAY_MS) is None


async def test_a_period_has_one_list_whoever_else_makes_it() -> None:
    user_id = random_id()
    rivals = [made(fingerprint=str(n)) for n in range(8)]
    won = await asyncio.gather(*(store.write_made(user_id, one) for one in rivals))
    assert sum(won) == 1
    stands = await store.read_made(user_id, "discover-weekly", MONDAY_MS)
    assert stands == rivals[won.index(True)]
    assert await store.write_made(user_id, made(fingerprint="by hand"), force=True)
    forced = await store.read_made(user_id, "discover-weekly", MONDAY_MS)
    assert forced is not None
    assert forced.fingerprint == "by hand"


async def test_the_next_list_waits_for_its_time() -> None:
    user_id = random_id()
    next_week = made("2026-11-30", from_ms=MONDAY_MS + 7 * DAY_MS)
    await store.write_made(user_id, made())
    await store.write_made(user_id, next_week)
    sunday = MONDAY_MS + 7 * DAY_MS - 1
    assert await store.read_made(user_id, "discover-weekly", sunday) == made()
    assert await store.read_made(user_id, "discover-weekly", sunday + 1) == next_week
    assert await store.read_newest(user_id, "discover-weekly") == next_week
    # Of a third the oldest is no longer read.
    after = made("2026-12-07", from_ms=MONDAY_MS + 14 * DAY_MS)
    await store.write_made(user_id, after)
    assert await store.read_made(user_id, "discover-weekly", sunday) is None


async def test_states_of_many_are_one_read() -> None:
    first, second, nobody = random_id(), random_id(), random_id()
    await store.write_made(first, made())
    await store.write_made(second, made(product="daily-mix", made_at_ms=5))
    found = await store.states([first, second, nobody])
    assert found[first] == {"discover-weekly": made().state}
    assert found[second]["daily-mix"].made_at_ms == 5
    assert found[nobody] == {}


async def test_an_empty_list_is_remembered_and_gives_way() -> None:
    user_id = random_id()
    empty = made(lists=())
    assert await store.write_made(user_id, empty)
    assert (await store.states([user_id]))[user_id]["discover-weekly"].is_empty
    assert await store.read_made(user_id, "discover-weekly", MONDAY_MS) is None
    assert await store.write_made(user_id, made())
    assert not (await store.states([user_id]))[user_id]["discover-weekly"].is_empty


@pytest.mark.parametrize(
    ("product", "stays"),
    [("discover-weekly", True), ("release-radar", False), ("daily-mix", False)],
)
async def test_an_empty_list_puts_an_end_to_the_one_before(product: Product, stays: bool) -> None:
    """Old tracks are no new releases; the weekly list of a week ago is better than none."""
    user_id = random_id()
    before = made(product=product)
    empty = made("2026-11-30", product, lists=(), from_ms=MONDAY_MS + 7 * DAY_MS)
    assert await store.write_made(user_id, before)
    assert await store.write_made(user_id, empty)
    stands = await store.read_made(user_id, product, MONDAY_MS + 8 * DAY_MS)
    assert stands == (before if stays else None)
    assert product in (await store.states([user_id]))[user_id]
    again = replace(empty, lists=before.lists)
    assert await store.write_made(user_id, again)  # they are better known by now
    assert await store.read_made(user_id, product, MONDAY_MS + 8 * DAY_MS) == again
    if product != "daily-mix":
        assert not await store.write_made(user_id, empty)  # another run's does not stand aside
        assert await store.read_made(user_id, product, MONDAY_MS + 8 * DAY_MS) == again


async def test_all_of_a_person_is_one_read_and_nobody_elses() -> None:
    user_id, longer = random_id(), ""
    longer = user_id + "x"
    await store.write_made(user_id, made())
    await store.write_made(longer, made(product="release-radar"))
    await store.write_home(user_id, None, b'{"shelves": []}', 7)
    found = await store.read_shelved(user_id, MONDAY_MS)
    assert found.made == {"discover-weekly": made()}
    assert (found.home, found.home_at_ms) == (b'{"shelves": []}', 7)


async def test_a_country_has_a_home_of_its_own() -> None:
    """Of islands without people: no other test stores one there."""
    await store.write_home(None, "BV", b"bouvet", 1)
    await store.write_home(None, "HM", b"heard", 2)
    assert await store.read_home("BV") == (b"bouvet", 1)
    assert await store.read_home("HM") == (b"heard", 2)
    assert await store.read_home("AQ") == (None, 0)
