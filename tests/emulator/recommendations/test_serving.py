"""One bundle after another: swapped under readers, and the last good one where the newest cannot be
read (F188, F219)."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from emulators.processes import free_port
from shared import topology
from shared.artifacts import store, versions
from shared.artifacts.releases import Refused, Release
from shared.artifacts.versions import Pointer
from shared.platform import clients
from shared.recommendations.index import building, releases
from shared.recommendations.index.artifact import BUNDLES
from shared.recommendations.index.serving import Serving
from tests import local_settings
from tests.unit.recommendations.index.parts import many, parts

TRACKS = 40
READERS = 8

Make = Callable[..., Awaitable[Release]]


@pytest.fixture
async def serving(
    storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Serving]:
    """An instance that is quick to look; at first there is no bundle."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bucket = clients.bucket(topology.MODELS)
    for blob in await asyncio.to_thread(lambda: list(bucket.list_blobs())):
        await asyncio.to_thread(blob.delete)
    serving = Serving(pointer_s=0.05)
    yield serving
    # A look that is under way would go on while its emulators end.
    if (looking := serving._pointer._under_way()) is not None:
        await looking


@pytest.fixture
def made(serving: Serving, tmp_path: Path) -> Make:
    """Builds and releases a bundle. Each begins a second after the one before, as far as its name
    says."""
    count = 0

    async def make(tracks: int = TRACKS, *, seed: int = 0, force: bool = False) -> Release:
        nonlocal count
        count += 1
        begun = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=count)
        return await release(tmp_path, begun, tracks, seed=seed, force=force)

    return make


async def release(
    folder: Path, begun: datetime, tracks: int = TRACKS, *, seed: int = 0, force: bool = False
) -> Release:
    version = versions.new_version(begun, random.randrange(4096))
    built = building.build(parts(many(tracks), seed=seed), folder / f"built-{version}", version)
    return await releases.release(built, force=force)


async def overwrite(name: str, content: bytes | None) -> None:
    """Puts other bytes at `name` of the bundles' folder, or removes it."""
    blob = clients.bucket(topology.MODELS).blob(f"{BUNDLES.folder}/{name}")
    if content is None:
        await asyncio.to_thread(blob.delete)
    else:
        await asyncio.to_thread(blob.upload_from_string, content)


def fetched() -> list[str]:
    """The versions that this machine has fetched."""
    root = Path(tempfile.gettempdir())
    return sorted(one.name for one in root.glob("segue-recommendations-*/2*"))


def forget_fetched() -> None:
    for folder in Path(tempfile.gettempdir()).glob("segue-recommendations-*"):
        shutil.rmtree(folder)


def damage_fetched(version: str) -> None:
    (folder,) = Path(tempfile.gettempdir()).glob(f"segue-recommendations-*/{version}")
    header = folder / building.HEADER
    header.write_bytes(b"x" * header.stat().st_size)


async def version_of(serving: Serving) -> str | None:
    bundle = await serving.bundle()
    return bundle and bundle.version


async def test_before_there_is_a_bundle_there_is_none(serving: Serving, made: Make) -> None:
    assert await serving.bundle() is None
    released = await made()
    assert released.serves
    await serving.look()
    assert await version_of(serving) == released.manifest.version


async def test_bundles_swap_under_readers_of_whom_each_reads_one_to_the_end(
    serving: Serving, made: Make
) -> None:
    """Each version has vectors of its own, by which a reader who holds it knows it."""
    released = [(await made(seed=seed)).manifest.version for seed in range(6)]
    vectors = {
        version: parts(many(TRACKS), seed=seed).vectors for seed, version in enumerate(released)
    }
    held = await store.read_pointer(BUNDLES.folder)
    assert await store.write_pointer(BUNDLES.folder, Pointer(current=released[0]), held.generation)
    seen = {version: asyncio.Event() for version in released}
    is_over = asyncio.Event()

    async def reader() -> None:
        while not is_over.is_set():
            bundle = await serving.bundle()
            assert bundle is not None
            true = vectors[bundle.version]
            for row in range(1, TRACKS):
                assert bundle.row_of(bundle.item(row).track_id) == row
                assert np.allclose(bundle.vector(row), true[row], atol=0.02)
                assert bundle.nearest(true[row], 3) or not true[row].any()
                await asyncio.sleep(0)
            seen[bundle.version].set()

    async with asyncio.timeout(120), asyncio.TaskGroup() as working:
        for _ in range(READERS):
            working.create_task(reader())
        for version in released:
            held = await store.read_pointer(BUNDLES.folder)
            pointer = versions.flipped(held.pointer, version) or Pointer(current=version)
            assert await store.write_pointer(BUNDLES.folder, pointer, held.generation)
            await seen[version].wait()
        is_over.set()
    await serving.look()
    assert fetched() == [released[-1]]


async def test_what_somebody_holds_can_be_read_after_its_files_are_gone(
    serving: Serving, made: Make
) -> None:
    await made(seed=1)
    held = await serving.bundle()
    assert held is not None
    newer = await made(seed=2)
    await serving.look()
    assert await version_of(serving) == newer.manifest.version != held.version
    assert fetched() == [newer.manifest.version]
    assert [held.item(row).track_id for row in range(len(held))] == [
        one.track_id for one in many(TRACKS)
    ]
    assert held.nearest(held.vector(1), 5)


@pytest.mark.parametrize("content", [b"", b"{", b'{"previous": []}', b"\xff\x00", b'"x"'])
async def test_with_a_broken_pointer_the_last_good_bundle_serves(
    serving: Serving, made: Make, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await made(seed=1)
    newest = (await made(seed=2)).manifest.version
    assert await version_of(serving) == newest
    await overwrite("current.json", content)
    await serving.look()
    assert await version_of(serving) == newest
    assert await version_of(Serving()) == newest
    assert "cannot be read" in caplog.text
    mended = await made(seed=3)
    assert mended.serves
    await serving.look()
    assert await version_of(serving) == mended.manifest.version


@pytest.mark.parametrize("damage", ["altered", "cut off", "missing", "no manifest", "format"])
async def test_with_a_damaged_newest_bundle_the_one_before_serves(
    serving: Serving, made: Make, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = (await made(seed=1)).manifest
    bad = (await made(seed=2)).manifest
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
    forget_fetched()
    assert await version_of(serving) == good.version
    assert "the last good recommendation bundle serves on" in caplog.text
    caplog.clear()
    await serving.look()
    if damage != "no manifest":  # which is asked for anew, since it costs little
        assert caplog.text == ""
    mended = await made(seed=3)
    await serving.look()
    assert await version_of(serving) == mended.manifest.version


async def test_what_lies_damaged_on_this_machine_is_fetched_again(
    serving: Serving, made: Make
) -> None:
    released = await made()
    damage_fetched(released.manifest.version)
    assert await version_of(serving) == released.manifest.version


async def test_storage_that_is_away_leaves_what_serves(
    serving: Serving,
    made: Make,
    settings_env: pytest.MonkeyPatch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    released = await made()
    assert await version_of(serving) == released.manifest.version
    monkeypatch.setattr(store, "POINTER_PATIENCE_S", 0.2)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    local_settings.forget_settings()
    started = Serving(pointer_s=0.05)
    try:
        await serving.look()
        assert await version_of(serving) == released.manifest.version
        assert "it serves on" in caplog.text
        assert await started.bundle() is None
    finally:
        monkeypatch.undo()
        local_settings.forget_settings()
    await started.look()
    assert await version_of(started) == released.manifest.version


async def test_whoever_gives_up_waiting_does_not_stop_the_fetching(
    serving: Serving, made: Make
) -> None:
    released = await made()
    forget_fetched()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(serving.bundle(), 0.001)
    assert await version_of(serving) == released.manifest.version


async def test_of_builders_at_once_the_newest_serves(serving: Serving, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    begun = [now + timedelta(microseconds=number) for number in (2, 0, 3, 1)]
    done = await asyncio.gather(
        *(release(tmp_path, one, seed=number) for number, one in enumerate(begun))
    )
    newest = max(one.manifest.version for one in done)
    pointer = (await store.read_pointer(BUNDLES.folder)).pointer
    assert pointer is not None
    assert pointer.current == newest
    assert sum(one.serves for one in done) == 1 + len(pointer.previous)
    assert await version_of(serving) == newest


async def test_a_bundle_that_has_lost_most_does_not_serve_unless_it_is_meant(
    serving: Serving, made: Make
) -> None:
    before = await made(tracks=100)
    with pytest.raises(Refused, match="the version before"):
        await made(tracks=20)
    await serving.look()
    assert await version_of(serving) == before.manifest.version
    meant = await made(tracks=20, force=True)
    await serving.look()
    assert await version_of(serving) == meant.manifest.version


async def test_a_bundle_that_is_not_what_was_built_is_refused_and_nothing_of_it_left(
    serving: Serving, tmp_path: Path
) -> None:
    version = versions.new_version(datetime.now(UTC), 1)
    built = building.build(parts(many(TRACKS)), tmp_path / "built", version)
    wrong = replace(built, counts={**built.counts, "tracks": TRACKS + 1})
    with pytest.raises(Refused, match="not what was built"):
        await releases.release(wrong)
    (tmp_path / "built" / "facts.npy").write_bytes(b"")
    with pytest.raises(Refused, match="does not serve: recommendation bundle"):
        await releases.release(replace(built, version=versions.new_version(datetime.now(UTC), 2)))
    assert await store.list_versions(BUNDLES.folder) == []
    assert await serving.bundle() is None
