"""One version of the index after another: swapped under load, and the last good one where the
newest cannot be read (F188)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulators.processes import free_port
from shared.artifacts import store, versions
from shared.artifacts.versions import Pointer
from shared.search import service
from shared.search import serving as module
from shared.search.artifact import INDEX
from shared.search.local.engine import LocalEngine
from shared.search.models import SearchRequest
from shared.search.serving import Serving
from tests import local_settings
from tests.emulator.search.conftest import (
    Make,
    a_document,
    fetched,
    find,
    forget_fetched,
    overwrite,
    release,
)

CLIENTS = 8
DOCUMENTS = 60
PAGE = 20


async def _point_at(version: str) -> None:
    held = await store.read_pointer(INDEX.folder)
    pointer = versions.flipped(held.pointer, version) or Pointer(current=version)
    assert await store.write_pointer(INDEX.folder, pointer, held.generation)


async def test_versions_swap_under_clients_without_a_failed_or_a_mixed_page(
    made: Make, instance: Serving
) -> None:
    """Each version has the same documents in an order of its own, and says in their names which
    version it is: a page of another one would repeat some, lose some, and be seen."""
    released = []
    for number in range(10):
        order = [(place * 7 + number * 13) % DOCUMENTS for place in range(DOCUMENTS)]
        documents = [
            a_document(one, f"Amber edition{number}", popularity=popularity)
            for popularity, one in enumerate(order)
        ]
        released.append((await made(documents)).version)
    held = await store.read_pointer(INDEX.folder)
    await store.write_pointer(INDEX.folder, Pointer(current=released[0]), held.generation)
    seen: Counter[str] = Counter()
    arrived: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
    is_over = asyncio.Event()

    async def client() -> None:
        while not is_over.is_set():
            view = None
            ids: list[str] = []
            names: set[str] = set()
            for offset in range(0, DOCUMENTS, PAGE):
                request = SearchRequest(
                    query="amber", types=("track",), limit=PAGE, offset=offset, view=view
                )
                results = await service.search(request)
                await asyncio.sleep(0.002)  # as over a network: a search by itself never waits
                assert view is None or results.view == view
                view = results.view
                hits = results.pages["track"]
                assert hits.total == DOCUMENTS
                ids += hits.ids
                names |= {one.card.name for one in hits.items}
            assert len(ids) == len(set(ids)) == DOCUMENTS
            assert len(names) == 1
            name = names.pop()
            seen[name] += 1
            arrived[name].set()

    async with asyncio.timeout(120), asyncio.TaskGroup() as working:
        for _ in range(CLIENTS):
            working.create_task(client())
        for edition, version in enumerate(released):
            if edition:
                await _point_at(version)
            await arrived[f"Amber edition{edition}"].wait()
        is_over.set()
    assert len(seen) == len(released)
    assert len(instance._open) <= module.MOST_OPEN


async def test_a_version_that_somebody_reads_stays_open_and_is_let_go_then(
    made: Make, instance: Serving
) -> None:
    await made([a_document(1, "Amber")])
    async with instance.view() as reading:
        for number in range(2, 7):
            await made([a_document(number)])
            await instance._pointer.now()
        first = reading.name.partition("~")[0]
        assert first in instance._open
        async with instance.view(reading.name) as again:
            assert again.name == reading.name
    await instance._pointer.now()
    assert first not in instance._open
    assert len(instance._open) == module.MOST_OPEN


async def test_one_that_nobody_asks_for_any_longer_is_let_go(
    made: Make, instance: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made([a_document(1)])
    await find("amber")
    newest = await made([a_document(2)])
    await instance._pointer.now()
    assert len(instance._open) == 2
    monkeypatch.setattr(module, "IDLE_S", 0.0)
    await instance._pointer.now()
    assert list(instance._open) == [newest.version]
    assert [path.name for path in fetched()] == [newest.version]


async def test_a_page_of_a_version_that_another_instance_served_is_cut_from_that(
    made: Make, instance: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that started after the pointer moved, or let the version go."""
    older = [a_document(number, f"Amber {number}") for number in range(6)]
    await made(older)
    request = SearchRequest(query="amber", types=("track",), limit=3)
    first = await service.search(request)
    await made([a_document(number, f"Amber {number}") for number in range(10, 16)])
    monkeypatch.setattr(service, "serving", Serving(pointer_s=0.05, follow_s=0.05))
    await forget_fetched()
    assert {one.id for one in (await find("amber")).items}.isdisjoint(one.id for one in older)
    second = await service.search(replace(request, offset=3, view=first.view))
    assert second.view == first.view
    shown = first.pages["track"].ids + second.pages["track"].ids
    assert sorted(shown) == sorted(one.id for one in older)


async def test_an_older_view_than_can_be_had_is_answered_from_the_current_one(
    made: Make, instance: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    await made([a_document(1, "Amber")])
    caplog.set_level(logging.INFO)
    for view in ("20200101T000000Z-00000000~5", "x~y", "~7", "99990101T000000Z-00000000~1"):
        assert (await find("amber", view=view)).total == 1
    assert "is no longer to be had" in caplog.text


async def test_a_view_that_another_instance_gave_is_caught_up_with(
    made: Make, instance: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Serving(pointer_s=1000, follow_s=14)
    await made([a_document(1, "Amber")])
    async with slow.view() as before:
        assert "~0" in before.name
    await made([a_document(1, "Amber"), a_document(2, "Amber")])
    await service.index_many([a_document(3, "Amber")])
    async with instance.view() as ahead:
        pass
    async with slow.view(ahead.name) as after:
        assert after.name == ahead.name
        assert before.name != after.name


@pytest.mark.parametrize("content", [b"", b"{", b'{"previous": []}', b"\xff\x00", b'"x"'])
async def test_with_a_broken_pointer_the_last_good_version_serves(
    made: Make, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await made([a_document(1, "Amber one")])
    await made([a_document(2, "Amber two")])
    assert [one.card.name for one in (await find("amber")).items] == ["Amber two"]
    await overwrite("current.json", content)
    await asyncio.sleep(0.1)
    assert (await find("amber")).total == 1  # the one that is open serves on
    new = Serving(pointer_s=0.05)
    async with new.view() as view:
        assert (await _names(view.engine)) == ["Amber two"]
    assert "cannot be read" in caplog.text


async def test_without_a_pointer_what_is_listed_serves(made: Make) -> None:
    await made([a_document(1, "Amber one")])
    newest = await made([a_document(2, "Amber two")])
    await overwrite("current.json", None)
    await overwrite(f"{newest.version}/manifest.json", None)  # a builder that was killed
    async with Serving().view() as view:
        assert (await _names(view.engine)) == ["Amber one"]


@pytest.mark.parametrize("damage", ["altered", "cut off", "missing", "no manifest", "format"])
async def test_with_a_broken_newest_index_the_one_before_serves(
    made: Make, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = await made([a_document(1, "Amber one")])
    bad = await made([a_document(2, "Amber two")])
    largest = max(bad.files, key=lambda file: file.size_bytes)
    name = f"{bad.version}/{largest.name}"
    match damage:
        case "altered":
            await overwrite(name, b"\x00" * largest.size_bytes)
        case "cut off":
            await overwrite(name, b"\x00")
        case "missing":
            await overwrite(name, None)
        case "no manifest":
            await overwrite(f"{bad.version}/manifest.json", None)
        case "format":
            other = bad.model_copy(update={"format": 999})
            await overwrite(f"{bad.version}/manifest.json", other.model_dump_json().encode())
    await forget_fetched()
    new = Serving(pointer_s=0.05)
    async with new.view() as view:
        assert (await _names(view.engine)) == ["Amber one"]
        assert view.name.startswith(good.version)
    assert "last good search index" in caplog.text
    caplog.clear()
    await new._pointer.now()
    if damage != "no manifest":  # which is asked for anew, since it costs little
        assert caplog.text == ""
    mended = await made([a_document(3, "Amber three")])
    await new._pointer.now()
    async with new.view() as view:
        assert view.name.startswith(mended.version)


async def test_what_lies_damaged_on_this_machine_is_fetched_again(
    made: Make,
) -> None:
    manifest = await made([a_document(1, "Amber")])
    (folder,) = fetched()
    description = folder / "index.json"
    description.write_bytes(b"x" * description.stat().st_size)
    async with Serving().view() as view:
        assert (await _names(view.engine)) == ["Amber"]
    assert LocalEngine.open(folder).version == manifest.version


async def test_two_instances_of_one_machine_fetch_side_by_side(made: Make) -> None:
    await made([a_document(1, "Amber")])
    await forget_fetched()

    async def start() -> str:
        async with Serving().view() as view:
            return view.name

    assert len({await one for one in [asyncio.create_task(start()) for _ in range(4)]}) == 1


async def test_storage_that_does_not_answer_leaves_what_serves(
    made: Make,
    instance: Serving,
    storage: str,
    settings_env: pytest.MonkeyPatch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await made([a_document(1, "Amber")])
    await find("amber")
    monkeypatch.setattr(store, "POINTER_PATIENCE_S", 0.2)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    local_settings.forget_settings()
    try:
        await instance._pointer.now()
        assert (await find("amber")).total == 1
        assert "it serves on" in caplog.text
        started = Serving(pointer_s=0.05)
        async with started.view() as view:  # it has nothing, and says so
            assert await _names(view.engine) == []
    finally:
        monkeypatch.undo()
        local_settings.forget_settings()
    await started._pointer.now()
    async with started.view() as view:
        assert await _names(view.engine) == ["Amber"]


async def test_two_builders_at_once_leave_the_newer_one_serving(
    instance: Serving, tmp_path: Path
) -> None:
    done = await asyncio.gather(
        *(release([a_document(number, "Amber")], tmp_path) for number in range(4))
    )
    pointer = (await store.read_pointer(INDEX.folder)).pointer
    assert pointer is not None
    assert pointer.current == max(one.manifest.version for one in done)
    assert list(pointer.previous) == sorted(set(pointer.previous), reverse=True)
    assert sum(one.serves for one in done) == 1 + len(pointer.previous)
    assert (await find("amber")).total == 1


async def test_a_builder_that_ends_late_does_not_replace_a_newer_index(
    made: Make, tmp_path: Path
) -> None:
    newer = await release([a_document(2, "Amber new")], tmp_path)
    older = await made([a_document(1, "Amber old")])  # begun an hour ago
    assert older.version < newer.manifest.version
    assert [one.card.name for one in (await find("amber")).items] == ["Amber new"]


async def _names(engine: Any) -> list[str]:
    from shared.search import pipeline

    request = SearchRequest(query="amber", types=("track",))
    pages = (await pipeline.search(engine, request, "")).pages
    return [one.card.name for one in pages["track"].items]
