"""Players report what they do."""

from __future__ import annotations

from typing import Annotated

import functions_framework.aio
from fastapi import Request, Response, Security
from typing_extensions import TypedDict

from shared.history import service
from shared.history.models import Batch
from shared.platform.auth import Principal
from shared.platform.http import answers, authenticate, bridge, create_app

app = create_app("events")
Listener = Annotated[Principal, Security(authenticate, scopes=["streaming"])]


class Accepted(TypedDict):
    """How many events are stored: all of the batch."""

    accepted: int


@app.post("/v1/events", status_code=202, responses=answers(Accepted, status=202))
async def report(batch: Batch, caller: Listener) -> Accepted:
    """Takes 1 to 100 playback events; acknowledged means stored."""
    return {"accepted": await service.accept(caller, batch.events)}


@functions_framework.aio.http
async def events(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
