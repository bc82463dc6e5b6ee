"""Recommendations from seeds and target attributes."""

from __future__ import annotations

from typing import Annotated

import functions_framework.aio
from fastapi import Query, Request, Response

from shared.catalog.markets import checked_market
from shared.platform.caching import CATALOG
from shared.platform.http import Caller, answers, bridge, create_app, respond
from shared.recommendations import render, service
from shared.recommendations.parameters import RecommendationsQuery
from shared.recommendations.shapes import GenreSeedsObject, RecommendationsObject

app = create_app("recommendations")


@app.get("/v1/recommendations", responses=answers(RecommendationsObject))
async def get_recommendations(
    request: Request, caller: Caller, query: Annotated[RecommendationsQuery, Query()]
) -> Response:
    """Tracks that are near to at most five seeds and to the targets, best first, of those released
    in the market, the caller's own by default. At least one seed is needed."""
    country = checked_market(query.market, caller.country)
    where = country or caller.country or None
    found = await service.recommend(query.seeds(), query.limit, query.tuning(), where)
    shown = render.recommendations_object(found, country)
    return respond(request, shown, cache=CATALOG)


@app.get("/v1/recommendations/available-genre-seeds", responses=answers(GenreSeedsObject))
async def get_genre_seeds(request: Request, caller: Caller) -> Response:
    """The genres that can be seeds."""
    return respond(request, {"genres": await service.genre_seeds()}, cache=CATALOG)


@functions_framework.aio.http
async def recommendations(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
