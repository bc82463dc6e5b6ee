"""Search over tracks, artists, albums, playlists, shows and episodes (F164-F190)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import functions_framework.aio
from fastapi import Depends, Query, Request, Response

from shared.catalog.markets import checked_market
from shared.finding import views
from shared.finding.shapes import SearchObject
from shared.platform.auth import OPERATOR, Principal
from shared.platform.http import Caller, answers, bridge, create_app, respond
from shared.platform.parameters import Limit50, MarketParam
from shared.search import parameters
from shared.search.models import ITEM_TYPES, ItemType, SearchRequest, SearchType
from shared.search.shapes import SuggestionsObject

app = create_app("search")
CACHE = "private, max-age=15"  # a takedown must be gone within a minute
Locale = Annotated[str, Depends(parameters.asked_locale)]


@app.get("/v1/search", responses=answers(SearchObject), openapi_extra=parameters.TYPE_DOCUMENTED)
async def search_items(
    request: Request,
    caller: Caller,
    locale: Locale,
    q: parameters.Words,
    asked: Annotated[list[SearchType], Depends(parameters.asked_types)],
    market: MarketParam = None,
    limit: Limit50 = 20,
    offset: parameters.Start = 0,
    include_external: Annotated[
        Literal["audio"] | None, Query(description="accepted; nothing here is hosted elsewhere")
    ] = None,
    view: parameters.View = None,
    facets: parameters.WithFacets = False,
    explain: parameters.Explained = False,
) -> Response:
    """A page of each type that matches `q`, of what is released in the caller's own country, or
    for an app, which has none, in the market that it names."""
    if explain:
        caller.require_scope(OPERATOR)
    country = _market(market, caller)
    wanted = SearchRequest(
        query=q,
        types=tuple(kind for kind in ITEM_TYPES if kind in asked),
        limit=limit,
        offset=offset,
        market=country,
        locale=locale,
        view=view,
        with_facets=facets,
        explain=explain,
    )
    return _answer(request, await views.search(caller, wanted, asked, country if market else None))


@app.get(
    "/v1/search/suggest",
    responses=answers(SuggestionsObject),
    openapi_extra=parameters.SUGGESTED_TYPE_DOCUMENTED,
)
async def suggest_items(
    request: Request,
    caller: Caller,
    locale: Locale,
    q: parameters.Words,
    asked: Annotated[list[ItemType], Depends(parameters.suggested_types)],
    market: MarketParam = None,
    limit: parameters.HowMany = 10,
    explain: parameters.Explained = False,
) -> Response:
    """What may be meant by `q`, which is still being typed; best first, of all types together."""
    if explain:
        caller.require_scope(OPERATOR)
    wanted = SearchRequest(
        query=q,
        types=tuple(asked),
        limit=limit,
        market=_market(market, caller),
        locale=locale,
        explain=explain,
    )
    return _answer(request, await views.suggest(caller, wanted))


def _market(named: str | None, caller: Principal) -> str | None:
    """The market that counts: a person's own country goes before the one that they name, as the
    Web API documents it. Raises InvalidInput for a code that is no country of ours."""
    checked = checked_market(named, caller.country)
    return caller.country or checked or None


def _answer(request: Request, body: Mapping[str, Any]) -> Response:
    answer = respond(request, body, cache=CACHE)
    answer.headers["vary"] = "authorization, accept-language"
    return answer


@functions_framework.aio.http
async def search(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
