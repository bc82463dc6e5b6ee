"""What changes between two builds is found, or gone, everywhere within a minute, and whatever is
told wrongly is right again after the next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared import topology
from shared.artifacts import versions
from shared.platform import clients
from shared.search import pipeline, releases, service, store
from shared.search.local import building
from shared.search.models import SearchDocument, SearchRequest
from shared.search.serving import Serving
from tests.emulator.search.conftest import Make, a_document, find, release

# F188 and the issue ask for 60 s; by the intervals it is one look, and the request behind it.
WITHIN_S = 10.0


@pytest.fixture
def usual(instance: Serving, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """Another instance than the one that makes the changes, which looks as often as in the
    cloud."""
    return Serving()


async def _until(check: Callable[[], Awaitable[bool]]) -> float:
    began = time.monotonic()
    while not await check():
        assert time.monotonic() - began < WITHIN_S
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def _ids(serving: Serving, query: str, **asked: object) -> list[str]:
    async with serving.view() as view:
        request = SearchRequest(query=query, types=("track",), **asked)  # type: ignore[arg-type]
        return list((await pipeline.search(view.engine, request, view.name)).pages["track"].ids)


async def test_a_publish_is_found_and_a_takedown_gone_on_other_instances_without_a_build(
    made: Make, usual: Serving
) -> None:
    old, new = a_document(1, "Amber"), a_document(2, "Bronze")
    await made([old])
    assert await _ids(usual, "amber") == [old.id]

    async def is_found() -> bool:
        return await _ids(usual, "bronze") == [new.id]

    async def is_gone() -> bool:
        return await _ids(usual, "amber") == []

    await service.index_many([new])
    publish_s = await _until(is_found)
    await service.remove("track", old.id)
    takedown_s = await _until(is_gone)
    print(f"a publish was found after {publish_s:.1f} s, a takedown gone after {takedown_s:.1f} s")


async def test_this_instance_sees_its_own_changes_at_once(made: Make, instance: Serving) -> None:
    await made([a_document(1, "Amber")])
    slow = Serving(follow_s=14)
    service.serving = slow  # put back by `instance`
    await find("amber")
    for number in range(2, 5):
        await service.index_many([a_document(number, "Bronze")])
        assert (await find("bronze")).total == number - 1


async def test_what_is_told_twice_is_there_once(made: Make) -> None:
    document = a_document(1, "Amber")
    await made([document, document])
    assert (await find("amber")).total == 1
    for _ in range(3):
        await service.index_many([document, document])
        hits = await find("amber")
        assert (hits.ids, hits.total) == ((document.id,), 1)


async def test_lost_and_repeated_changes_come_to_nothing_after_the_next_build(
    made: Make, instance: Serving, tmp_path: Path
) -> None:
    catalogue = [a_document(1, "Amber"), a_document(2, "Bronze")]
    await made(catalogue)
    await service.index_many([a_document(9, "Bronze")])  # of something that is not
    await service.remove("track", catalogue[0].id)  # told, and then it was not so
    assert [await _total("amber"), await _total("bronze")] == [0, 2]
    await asyncio.sleep(0.01)
    await release(catalogue, tmp_path)
    await instance._pointer.now()
    assert [await _total("amber"), await _total("bronze")] == [1, 1]


async def test_a_change_during_a_build_is_followed(instance: Serving, tmp_path: Path) -> None:
    begun = datetime.now(UTC)
    version = versions.new_version(begun, 7)
    document = a_document(1, "Amber")
    path = tmp_path / "built"
    built = await asyncio.to_thread(building.build, [document], path, version, begun)
    await service.remove("track", document.id)  # after it was read
    await releases.release(path, version, begun, built.documents, [document])
    assert await _total("amber") == 0


async def test_thousands_of_changes_are_followed(instance: Serving) -> None:
    documents = (a_document(number, f"Amber {number}") for number in range(1_700))
    await service.index_many(documents)
    hits = await find("amber")
    assert (len(hits.ids), hits.total) == (50, 1_050)
    assert (await find("amber 1234")).ids[0] == a_document(1_234).id


async def test_pages_of_one_view_hold_while_changes_come(made: Make, instance: Serving) -> None:
    count = 60
    await made([a_document(number, "Amber") for number in range(count)])
    is_over = asyncio.Event()
    chains = 0

    async def change() -> None:
        for number in range(count, 100_000):
            changed = a_document(number, "Amber", popularity=number % 100)
            await store.write_changes({changed.key: changed}, datetime.now(UTC))  # elsewhere
            await asyncio.sleep(0.02)
            if is_over.is_set():
                return

    changing = asyncio.create_task(change())
    until = time.monotonic() + 3
    while time.monotonic() < until:
        view, ids, offset = None, [], 0
        while True:
            request = SearchRequest("amber", ("track",), limit=20, offset=offset, view=view)
            results = await service.search(request)
            await asyncio.sleep(0.005)
            assert view in (None, results.view)
            view = results.view
            hits = results.pages["track"]
            ids += hits.ids
            offset += 20
            if offset >= hits.total:
                break
        assert len(ids) == len(set(ids)) == hits.total
        chains += 1
    is_over.set()
    await changing
    assert chains > 3


async def test_a_user_in_de_never_sees_what_is_not_released_in_de(made: Make) -> None:
    """In no list, at any rank, with every cache warm from another market, from the index as from
    the changes."""

    def fenced(number: int, **rights: tuple[str, ...]) -> SearchDocument:
        return a_document(number, "Amber", **rights)

    both = {
        "everywhere": {},
        "listed": {"territories": ("DE", "SE")},
        "elsewhere": {"territories": ("SE", "US")},
        "blocked": {"blocked_in": ("DE",)},
        "listed and blocked": {"territories": ("DE", "SE"), "blocked_in": ("DE",)},
        "blocked everywhere": {"blocked_in": ("*",)},
    }
    built = [
        fenced(n * 6 + k, **rights) for n in range(20) for k, rights in enumerate(both.values())
    ]
    changed = [
        fenced(200 + n * 6 + k, **rights)
        for n in range(5)
        for k, rights in enumerate(both.values())
    ]
    await made(built)
    await service.index_many(changed)
    released = {one.id for one in (*built, *changed) if one.is_in("DE")}
    in_sweden = {one.id for one in (*built, *changed) if one.is_in("SE")}
    for _ in range(2):
        for market, allowed in (("SE", in_sweden), ("DE", released)):
            seen: set[str] = set()
            for offset in range(0, 200, 50):
                hits = await find("amber", market=market, offset=offset)
                seen |= set(hits.ids)
            assert seen == allowed
            request = SearchRequest("am", ("track",), limit=20, market=market)
            suggested = (await service.suggest(request)).items
            assert suggested
            assert {one.id for one in suggested} <= allowed


async def test_a_change_that_cannot_be_read_hides_what_it_is_about(
    made: Make, instance: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    document = a_document(1, "Amber")
    await made([document, a_document(2, "Amber")])
    await service.index_many([document])
    reference = clients.collection(topology.SEARCH_CHANGES).document(document.key)
    await reference.update({"document": '{"type": "hologram"}'})
    await instance._feed.now()
    assert await _total("amber") == 1
    assert "cannot be read" in caplog.text


async def test_changes_expire_when_no_index_needs_them(instance: Serving) -> None:
    await service.remove("track", "gone")
    (snapshot,) = [one async for one in clients.collection(topology.SEARCH_CHANGES).stream()]
    assert snapshot.id == "track:gone"
    assert snapshot.get("document") is None
    assert snapshot.get("slice") in range(store.SLICES)
    life = snapshot.get("expires_at") - snapshot.get("changed_at")
    assert abs(life - store.KEPT_FOR).total_seconds() < 60


async def _total(query: str) -> int:
    return (await find(query)).total
