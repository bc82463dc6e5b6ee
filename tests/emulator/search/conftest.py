"""Instances of search over real stores, and versions of the index made for them."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulators.processes import accepts, free_port
from shared import topology
from shared.artifacts import versions
from shared.artifacts.releases import Release
from shared.artifacts.versions import Manifest
from shared.platform import clients
from shared.search import releases, service
from shared.search.artifact import INDEX
from shared.search.local import building
from shared.search.models import Hits, ItemType, SearchDocument, SearchRequest
from shared.search.serving import Serving
from tests import local_settings
from tests.emulator.conftest import process

Make = Callable[[Sequence[SearchDocument]], Awaitable[Manifest]]


@pytest.fixture(scope="module")
def storage(firestore: str, settings_env: pytest.MonkeyPatch, logs: Path) -> Iterator[str]:
    """Storage of this module's own; also the changes are forgotten, since they are of its
    indexes."""
    port = free_port()
    name = f"storage-{port}"
    command: list[str | Path] = [sys.executable, "-m", "emulators.storage", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with (
        process([*command, "--data-dir", logs / name], accepts(port), logs / f"{name}.log"),
        pytest.MonkeyPatch.context() as patch,
    ):
        for variable, value in {
            "STORAGE_EMULATOR_HOST": url,
            "SEGUE_STORAGE_URL": url,
            "SEGUE_ANONYMOUS": "true",
        }.items():
            patch.setitem(os.environ, variable, value)
        local_settings.forget_settings()
        yield url
    local_settings.forget_settings()


@pytest.fixture
async def instance(
    storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Serving]:
    """A new instance of search, quick to look, behind `shared.search.service`; at first there is
    no index and no change."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await wipe()
    serving = Serving(pointer_s=0.05, follow_s=0.05)
    monkeypatch.setattr(service, "serving", serving)
    yield serving
    # A look that is under way would go on while its emulators end.
    for look in (serving._pointer, serving._feed):
        if (looking := look._under_way()) is not None:
            await looking


@pytest.fixture
def made(instance: Serving, tmp_path: Path) -> Make:
    """Builds an index of documents, stores and releases it. Each begins a second after the one
    before, as far as its name says."""
    count = 0

    async def make(documents: Sequence[SearchDocument]) -> Manifest:
        nonlocal count
        count += 1
        begun = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=count)
        return (await release(documents, tmp_path, begun)).manifest

    return make


async def release(
    documents: Sequence[SearchDocument], folder: Path, begun: datetime | None = None
) -> Release:
    """A release as the job makes it, of `documents` as they are now."""
    now = datetime.now(UTC)
    version = versions.new_version(begun or now, random.randrange(4096))
    path = folder / f"built-{version}"
    built = await asyncio.to_thread(building.build, documents, path, version, now)
    popular = sorted(documents, key=lambda one: -one.popularity)[:5]
    return await releases.release(path, version, now, built.documents, popular)


async def wipe() -> None:
    """Empties the models bucket and the feed."""
    bucket = clients.bucket(topology.MODELS)
    for blob in await asyncio.to_thread(lambda: list(bucket.list_blobs())):
        await asyncio.to_thread(blob.delete)
    collection = clients.collection(topology.SEARCH_CHANGES)
    async for snapshot in collection.stream():
        await snapshot.reference.delete()


async def overwrite(name: str, content: bytes | None) -> None:
    """Puts other bytes at `name` of the models bucket, or removes it."""
    blob = clients.bucket(topology.MODELS).blob(f"{INDEX.folder}/{name}")
    if content is None:
        await asyncio.to_thread(blob.delete)
    else:
        await asyncio.to_thread(blob.upload_from_string, content)


def a_document(
    number: int, name: str = "", kind: ItemType = "track", **more: Any
) -> SearchDocument:
    """Number `number` of its type; the higher the more popular."""
    return SearchDocument.model_validate(
        {"type": kind, "id": f"{kind}{number:017}", "name": name or f"Amber {number}"}
        | {"popularity": min(number, 100)}
        | more
    )


async def find(query: str, kind: ItemType = "track", **asked: Any) -> Hits:
    """A page of the instance behind the service."""
    request = SearchRequest(query=query, types=(kind,), **({"limit": 50} | asked))
    return (await service.search(request)).pages[kind]


async def forget_fetched() -> None:
    """Removes what this machine has fetched of any version."""

    def remove() -> None:
        for folder in fetched():
            shutil.rmtree(folder)

    await asyncio.to_thread(remove)


def fetched() -> list[Path]:
    """The folders of versions that this machine has fetched."""
    return list(Path(tempfile.gettempdir()).glob("segue-search-*/2*"))
