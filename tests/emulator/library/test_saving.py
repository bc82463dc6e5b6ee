"""Saving against Firestore."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from shared.library import service, store
from shared.library.cursor import Cursor
from shared.library.models import SavedPage
from shared.platform.errors import InvalidInput
from shared.platform.ids import random_id

pytestmark = pytest.mark.usefixtures("firestore")
NOW = datetime.now(UTC)


def ids_of(page: SavedPage) -> list[str]:
    return [item.item_id for item in page.items]


async def test_what_is_saved_comes_newest_first() -> None:
    me, ids = random_id(), [random_id() for _ in range(3)]
    for one in ids:
        await service.save(me, "track", [one])
    page = await service.saved(me, "track", 10, 0)
    assert (ids_of(page), page.total) == (ids[::-1], 3)
    assert ids_of(await service.saved(me, "track", 1, 1)) == [ids[1]]
    assert await service.saved(me, "album", 10, 0) == SavedPage((), 0, 0)


async def test_saving_again_keeps_the_first_date() -> None:
    me, one, other = random_id(), random_id(), random_id()
    await service.save(me, "album", [one], {one: NOW - timedelta(days=2)})
    await service.save(me, "album", [one, other, one], {one: NOW - timedelta(days=1)})
    page = await service.saved(me, "album", 10, 0)
    assert (ids_of(page), page.total) == ([other, one], 2)
    assert page.items[1].added_at == NOW - timedelta(days=2)


async def test_clients_say_when_a_track_was_saved_but_not_in_the_future() -> None:
    me, old, ahead = random_id(), random_id(), random_id()
    dates = {old: datetime(2001, 2, 3, tzinfo=UTC), ahead: datetime(2999, 1, 1, tzinfo=UTC)}
    await service.save(me, "track", [old, ahead], dates)
    page = await service.saved(me, "track", 10, 0)
    assert ids_of(page) == [ahead, old]
    assert page.items[1].added_at == dates[old]
    assert page.items[0].added_at <= datetime.now(UTC)


async def test_removing_what_is_not_saved_changes_nothing() -> None:
    me, one = random_id(), random_id()
    await service.remove(me, "show", [one])
    await service.save(me, "show", [one])
    await service.remove(me, "show", [one, random_id()])
    await service.remove(me, "show", [one])
    assert await service.saved(me, "show", 10, 0) == SavedPage((), 0, 2)
    assert await service.contains(me, "show", [one]) == [False]


async def test_contains_answers_in_the_order_asked() -> None:
    me, held, absent = random_id(), random_id(), random_id()
    await service.save(me, "episode", [held])
    asked = [absent, held, held, absent]
    assert await service.contains(me, "episode", asked) == [False, True, True, False]


@pytest.mark.parametrize("ids", [["short"], ["../" + "a" * 19], ["a" * 22] * 51])
async def test_rubbish_is_not_saved(ids: list[str]) -> None:
    me = random_id()
    for change in (service.save, service.remove):
        with pytest.raises(InvalidInput, match="ids: "):
            await change(me, "track", ids)
    assert (await service.saved(me, "track", 10, 0)).version == 0


async def test_another_instances_change_is_read_at_once() -> None:
    me, first, second = random_id(), random_id(), random_id()
    await service.save(me, "track", [first])
    warm = await service.saved(me, "track", 10, 0)
    assert await service.saved(me, "track", 10, 0) is warm
    await store.save(me, "track", {second: NOW})  # past this instance's caches
    page = await service.saved(me, "track", 10, 0)
    assert (set(ids_of(page)), page.total) == ({first, second}, 2)
    await store.remove(me, "track", [first])
    assert ids_of(await service.saved(me, "track", 10, 0)) == [second]


async def test_fifty_who_save_and_remove_at_once_leave_an_exact_count() -> None:
    me, ids = random_id(), [random_id() for _ in range(8)]
    calls = [service.save(me, "track", random.sample(ids, 3)) for _ in range(30)]
    calls += [service.remove(me, "track", random.sample(ids, 3)) for _ in range(20)]
    random.shuffle(calls)
    await asyncio.gather(*calls)
    page = await service.saved(me, "track", 50, 0)
    held = await service.contains(me, "track", ids)
    assert set(ids_of(page)) == {one for one, is_held in zip(ids, held, strict=True) if is_held}
    assert page.total == sum(held)
    await asyncio.gather(*(service.save(me, "track", ids) for _ in range(25)))
    assert (await service.saved(me, "track", 50, 0)).total == 8
    await asyncio.gather(*(service.remove(me, "track", ids) for _ in range(25)))
    assert (await service.saved(me, "track", 50, 0)).total == 0


async def test_a_page_is_of_one_moment_while_others_write() -> None:
    me = random_id()

    async def write() -> None:
        for _ in range(10):
            await store.save(me, "track", {random_id(): datetime.now(UTC)})

    async def read() -> None:
        for _ in range(10):
            page = await service.saved(me, "track", 50, 0)
            assert len(page.items) == page.total

    await asyncio.gather(write(), write(), read(), read())
    assert (await service.saved(me, "track", 50, 0)).total == 20


@pytest.mark.parametrize(("count", "limit"), [(0, 3), (3, 3), (7, 3), (5, 1), (4, 10)])
async def test_a_reader_by_cursor_sees_each_once_in_order(count: int, limit: int) -> None:
    me = random_id()
    # Three at the same moment: their ids decide.
    dates = {random_id(): NOW - timedelta(hours=number // 3) for number in range(count)}
    if dates:
        await service.save(me, "track", list(dates), dates)
    expected = sorted(dates, key=lambda one: (dates[one], one), reverse=True)
    seen: list[str] = []
    cursor: Cursor | None = None
    while True:
        page, cursor = await service.saved_after(me, "track", limit, cursor)
        assert page.total == count
        seen += ids_of(page)
        if cursor is None:
            break
        assert cursor.offset == len(seen)
        cursor = Cursor.decode(cursor.encode())
    assert seen == expected


async def test_a_reader_by_cursor_goes_on_though_the_last_item_was_removed() -> None:
    me, ids = random_id(), sorted((random_id() for _ in range(5)), reverse=True)
    await service.save(me, "track", ids, dict.fromkeys(ids, NOW))
    page, cursor = await service.saved_after(me, "track", 2, None)
    await service.remove(me, "track", ids_of(page))
    rest, end = await service.saved_after(me, "track", 10, cursor)
    assert (ids_of(rest), end) == (ids[2:], None)
