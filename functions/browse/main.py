"""Categories, featured playlists and new releases (F137, F138)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import functions_framework.aio
from fastapi import Query, Request, Response

from shared.browse import render, service, shapes
from shared.catalog.markets import checked_market
from shared.catalog.render import page, simplified_album
from shared.platform.auth import Principal
from shared.platform.caching import BROWSE
from shared.platform.http import Caller, answers, bridge, create_app, respond
from shared.platform.parameters import CategoryId, Limit50, MarketParam, Offset
from shared.platform.shapes import Page
from shared.playlists import pages as playlist_pages
from shared.playlists import service as playlists
from shared.playlists.shapes import SimplifiedPlaylistObject

app = create_app("browse")
Locale = Annotated[
    str | None,
    Query(max_length=35, description="language and country, such as `es_MX`; others: untranslated"),
]


@app.get("/v1/browse/categories", responses=answers(shapes.CategoriesObject))
async def get_categories(
    request: Request,
    caller: Caller,
    locale: Locale = None,
    limit: Limit50 = 20,
    offset: Offset = 0,
) -> Response:
    """A page of the categories, in the editors' order."""
    found = await service.get_categories()
    items = [render.category_object(one, locale) for one in found[offset : offset + limit]]
    address = f"{render.browse_url()}/categories"
    shown = page(items, address, len(found), limit, offset, locale=locale)
    return respond(request, {"categories": shown}, cache=BROWSE)


@app.get("/v1/browse/categories/{category_id}", responses=answers(shapes.CategoryObject, 404))
async def get_category(
    request: Request, caller: Caller, category_id: CategoryId, locale: Locale = None
) -> Response:
    """One category."""
    category = await service.get_category(category_id)
    return respond(request, render.category_object(category, locale), cache=BROWSE)


@app.get(
    "/v1/browse/categories/{category_id}/playlists",
    responses=answers(shapes.FeaturedPlaylistsObject, 404),
)
async def get_category_playlists(
    request: Request,
    caller: Caller,
    category_id: CategoryId,
    limit: Limit50 = 20,
    offset: Offset = 0,
) -> Response:
    """A page of the playlists of a category."""
    category = await service.get_category(category_id)
    address = f"{render.browse_url()}/categories/{category_id}/playlists"
    shown = await _playlists(caller, category.playlist_ids, address, limit, offset)
    return respond(request, {"message": category.name, "playlists": shown}, cache=BROWSE)


@app.get("/v1/browse/featured-playlists", responses=answers(shapes.FeaturedPlaylistsObject))
async def get_featured_playlists(
    request: Request,
    caller: Caller,
    locale: Locale = None,
    country: MarketParam = None,
    limit: Limit50 = 20,
    offset: Offset = 0,
) -> Response:
    """A page of what the editors feature in `country`, the caller's own by default."""
    asked = checked_market(country, caller.country)
    featured = await service.get_featured(asked or caller.country or None)
    address = f"{render.browse_url()}/featured-playlists"
    kept = {"locale": locale, "country": asked}
    shown = await _playlists(caller, featured.playlist_ids, address, limit, offset, **kept)
    body = {"message": featured.message_in(locale), "playlists": shown}
    return respond(request, body, cache=BROWSE)


async def _playlists(
    caller: Principal,
    ids: Sequence[str],
    address: str,
    limit: int,
    offset: int,
    **parameters: str | None,
) -> Page[SimplifiedPlaylistObject]:
    found = await playlists.get_playlists(caller.user_id, ids)
    seen = [one for one in found if one]
    items = await playlist_pages.simplified_playlists(seen[offset : offset + limit])
    shown = [one for one in items if one]
    return page(shown, address, len(seen), limit, offset, **parameters)


@app.get("/v1/browse/new-releases", responses=answers(shapes.NewReleasesObject))
async def get_new_releases(
    request: Request,
    caller: Caller,
    country: MarketParam = None,
    limit: Limit50 = 20,
    offset: Offset = 0,
) -> Response:
    """A page of the albums released latest, newest first, of those in `country`, the caller's own
    by default."""
    asked = checked_market(country, caller.country)
    albums = await service.new_releases(asked or caller.country or None)
    items = [simplified_album(one, asked) for one in albums[offset : offset + limit]]
    address = f"{render.browse_url()}/new-releases"
    shown = page(items, address, len(albums), limit, offset, country=asked)
    return respond(request, {"albums": shown}, cache=BROWSE)


@functions_framework.aio.http
async def browse(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
