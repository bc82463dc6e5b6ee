"""Keeps each play in the listening history, and how it began and ended for its features."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.history import service
from shared.history.models import PlaybackEvent
from shared.platform.events import on_event

_receive = on_event(PlaybackEvent, service.record)


@functions_framework.aio.http
async def record_history(request: Request) -> Response:
    return await _receive(request)
