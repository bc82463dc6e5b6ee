"""Manifests, licences and signed playlists (F037-F041)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import parse_qsl

import functions_framework.aio
from fastapi import Header, Query, Request, Response, Security
from fastapi.security import SecurityScopes

from shared.platform import caching
from shared.platform.auth import Principal
from shared.platform.caching import respond
from shared.platform.errors import DomainError, InvalidInput
from shared.platform.http import answers, authenticate, bridge, create_app
from shared.platform.responses import domain_error_response
from shared.playback import licensing, service, sessions, streams
from shared.playback.leases import HEARTBEAT_S
from shared.playback.models import HeartbeatObject, HeartbeatRequest
from shared.playback.parameters import LICENCE_BODY, MANIFEST_QUERY, DeviceHeader
from shared.playback.quality import DEFAULT_KBPS
from shared.playback.shapes import LicenceObject, ManifestObject

MANIFEST_PATH = "/v1/playback/manifest"
NO_STORE = {"cache-control": "no-store", "access-control-allow-origin": "*"}
STOPPED: dict[int | str, Any] = {204: {"description": "The place is free for another device"}}
_STREAMING = SecurityScopes(["streaming"])

app = create_app("playback")
Listener = Annotated[Principal, Security(authenticate, scopes=_STREAMING.scopes)]


@lru_cache(4096)
def _parameters(query: bytes) -> Mapping[str, str]:
    """The query string's parameters. Listeners of one track send one string: it is read once."""
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


async def _manifest(request: Request, listener: Principal) -> Response:
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


@app.get(MANIFEST_PATH, responses=answers(ManifestObject, 404), openapi_extra=MANIFEST_QUERY)
async def get_manifest(request: Request, listener: Listener) -> Response:
    """Where to play a track from. A preview needs no subscription and is AAC over HLS."""
    return await _manifest(request, listener)


@app.post(
    "/v1/playback/license",
    responses=answers(LicenceObject, 404, 410),
    openapi_extra=LICENCE_BODY,
)
async def get_license(
    request: Request,
    listener: Listener,
    session: Annotated[str, Query(min_length=1, description="by a manifest's `license_url`")],
    x_device_id: DeviceHeader = None,
    x_client_build: Annotated[str | None, Header()] = None,
) -> Response:
    """A W3C Clear Key licence for the session of a manifest."""
    body = await licensing.licence(
        listener,
        session,
        await request.body(),
        device_id=x_device_id,
        client_build=x_client_build,
    )
    return Response(service.to_bytes(body), media_type="application/json", headers=NO_STORE)


@app.post("/v1/playback/heartbeat", responses=answers(HeartbeatObject, 410) | STOPPED)
async def keep_sounding(
    request: Request,
    listener: Listener,
    body: HeartbeatRequest,
    x_device_id: DeviceHeader = None,
) -> Response:
    """A device says that it still sounds; it must within a minute, or others may in its place."""
    lease = await streams.heartbeat(
        listener, body.session, body.device_id or x_device_id, stopped=body.stopped
    )
    if lease is None:
        return Response(status_code=204)
    answer: HeartbeatObject = {
        "expires_at": sessions.timestamp(lease.expires_at_s),
        "heartbeat_s": HEARTBEAT_S,
        "streams": lease.streams,
        "limit": lease.limit,
    }
    return respond(request, answer, cache=caching.NO_STORE)


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
            return await _manifest(request, await authenticate(request, _STREAMING))
        except DomainError as error:
            response = domain_error_response(error)
            response.headers.update(NO_STORE)
            return response
        except Exception:
            return bridge(app)  # fails there again, and is logged and answered as any crash is
    return bridge(app)
