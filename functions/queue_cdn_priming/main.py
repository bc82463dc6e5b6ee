"""A track was published: queues its fetching through every CDN (F098)."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.catalog.models import TrackPublished
from shared.delivery import service
from shared.platform.events import on_event

_receive = on_event(TrackPublished, service.queue_track_priming)


@functions_framework.aio.http
async def queue_cdn_priming(request: Request) -> Response:
    """Entry point."""
    return await _receive(request)
