"""Cloud Tasks target: fetches a new track through one CDN, so that its first listener is served
from the edge (F098)."""

from __future__ import annotations

import functions_framework.aio
from fastapi import Depends, Request, Response

from shared.delivery import service
from shared.delivery.models import PrimingTask
from shared.platform.http import bridge, create_app
from shared.platform.service_auth import verify_service_token

app = create_app("CDN priming")


async def our_queue(request: Request) -> None:
    """Only our own service account may call."""
    await verify_service_token(request.headers.get("authorization"))


@app.post("/tasks/prime-cdn", dependencies=[Depends(our_queue)])
async def prime(task: PrimingTask) -> dict[str, int]:
    """Primes one CDN; any status but 2xx makes Cloud Tasks try again."""
    return {"primed": await service.prime(task)}


@functions_framework.aio.http
async def prime_cdn(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
