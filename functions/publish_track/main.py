"""A Transcoder job has ended; after the last one the track is published (F015-F028)."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.ingestion import publishing
from shared.ingestion.models import TranscodeFinished
from shared.platform.events import on_event

_receive = on_event(TranscodeFinished, publishing.handle_transcode_finished)


@functions_framework.aio.http
async def publish_track(request: Request) -> Response:
    """Entry point."""
    return await _receive(request)
