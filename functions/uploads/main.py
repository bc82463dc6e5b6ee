"""Uploads of masters: `POST /v1/uploads` and `GET /v1/uploads/{id}` (F001, F003-F005)."""

from __future__ import annotations

from typing import Annotated, Any

import functions_framework.aio
from fastapi import Response, Security
from starlette.requests import Request

from shared.ingestion import service
from shared.ingestion.models import Upload, UploadRequest, UploadTicket
from shared.platform.auth import Principal
from shared.platform.http import authenticate, bridge, create_app

app = create_app("uploads")
Uploader = Annotated[Principal, Security(authenticate, scopes=["ugc-track-upload"])]


def _owner(caller: Principal) -> str:
    return caller.user_id or caller.client_id  # labels deliver with their app's own token


@app.post("/v1/uploads", status_code=201)
async def start_upload(
    caller: Uploader, request: UploadRequest, response: Response
) -> UploadTicket:
    """Announces a master; the answer says where to send its bytes."""
    response.headers["cache-control"] = "no-store"
    return await service.start_upload(_owner(caller), request)


@app.get("/v1/uploads/{upload_id}")
async def get_upload(caller: Uploader, upload_id: str, response: Response) -> dict[str, Any]:
    """How far the caller's upload is."""
    response.headers["cache-control"] = "no-store"
    return _shape(await service.get_upload(_owner(caller), upload_id))


def _shape(upload: Upload) -> dict[str, Any]:
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
