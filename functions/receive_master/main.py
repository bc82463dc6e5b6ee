"""A master has arrived in the masters bucket: noted, and sent on to validation (F001)."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.ingestion import service
from shared.platform.events import on_object

_receive = on_object(service.receive_master)


@functions_framework.aio.http
async def receive_master(request: Request) -> Response:
    """Entry point."""
    return await _receive(request)
