"""Manifests, licences and signed playlists (F037-F041)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated
from urllib.parse import parse_qsl

import functions_framework.aio
from fastapi import Header, Request, Response, Security
from fastapi.security import SecurityScopes

from shared.platform.auth import Principal
from shared.platform.errors import DomainError, InvalidInput
from shared.platform.http import authenticate, bridge, create_app
from shared.platform.responses import domain_error_response
from shared.playback import licensing, service
from shared.playback.quality import DEFAULT_KBPS

MANIFEST_PATH = "/v1/playback/manifest"
NO_STORE = {"cache-control": "no-store"}
_STREAMING = SecurityScopes(["streaming"])

app = create_app("playback")
Listener = Annotated[Principal, Security(authenticate, scopes=_STREAMING.scopes)]


@lru_cache(4096)
def _parameters(query: bytes) -> Mapping[str, str]:
    """The query string's parameters. Listeners of one track send one string: it is read once."""
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


async def get_manifest(request: Request) -> Response:
    """Where to play a track from; query `track_id`, `codec` aac|vorbis, `br` in kbps,
    `protocol` dash|hls, `preview` true|false."""
    listener = await authenticate(request, _STREAMING)
    query = _parameters(request.scope["query_string"])
    preview = query.get("preview", "false").lower()
    if preview not in ("true", "false"):
        raise InvalidInput("Invalid preview; it is true or false")
    if "track_id" not in query:
        raise InvalidInput("Missing parameter track_id")
    body = await service.manifest(
        listener,
        query["track_id"],
        codec=query.get("codec", "aac"),
        br=query.get("br", str(DEFAULT_KBPS)),
        protocol=query.get("protocol", ""),
        preview=preview == "true",
        device_id=request.headers.get("x-device-id"),
    )
    return Response(service.to_bytes(body), media_type="application/json", headers=NO_STORE)


app.add_route(MANIFEST_PATH, get_manifest, methods=["GET"])


@app.post("/v1/playback/license")
async def get_license(
    request: Request,
    listener: Listener,
    session: str = "",
    x_device_id: Annotated[str | None, Header()] = None,
    x_client_build: Annotated[str | None, Header()] = None,
) -> Response:
    """A W3C Clear Key licence for the session of a manifest."""
    if not session:
        raise InvalidInput("Missing parameter session")
    body = await licensing.licence(
        listener,
        session,
        await request.body(),
        device_id=x_device_id,
        client_build=x_client_build,
    )
    return Response(service.to_bytes(body), media_type="application/json", headers=NO_STORE)


@app.get("/v1/playback/streams/{token}/{cdn}/{file:path}")
async def get_stream(token: str, cdn: str, file: str) -> Response:
    """A playlist for stock players, which send no headers: the token in the path is the key."""
    answer = await service.stream(token, cdn, file)
    headers = {
        "cache-control": f"private, max-age={answer.max_age_s}",
        "access-control-allow-origin": "*",
    }
    return Response(answer.body, media_type=answer.content_type, headers=headers)


@functions_framework.aio.http
async def playback(request: Request) -> Response:
    """Entry point. The hottest endpoint there is goes past FastAPI, whose middleware and routing
    cost about as much as the whole answer; what is wrong with a request is said alike."""
    if request.scope["path"] == MANIFEST_PATH and request.method == "GET":
        try:
            return await get_manifest(request)
        except DomainError as error:
            return domain_error_response(error)
        except Exception:
            return bridge(app)  # fails there again, and is logged and answered as any crash is
    return bridge(app)
