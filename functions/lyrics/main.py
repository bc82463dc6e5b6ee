"""Lyrics of tracks, with their times (F245)."""

from __future__ import annotations

from typing import Annotated

import functions_framework.aio
from fastapi import Request, Response, Security

from shared.catalog import service as catalog
from shared.ingestion import service as ingestion
from shared.lyrics import render, service
from shared.lyrics.shapes import LyricsObject
from shared.platform.auth import Principal
from shared.platform.caching import BROWSE, NO_STORE
from shared.platform.errors import Forbidden
from shared.platform.http import Caller, answers, authenticate, bridge, create_app, respond
from shared.platform.parameters import Base62Id

app = create_app("lyrics")
Uploader = Annotated[Principal, Security(authenticate, scopes=["ugc-track-upload"])]
LRC_BODY = {"requestBody": {"required": True, "content": {"text/plain": {"schema": {
    "type": "string", "minLength": 1, "maxLength": service.MAX_LRC_BYTES,
    "description": "LRC in UTF-8, at most 64 KB",
}}}}}  # fmt: skip


@app.get("/v1/tracks/{id}/lyrics", responses=answers(LyricsObject, 404))
async def get_lyrics(request: Request, caller: Caller, id: Base62Id) -> Response:
    """The lyrics of a track, by line or word where they have times (ours)."""
    await catalog.get_track(id)
    lyrics = await service.get_lyrics(id)
    return respond(request, render.lyrics_object(id, lyrics), cache=BROWSE)


@app.put(
    "/v1/tracks/{id}/lyrics",
    responses=answers(LyricsObject, 404, 413),
    openapi_extra=LRC_BODY,
)
async def put_lyrics(request: Request, caller: Uploader, id: Base62Id) -> Response:
    """Replaces the lyrics of a track that the caller uploaded, by LRC; answers what was read in
    it (ours)."""
    track = await catalog.get_track(id)
    if await ingestion.uploader_of(track.content_hash) != caller.require_user():
        raise Forbidden("Only who uploaded a track may give it lyrics.")
    lrc = await service.limited(request.stream())
    lyrics = await service.put_lyrics(id, lrc, duration_ms=track.duration_ms)
    return respond(request, render.lyrics_object(id, lyrics), cache=NO_STORE)


@functions_framework.aio.http
async def lyrics(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
