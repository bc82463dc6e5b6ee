"""Players report what they do."""

from __future__ import annotations

from typing import Annotated

import functions_framework.aio
from fastapi import Request, Response, Security

from shared.history import service
from shared.history.models import Batch
from shared.platform.auth import Principal
from shared.platform.http import authenticate, bridge, create_app

app = create_app("events")
Listener = Annotated[Principal, Security(authenticate, scopes=["streaming"])]


@app.post("/v1/events", status_code=202)
async def report(batch: Batch, caller: Listener) -> dict[str, int]:
    return {"accepted": await service.accept(caller, batch.events)}


@functions_framework.aio.http
async def events(request: Request) -> Response:
    return bridge(app)
