"""Search over tracks, artists and albums (F164-F167)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

import functions_framework.aio
from fastapi import Query, Request, Response

from shared.catalog import render
from shared.catalog import service as catalog
from shared.catalog.markets import checked_market
from shared.catalog.paging import DEFAULT_LIMIT, MAX_LIMIT, checked_number
from shared.platform.errors import InvalidInput
from shared.platform.http import Caller, bridge, create_app
from shared.platform.settings import settings
from shared.search import service
from shared.search.models import ITEM_TYPES, Hits, ItemType

MAX_OFFSET = 1000
MAX_QUERY_CHARS = 250
# Types of the Web API that this catalog has none of: their pages are empty, as for a market
# without any.
EMPTY_TYPES = ("playlist", "show", "episode", "audiobook")

app = create_app("search")


@app.get("/v1/search")
async def find(
    caller: Caller,
    q: Annotated[str, Query(description="words; the last may be a beginning")] = "",
    type: Annotated[str | None, Query(description="track,artist,album")] = None,
    types: Annotated[str | None, Query(description="another name of `type`")] = None,
    limit: str = DEFAULT_LIMIT,
    offset: str = "0",
    market: Annotated[str | None, Query(description="ISO 3166-1 alpha-2 or from_token")] = None,
) -> Response:
    """A page of each type that matches `q`."""
    query = q.strip()
    if not query:
        raise InvalidInput("No search query")
    if len(query) > MAX_QUERY_CHARS:
        raise InvalidInput(f"Query exceeds maximum length of {MAX_QUERY_CHARS} characters")
    asked = _types(type or types)
    size = checked_number("limit", limit, 0, MAX_LIMIT)
    start = checked_number("offset", offset, 0, MAX_OFFSET)
    country = checked_market(market, caller.country)

    own = [kind for kind in ITEM_TYPES if kind in asked]
    results = await service.search(query, own, size, start, country)
    body = {}
    for kind in asked:
        hits = results.pages.get(cast(ItemType, kind), Hits((), 0))
        body[f"{kind}s"] = render.page(
            await _objects(kind, hits.ids, country),
            f"{settings().public_url}/v1/search",
            hits.total,
            size,
            start,
            q=query,
            type=kind,
            market=country,
        )
    return Response(
        render.to_bytes(body),
        media_type="application/json",
        headers={
            "cache-control": f"private, max-age={service.CANDIDATES_TTL_S}",
            "vary": "authorization",  # `from_token` depends on who asks
        },
    )


async def _objects(kind: str, ids: Sequence[str], market: str | None) -> list[render.Json]:
    """The found items; one that is indexed but not in the catalog is left out."""
    match kind:
        case "track":
            tracks = await catalog.get_tracks(ids)
            return [render.track_object(one, market) for one in tracks if one]
        case "album":
            albums = await catalog.get_albums(ids)
            return [render.simplified_album(one, market) for one in albums if one]
        case "artist":
            artists = await catalog.get_artists(ids)
            return [render.artist_object(one) for one in artists if one]
    return []


def _types(text: str | None) -> list[str]:
    if not text:
        raise InvalidInput("Missing parameter type")
    asked = list(dict.fromkeys(kind.strip() for kind in text.split(",")))
    for kind in asked:
        if kind not in ITEM_TYPES and kind not in EMPTY_TYPES:
            raise InvalidInput(f"Bad search type field {kind}")
    return asked


@functions_framework.aio.http
async def search(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
