"""Shows, episodes and how far the caller has heard them (F242, F243)."""

from __future__ import annotations

from typing import Annotated

import functions_framework.aio
from fastapi import Request, Response, Security

from shared.catalog.markets import checked_market
from shared.catalog.parameters import Ids50
from shared.platform.auth import Principal
from shared.platform.caching import CATALOG, PRIVATE
from shared.platform.http import Caller, answers, authenticate, bridge, create_app, respond
from shared.platform.parameters import Base62Id, Limit50, MarketParam, Offset, split_ids
from shared.platform.shapes import Page
from shared.podcasts import service, shapes, views
from shared.podcasts.requests import ResumePointReport

POSITION_SCOPE = "user-read-playback-position"  # with it, episodes show where the caller stopped

app = create_app("podcasts")
Player = Annotated[Principal, Security(authenticate, scopes=["user-modify-playback-state"])]


def _listener(caller: Principal) -> str | None:
    return caller.user_id if POSITION_SCOPE in caller.scopes else None


def _cache(caller: Principal) -> str:
    return CATALOG if _listener(caller) is None else PRIVATE  # a resume point moves as one listens


@app.get("/v1/shows", responses=answers(shapes.ShowsObject))
async def get_shows(
    request: Request, caller: Caller, ids: Ids50, market: MarketParam = None
) -> Response:
    """Several shows, null where an id is unknown."""
    checked_market(market, caller.country)
    return respond(request, await views.shows(split_ids(ids, 50)), cache=CATALOG)


@app.get("/v1/shows/{id}", responses=answers(shapes.ShowObject, 404))
async def get_show(
    request: Request, caller: Caller, id: Base62Id, market: MarketParam = None
) -> Response:
    """One show with its newest episodes, which have a `resume_point` for a token with the scope
    `user-read-playback-position`."""
    country = checked_market(market, caller.country)
    shown = await views.show(id, country, _listener(caller))
    return respond(request, shown, cache=_cache(caller))


@app.get("/v1/shows/{id}/episodes", responses=answers(Page[shapes.SimplifiedEpisodeObject], 404))
async def get_show_episodes(
    request: Request,
    caller: Caller,
    id: Base62Id,
    market: MarketParam = None,
    limit: Limit50 = 20,
    offset: Offset = 0,
) -> Response:
    """A page of a show's episodes, newest first; `resume_point` as in a show."""
    country = checked_market(market, caller.country)
    page = await views.show_episodes(id, country, _listener(caller), limit, offset)
    return respond(request, page, cache=_cache(caller))


@app.get("/v1/episodes", responses=answers(shapes.EpisodesObject))
async def get_episodes(
    request: Request, caller: Caller, ids: Ids50, market: MarketParam = None
) -> Response:
    """Several episodes, null where an id is unknown; `resume_point` as in a show."""
    country = checked_market(market, caller.country)
    shown = await views.episodes(split_ids(ids, 50), country, _listener(caller))
    return respond(request, shown, cache=_cache(caller))


@app.get("/v1/episodes/{id}", responses=answers(shapes.EpisodeObject, 404))
async def get_episode(
    request: Request, caller: Caller, id: Base62Id, market: MarketParam = None
) -> Response:
    """One episode with its show; `resume_point` as in a show."""
    country = checked_market(market, caller.country)
    shown = await views.episode(id, country, _listener(caller))
    return respond(request, shown, cache=_cache(caller))


@app.put(
    "/v1/me/episodes/{id}/resume-point",
    status_code=204,
    responses=answers(None, 404, status=204),
)
async def put_resume_point(caller: Player, id: Base62Id, report: ResumePointReport) -> Response:
    """Reports how far the caller has heard an episode; of several reports the latest by its
    `reported_at` stands (ours)."""
    await service.set_resume_point(
        caller.require_user(), id, report.position_ms, report.fully_played, report.reported_at
    )
    return Response(status_code=204)


@functions_framework.aio.http
async def podcasts(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
