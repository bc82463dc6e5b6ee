"""What the caller played: recently, and most."""

from __future__ import annotations

from typing import Annotated

import functions_framework.aio
from fastapi import Query, Request, Response, Security

from shared.history import keys, render, service
from shared.history.keys import Cursor
from shared.history.shapes import (
    CursorPagingPlayHistoryObject,
    PagingArtistObject,
    PagingTrackObject,
)
from shared.history.taste import TimeRange
from shared.platform.auth import Principal
from shared.platform.caching import respond
from shared.platform.errors import InvalidInput
from shared.platform.http import answers, authenticate, bridge, create_app
from shared.platform.parameters import Limit50, Offset
from shared.social import service as social

app = create_app("history")
Listener = Annotated[Principal, Security(authenticate, scopes=["user-read-recently-played"])]
Fan = Annotated[Principal, Security(authenticate, scopes=["user-top-read"])]
Moment = Annotated[int | None, Query(ge=0, le=keys.LAST_MS)]
CursorEvent = Annotated[str | None, Query(pattern=r"^[0-9A-Za-z._:-]{1,64}$")]
Range = Annotated[TimeRange, Query(description="4 weeks, or all 90 days weighed differently")]


@app.get("/v1/me/player/recently-played", responses=answers(CursorPagingPlayHistoryObject))
async def recently_played(
    request: Request,
    caller: Listener,
    limit: Limit50 = 20,
    before: Moment = None,
    after: Moment = None,
    cursor_event: CursorEvent = None,
) -> Response:
    """The caller's plays, newest first."""
    if before is not None and after is not None:
        raise InvalidInput("before and after must not be given together")
    page = await service.recently_played(
        caller,
        limit,
        None if before is None else Cursor(before, cursor_event),
        None if after is None else Cursor(after, cursor_event),
    )
    return respond(request, page)


@app.get("/v1/me/top/tracks", responses=answers(PagingTrackObject))
async def get_top_tracks(
    request: Request,
    caller: Fan,
    time_range: Range = "medium_term",
    limit: Limit50 = 20,
    offset: Offset = 0,
) -> Response:
    """The tracks that the caller played most."""
    top = await service.top_tracks(caller.require_user(), time_range, limit, offset)
    market = caller.country or None
    return respond(request, render.top_tracks_page(top, time_range, limit, offset, market))


@app.get("/v1/me/top/artists", responses=answers(PagingArtistObject))
async def get_top_artists(
    request: Request,
    caller: Fan,
    time_range: Range = "medium_term",
    limit: Limit50 = 20,
    offset: Offset = 0,
) -> Response:
    """The artists that the caller played most."""
    top = await service.top_artists(caller.require_user(), time_range, limit, offset)
    followers = await social.follower_counts("artist", [one.id for one in top.items])
    return respond(request, render.top_artists_page(top, followers, time_range, limit, offset))


@functions_framework.aio.http
async def history(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
