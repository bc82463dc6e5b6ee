"""Search over tracks, artists, albums, playlists, shows and episodes (F164-F167)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import functions_framework.aio
from fastapi import Depends, Query, Request, Response
from typing_extensions import TypedDict

from shared.catalog import render
from shared.catalog import service as catalog
from shared.catalog.markets import checked_market
from shared.catalog.shapes import ArtistObject, SimplifiedAlbumObject, TrackObject
from shared.platform.auth import Principal
from shared.platform.http import Caller, answers, bridge, create_app, respond
from shared.platform.parameters import Limit50, MarketParam
from shared.platform.settings import settings
from shared.platform.shapes import Page
from shared.playlists import pages as playlist_pages
from shared.playlists import service as playlists
from shared.playlists.shapes import SimplifiedPlaylistObject
from shared.podcasts import render as podcasts_render
from shared.podcasts import service as podcasts
from shared.podcasts.shapes import SimplifiedEpisodeObject, SimplifiedShowObject
from shared.search import service
from shared.search.models import ITEM_TYPES, Hits, SearchType
from shared.search.parameters import TYPE_DOCUMENTED, Start, Words, asked_types
from shared.social import service as social

app = create_app("search")
CACHE = f"private, max-age={service.CANDIDATES_TTL_S}"
NOTHING = Hits((), 0)


class SearchObject(TypedDict, total=False):
    """A page of each type that was asked for."""

    tracks: Page[TrackObject]
    artists: Page[ArtistObject]
    albums: Page[SimplifiedAlbumObject]
    playlists: Page[SimplifiedPlaylistObject]
    shows: Page[SimplifiedShowObject]
    episodes: Page[SimplifiedEpisodeObject]
    audiobooks: Page[dict[str, Any]]


@app.get("/v1/search", responses=answers(SearchObject), openapi_extra=TYPE_DOCUMENTED)
async def search_items(
    request: Request,
    caller: Caller,
    q: Words,
    asked: Annotated[list[SearchType], Depends(asked_types)],
    market: MarketParam = None,
    limit: Limit50 = 20,
    offset: Start = 0,
    include_external: Annotated[
        Literal["audio"] | None, Query(description="accepted; nothing here is hosted elsewhere")
    ] = None,
) -> Response:
    """A page of each type that matches `q`."""
    country = checked_market(market, caller.country)
    own = [kind for kind in ITEM_TYPES if kind in asked]
    results = await service.search(q.strip(), own, limit, offset, country)
    hits: Mapping[str, Hits] = {str(kind): found for kind, found in results.pages.items()}
    found = [hits.get(kind, NOTHING) for kind in asked]
    items = await asyncio.gather(
        *(_objects(kind, one.ids, caller, country) for kind, one in zip(asked, found, strict=True))
    )
    address = f"{settings().public_url}/v1/search"
    body = {
        f"{kind}s": render.page(
            shown, address, one.total, limit, offset, q=q, type=kind, market=country
        )
        for kind, one, shown in zip(asked, found, items, strict=True)
    }
    return respond(request, body, cache=CACHE)


async def _objects(
    kind: SearchType, ids: Sequence[str], caller: Principal, market: str | None
) -> Sequence[Any]:
    """The found items; one that is indexed but no longer there, or no longer public, is left
    out."""
    match kind:
        case "track":
            tracks = await catalog.get_tracks(ids)
            return [render.track_object(one, market) for one in tracks if one]
        case "album":
            albums = await catalog.get_albums(ids)
            return [render.simplified_album(one, market) for one in albums if one]
        case "artist":
            artists = [one for one in await catalog.get_artists(ids) if one]
            followers = await social.follower_counts("artist", [one.id for one in artists])
            return [render.artist_object(one, followers[one.id]) for one in artists]
        case "show":
            shows = await podcasts.get_shows(ids)
            return [podcasts_render.simplified_show(one) for one in shows if one]
        case "episode":
            pairs = await podcasts.with_shows(await podcasts.get_episodes(ids))
            return [podcasts_render.simplified_episode(*pair, market) for pair in pairs if pair]
        case "playlist":
            public = [one for one in await playlists.get_playlists(caller.user_id, ids) if one]
            return await playlist_pages.simplified_playlists(public)
        case "audiobook":
            return []


@functions_framework.aio.http
async def search(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
