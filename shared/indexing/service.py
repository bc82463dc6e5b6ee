"""Builds the search index of the whole catalogue and makes it serve."""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.artifacts import versions
from shared.artifacts.releases import Refused
from shared.indexing import reading
from shared.indexing.popular import Popular
from shared.indexing.reading import Boost, Page
from shared.search import popularity, releases
from shared.search.models import SearchDocument

# What changes from here before the first read on is followed live: time for a change to be noted
# after it was made, and for clocks that differ.
MARGIN = timedelta(seconds=60)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Indexed:
    """What became of a run."""

    version: str
    documents: Mapping[str, int]  # by type
    size_bytes: int
    took_s: float
    serves: bool


async def build(*, force: bool = False) -> Indexed:
    """Reads the catalogue, builds an index of it and makes that serve, unless a newer one does.

    Raises `Refused` for one that lost most of what the last had (not with `force`), or
    in which well-known documents are not found.
    """
    began = time.monotonic()
    now = datetime.now(UTC)
    version, built_at = _version(now), now - MARGIN
    popular = Popular()
    with tempfile.TemporaryDirectory(prefix="search-index-") as scratch:
        folder = Path(scratch) / version
        documents = popular.passing(await _documents())
        counts = await asyncio.to_thread(_built, documents, folder, version, built_at)
        if not force:
            await releases.check_losses(counts)
        release = await releases.release(folder, version, built_at, counts, popular.documents)
    if release.deleted:
        _log.info("deleted old versions: %s", ", ".join(release.deleted))
    return Indexed(
        version,
        counts,
        release.manifest.size_bytes,
        time.monotonic() - began,
        release.serves,
    )


async def fill_spanner(*, force: bool = False) -> Indexed:
    """Reads the catalogue and makes Spanner hold it, which serves from it meanwhile.

    Raises `Refused` for one that lost most of what was there (not with `force`).
    """
    from shared.search.spanner import loading

    began = time.monotonic()
    version = _version(datetime.now(UTC))
    documents = await _documents()

    def loaded() -> int:  # on a loop of its own, since drawing documents waits for this one
        return asyncio.run(loading.load(documents, version, force=force))

    try:
        count = await asyncio.to_thread(loaded)
    except loading.ShrunkCatalogue as shrunk:
        raise Refused(str(shrunk)) from shrunk
    return Indexed(version, {"all": count}, 0, time.monotonic() - began, serves=True)


def _version(now: datetime) -> str:
    return versions.new_version(now, random.randrange(1 << 12))


def _built(
    documents: Iterator[SearchDocument], folder: Path, version: str, built_at: datetime
) -> dict[str, int]:
    from shared.search.local import building

    return dict(building.build(documents, folder, version, built_at).documents)


async def _plays() -> Mapping[str, int]:
    try:
        return await popularity.plays_from_search()
    except Exception:
        # Whatever it is: an order that is less good is better than an index that grows old.
        _log.warning("the warehouse does not answer; plays do not count this time", exc_info=True)
        return {}


async def _documents() -> Iterator[SearchDocument]:
    """The whole catalogue, to be drawn in another thread."""
    boost = reading.boost(await _plays())
    return _from_thread(_boosted(reading.every_document(), boost))


async def _boosted(pages: AsyncIterator[Page], boost: Boost) -> AsyncIterator[Page]:
    async for page in pages:
        yield [boost(document) for document in page]


def _from_thread(pages: AsyncIterator[Page]) -> Iterator[SearchDocument]:
    """The documents of `pages`, to be drawn in another thread than this loop's; the next page is
    read while one is worked on. An error of reading is raised there."""
    loop = asyncio.get_running_loop()

    async def following() -> Page | None:
        return await anext(pages, None)

    def drawn() -> Iterator[SearchDocument]:
        ahead = asyncio.run_coroutine_threadsafe(following(), loop)
        while (page := ahead.result()) is not None:
            ahead = asyncio.run_coroutine_threadsafe(following(), loop)
            yield from page

    return drawn()
