"""An error budget burns: what is being rolled out goes back (F307)."""

from __future__ import annotations

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from shared.platform.events import on_event
from shared.rollout import service
from shared.rollout.models import SloBurn

_receive = on_event(SloBurn, service.handle_slo_burn)


@functions_framework.aio.http
async def halt_rollouts(request: Request) -> Response:
    """Entry point."""
    return await _receive(request)
