"""A master is examined and sent to the Transcoder, or rejected with the reason (F003-F017)."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.ingestion import validation
from shared.ingestion.models import MasterReceived
from shared.platform.events import on_event

_receive = on_event(MasterReceived, validation.validate_master)


@functions_framework.aio.http
async def validate_master(request: Request) -> Response:
    """Entry point."""
    return await _receive(request)
