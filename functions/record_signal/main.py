"""Keeps what people say of what they like, for the features that recommendations are made of."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.events import on_event
from shared.signals import service
from shared.signals.models import Signal

_receive = on_event(Signal, service.record)


@functions_framework.aio.http
async def record_signal(request: Request) -> Response:
    return await _receive(request)
