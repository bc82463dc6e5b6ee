"""Recommendations: from seeds, home, lists made for a person, radio and autoplay (F191-F219)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import functions_framework.aio
from fastapi import Path, Query, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.markets import checked_market
from shared.catalog.render import page
from shared.experiments import service as experiments
from shared.platform.auth import Principal
from shared.platform.caching import CATALOG, NO_STORE, PRIVATE
from shared.platform.http import Caller, answers, authenticate, bridge, create_app, respond
from shared.platform.parameters import Limit50, Offset, uri_pattern
from shared.platform.settings import settings
from shared.recommendations import home as homes
from shared.recommendations import render, service, shapes, views
from shared.recommendations.parameters import RecommendationsQuery
from shared.recommendations.ranking.impressions import entry

app = create_app("recommendations")
ME = "/v1/me"

# What is recommended tells what somebody listens to; feedback is a player's to give, as plays are.
Listener = Annotated[Principal, Security(authenticate, scopes=["user-read-recently-played"])]
Player = Annotated[Principal, Security(authenticate, scopes=["streaming"])]
ListId = Annotated[
    str,
    Path(pattern=r"^[a-z0-9-]{1,40}$", description="discover-weekly, release-radar, daily-mix-1 …"),
]
SeedUri = Annotated[
    str,
    Query(
        pattern=uri_pattern(*service.RADIO_KINDS),
        description="of a track, an artist, an album, a playlist, or `spotify:genre:<name>`",
    ),
]
ContextUri = Annotated[
    str,
    Query(
        pattern=uri_pattern(*service.CONTEXT_KINDS),
        description="of an album, an artist, a playlist or a track",
    ),
]


class Feedback(BaseModel):
    """What somebody says of a track, an artist, an album or a playlist: that it is not for them
    (`hide`), that it is after all (`unhide`), or that something is wrong with it (`report`)."""

    model_config = ConfigDict(frozen=True)

    uri: str = Field(pattern=uri_pattern(*service.FEEDBACK_KINDS))
    kind: Literal["hide", "unhide", "report"]


@app.get("/v1/recommendations", responses=answers(shapes.RecommendationsObject))
async def get_recommendations(
    request: Request, caller: Caller, query: Annotated[RecommendationsQuery, Query()]
) -> Response:
    """Tracks that are near to at most five seeds and to the targets, best first, of those released
    in the market, the caller's own by default. At least one seed is needed."""
    country = checked_market(query.market, caller.country)
    where = country or caller.country or None
    found = await service.recommend(query.seeds(), query.limit, query.tuning(), where)
    shown = render.recommendations_object(found, country, explain=query.explain)
    return respond(request, shown, cache=CATALOG)


@app.get("/v1/recommendations/available-genre-seeds", responses=answers(shapes.GenreSeedsObject))
async def get_genre_seeds(request: Request, caller: Caller) -> Response:
    """The genres that can be seeds."""
    return respond(request, {"genres": await service.genre_seeds()}, cache=CATALOG)


@app.get(f"{ME}/home", responses=answers(shapes.HomeObject))
async def get_home(request: Request, caller: Listener) -> Response:
    """Home: shelves of what the person played, what was made for them, what goes with it, and what
    is new and popular. It is answered in time whatever else fails; `is_last_good` says when."""
    home = await homes.home_of(caller)
    await experiments.expose(home.exposures)
    return respond(request, home.body, cache=PRIVATE)


@app.get(f"{ME}/made-for-you", responses=answers(shapes.MadeForYouListsObject))
async def get_made_for_you(request: Request, caller: Listener) -> Response:
    """The lists that were made for the person: Discover Weekly, daily mixes, Release Radar."""
    found = await service.made_for(caller.require_user())
    body = {"items": [views.list_object(made, one) for made, one in found]}
    return respond(request, body, cache=PRIVATE)


@app.get(f"{ME}/made-for-you/{{id}}", responses=answers(shapes.MadeForYouListObject, 404))
async def get_made_list(request: Request, caller: Listener, id: ListId) -> Response:
    """One of them, with its tracks and why each is on it."""
    made, one, taste = await service.made_list(caller, id)
    body = await views.whole_list(made, one, caller.country or None, taste)
    if not caller.suspected:
        listed = {track["id"] for track in body["tracks"]}
        shown = [entry(track) for track in one.tracks if track.track_id in listed]
        await experiments.expose(
            experiments.list_shown(caller.require_user(), id, shown, "made-for-you")
        )
    return respond(request, body, cache=PRIVATE)


@app.get(f"{ME}/radio", responses=answers(shapes.RecommendedPageObject, 404, 503))
async def get_radio(
    request: Request, caller: Listener, seed: SeedUri, limit: Limit50 = 20, offset: Offset = 0
) -> Response:
    """Tracks that go on from a seed, the next one first. Whoever skips one and asks again gets
    others. A play of one names `segue:radio:<id of the seed>` as its context."""
    found = await service.radio_from(caller, seed)
    shown = await views.tracks_shown(found, caller.country or None)
    address = f"{settings().public_url}{ME}/radio"
    part = shown[offset : offset + limit]
    body: Any = page(part, address, len(shown), limit, offset, seed=seed)
    return respond(request, body, cache=NO_STORE)


@app.get(f"{ME}/autoplay", responses=answers(shapes.RecommendedTracksObject, 404, 503))
async def get_autoplay(request: Request, caller: Listener, context_uri: ContextUri) -> Response:
    """Tracks to go on with when a context has ended, the next one first. A play of one names
    `segue:shelf:autoplay` as its context."""
    found = await service.autoplay_after(caller, context_uri)
    body = {"tracks": await views.tracks_shown(found, caller.country or None)}
    return respond(request, body, cache=NO_STORE)


@app.post(f"{ME}/feedback", status_code=204, responses=answers(None, 503, status=204))
async def give_feedback(caller: Player, said: Feedback) -> None:
    """Hides something from all recommendations, takes that back, or complains about it."""
    await service.give_feedback(caller, said.uri, said.kind)


@app.get(f"{ME}/flags", responses=answers(shapes.FlagsObject))
async def get_flags(request: Request, caller: Caller) -> Response:
    """The variants that the person gets of what is being tried."""
    found = await experiments.flags_of(
        caller.require_user(), country=caller.country or None, tier=caller.tier
    )
    return respond(request, {"flags": found}, cache=PRIVATE)


@functions_framework.aio.http
async def recommendations(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
