"""Tracks, albums and artists (F133-F136).

A warm request reads no store and renders nothing: documents are cached, and so are the bytes
that they became.
"""

from __future__ import annotations

from typing import Annotated

import functions_framework.aio
from fastapi import Query, Request, Response

from shared.catalog import render, service
from shared.catalog.markets import checked_market
from shared.catalog.paging import DEFAULT_LIMIT, MAX_LIMIT, checked_number
from shared.catalog.rendered import Rendered, rendered
from shared.platform.http import Caller, bridge, create_app

app = create_app("catalog")
Market = Annotated[str | None, Query(description="ISO 3166-1 alpha-2, or `from_token`")]


@app.get("/v1/tracks/{track_id}")
async def get_track(
    track_id: str, request: Request, caller: Caller, market: Market = None
) -> Response:
    """One track."""
    market = checked_market(market, caller.country)
    track = await service.get_track(track_id)
    answer = rendered(
        ("track", track_id, market or ""), (track,), lambda: render.track_object(track, market)
    )
    return _respond(request, answer, service.TRACK_TTL_S)


@app.get("/v1/albums/{album_id}")
async def get_album(
    album_id: str, request: Request, caller: Caller, market: Market = None
) -> Response:
    """One album with the first page of its tracks."""
    market = checked_market(market, caller.country)
    album = await service.get_album(album_id)
    tracks = await service.all_album_tracks(album_id)
    answer = rendered(
        ("album", album_id, market or ""),
        (album, tracks),
        lambda: render.album_object(album, tracks, market),
    )
    return _respond(request, answer, service.ALBUM_TTL_S)


@app.get("/v1/albums/{album_id}/tracks")
async def get_album_tracks(
    album_id: str,
    request: Request,
    caller: Caller,
    market: Market = None,
    limit: str = DEFAULT_LIMIT,
    offset: str = "0",
) -> Response:
    """A page (`limit` 1..50, default 20) of an album's tracks, by disc and track number."""
    market = checked_market(market, caller.country)
    size = checked_number("limit", limit, 1, MAX_LIMIT)
    start = checked_number("offset", offset, 0, 100_000)
    await service.get_album(album_id)
    tracks = await service.all_album_tracks(album_id)
    answer = rendered(
        ("album_tracks", album_id, market or "", str(size), str(start)),
        (tracks,),
        lambda: render.album_tracks_page(album_id, tracks, size, start, market),
    )
    return _respond(request, answer, service.ALBUM_TTL_S)


@app.get("/v1/artists/{artist_id}")
async def get_artist(artist_id: str, request: Request, caller: Caller) -> Response:
    """One artist."""
    artist = await service.get_artist(artist_id)
    answer = rendered(("artist", artist_id), (artist,), lambda: render.artist_object(artist))
    return _respond(request, answer, service.ALBUM_TTL_S)


def _respond(request: Request, answer: Rendered, max_age_s: int) -> Response:
    headers = {
        "etag": answer.etag,
        "cache-control": f"private, max-age={max_age_s}",
        "vary": "authorization",  # `from_token` depends on who asks
    }
    if answer.is_known_by(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Response(answer.body, media_type="application/json", headers=headers)


@functions_framework.aio.http
async def catalog(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
