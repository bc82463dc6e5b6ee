"""Uploads of masters: `POST /v1/uploads` and `GET /v1/uploads/{id}` (F001, F003-F005)."""

from __future__ import annotations

from typing import Annotated

import functions_framework.aio
from fastapi import Request, Response, Security
from typing_extensions import TypedDict

from shared.ingestion import service
from shared.ingestion.models import Upload, UploadRequest, UploadTicket
from shared.platform.auth import Principal
from shared.platform.caching import NO_STORE
from shared.platform.http import answers, authenticate, bridge, create_app, once, respond
from shared.platform.ids import content_id
from shared.platform.parameters import Base62Id

app = create_app("uploads")
Uploader = Annotated[Principal, Security(authenticate, scopes=["ugc-track-upload"])]


def _owner(caller: Principal) -> str:
    return caller.user_id or caller.client_id  # labels deliver with their app's own token


class UploadState(TypedDict):
    """How far an upload is; `reason` says why it was rejected."""

    upload_id: str
    filename: str
    size_bytes: int
    state: str
    progress_percent: int
    reason: str | None
    track_id: str | None
    track_uri: str | None


@app.post("/v1/uploads", status_code=201, responses=answers(UploadTicket, status=201))
async def start_upload(request: Request, caller: Uploader, announced: UploadRequest) -> Response:
    """Announces a master; the answer says where to send its bytes."""

    async def make(seed: str) -> Response:
        ticket = await service.start_upload(
            _owner(caller), announced, upload_id=content_id("upload", seed)
        )
        return respond(request, ticket.model_dump(mode="json"), cache=NO_STORE, status=201)

    return await once(request, caller, make)


@app.get("/v1/uploads/{upload_id}", responses=answers(UploadState, 404))
async def get_upload(request: Request, caller: Uploader, upload_id: Base62Id) -> Response:
    """How far the caller's upload is."""
    upload = await service.get_upload(_owner(caller), upload_id)
    return respond(request, _shape(upload), cache=NO_STORE)


def _shape(upload: Upload) -> UploadState:
    return {
        "upload_id": upload.upload_id,
        "filename": upload.filename,
        "size_bytes": upload.size_bytes,
        "state": upload.state,
        "progress_percent": upload.progress_percent,
        "reason": upload.reason,
        "track_id": upload.track_id,
        "track_uri": f"spotify:track:{upload.track_id}" if upload.track_id else None,
    }


@functions_framework.aio.http
async def uploads(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
