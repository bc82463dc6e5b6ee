"""Finding, and telling search what has changed.

The catalogue is the truth: `jobs/build_search_index` reads it whole. What is told here bridges the
time until the next build, so a change that is lost or told twice alters nothing after it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from shared.catalog.models import Album, Artist, Track
from shared.platform.settings import settings
from shared.search import pipeline, reranking, store
from shared.search.documents import album_document, artist_document, track_document
from shared.search.models import (
    Change,
    ItemType,
    Results,
    SearchDocument,
    SearchRequest,
    Suggestions,
)
from shared.search.serving import Serving, View

serving = Serving()


async def search(request: SearchRequest) -> Results:
    """The pages that `request` asks for. Raises InvalidInput for a blank query."""
    async with _view(request.view) as view:
        reranker = await reranking.current(view.ranked_as_of)
        return await pipeline.search(view.engine, request, view.name, reranker)


async def suggest(request: SearchRequest) -> Suggestions:
    """What may be meant by what is typed so far. Raises InvalidInput for a blank query."""
    async with _view(request.view) as view:
        return await pipeline.suggest(view.engine, request, view.name)


async def index_track(track: Track, album: Album, artists: Sequence[Artist]) -> None:
    """Makes a track, its album and its artists findable everywhere within a minute; the same call
    again changes nothing."""
    known = {one.id: one for one in artists}
    await index_many(
        [
            track_document(track, known),
            album_document(album, known),
            *(artist_document(one) for one in artists),
        ]
    )


async def index_many(documents: Iterable[SearchDocument]) -> None:
    """Makes `documents` findable as they are now, everywhere within a minute; of several with one
    key the last one counts. For hundreds: a whole catalogue is read by the job."""
    await _tell({one.key: one for one in documents})


async def remove(kind: ItemType, item_id: str) -> None:
    """Makes an item no longer findable: here at once, elsewhere within a minute."""
    await _tell({f"{kind}:{item_id}": None})


async def _tell(changes: dict[str, SearchDocument | None]) -> None:
    if not changes:
        return
    now = datetime.now(UTC)
    await store.write_changes(changes, now)
    serving.expire()
    if settings().search_engine == "spanner":
        from shared.search.spanner import loading

        await loading.apply([Change(key, document, now) for key, document in changes.items()])


@asynccontextmanager
async def _view(asked: str | None) -> AsyncIterator[View]:
    if settings().search_engine == "spanner":
        from shared.search.spanner.engine import SpannerEngine

        engine = await SpannerEngine.open(asked)
        yield View(engine, engine.view)
        return
    async with serving.view(asked) as view:
        yield view
