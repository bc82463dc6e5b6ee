"""Indexing and finding. A full engine will replace what is behind these functions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from shared.catalog.models import Album, Artist, Track
from shared.platform.cache import ReadThroughCache
from shared.platform.errors import InvalidInput
from shared.search import store
from shared.search.documents import album_document, artist_document, track_document
from shared.search.models import Hits, ItemType, Results, SearchDocument
from shared.search.normalise import MAX_PREFIX_CHARS, query_tokens
from shared.search.ranking import lookup_prefix, rank

# A publish must be found within a minute: both lives together stay far below.
CANDIDATES_TTL_S = 15
LOOKUPS_KEPT = 500  # each up to 300 documents of about 1 kB
RANKINGS_KEPT = 5_000

_Ranking = tuple[str, ...]


async def _look_up(
    keys: Sequence[tuple[ItemType, str]],
) -> dict[tuple[ItemType, str], tuple[SearchDocument, ...]]:
    found = await asyncio.gather(*(store.find(kind, prefix) for kind, prefix in keys))
    return dict(zip(keys, found, strict=True))


async def _rank(
    keys: Sequence[tuple[ItemType, tuple[str, ...], str | None]],
) -> dict[tuple[ItemType, tuple[str, ...], str | None], _Ranking]:
    ranked = {}
    for key in keys:
        kind, words, market = key
        candidates = await lookups.get((kind, lookup_prefix(words, MAX_PREFIX_CHARS)))
        ranked[key] = tuple(one.id for one in rank(words, candidates or (), market))
    return ranked


lookups: ReadThroughCache[tuple[ItemType, str], tuple[SearchDocument, ...]] = ReadThroughCache(
    _look_up, maximum=LOOKUPS_KEPT, ttl_s=CANDIDATES_TTL_S, negative_ttl_s=CANDIDATES_TTL_S
)
rankings: ReadThroughCache[tuple[ItemType, tuple[str, ...], str | None], _Ranking] = (
    ReadThroughCache(
        _rank, maximum=RANKINGS_KEPT, ttl_s=CANDIDATES_TTL_S, negative_ttl_s=CANDIDATES_TTL_S
    )
)


async def index_track(track: Track, album: Album, artists: Sequence[Artist]) -> None:
    """Makes a track, its album and its artists findable; the same call again changes nothing."""
    await store.write(
        [track_document(track), album_document(album), *(artist_document(one) for one in artists)]
    )


async def index_many(documents: Iterable[SearchDocument]) -> None:
    """Makes all of `documents` findable, thousands a second; a generator is never held whole."""
    await store.write(documents)


async def remove(kind: ItemType, item_id: str) -> None:
    """Makes an item no longer findable, here at once and elsewhere within the caches' time."""
    await store.delete(kind, item_id)
    lookups.clear()
    rankings.clear()


async def search(
    query: str, types: Sequence[ItemType], limit: int, offset: int, market: str | None = None
) -> Results:
    """A page (`limit` 0..50, `offset` 0..1000) of each of `types` for `query`, best first.

    With `market` (ISO 3166-1 alpha-2) only what is released there. Raises InvalidInput for an
    empty query; one without any letter or digit finds nothing.
    """
    if not query.strip():
        raise InvalidInput("No search query")
    words = tuple(query_tokens(query))
    if not words:
        return Results({kind: Hits((), 0) for kind in types})
    found = await asyncio.gather(*(rankings.get((kind, words, market)) for kind in types))
    return Results(
        {
            kind: Hits(tuple((ids or ())[offset : offset + limit]), len(ids or ()))
            for kind, ids in zip(types, found, strict=True)
        }
    )
