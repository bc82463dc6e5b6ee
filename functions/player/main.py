"""What the caller played recently."""

from __future__ import annotations

from typing import Annotated, Any

import functions_framework.aio
from fastapi import Query, Request, Response, Security

from shared.history import keys, service
from shared.history.keys import Cursor
from shared.platform.auth import Principal
from shared.platform.errors import InvalidInput
from shared.platform.http import authenticate, bridge, create_app

app = create_app("player")
Listener = Annotated[Principal, Security(authenticate, scopes=["user-read-recently-played"])]
Moment = Annotated[int | None, Query(ge=0, le=keys.LAST_MS)]


@app.get("/v1/me/player/recently-played")
async def recently_played(
    caller: Listener,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
    before: Moment = None,
    after: Moment = None,
    cursor_event: Annotated[str | None, Query(pattern=r"^[0-9A-Za-z._:-]{1,64}$")] = None,
) -> dict[str, Any]:
    if before is not None and after is not None:
        raise InvalidInput("before and after must not be given together")
    return await service.recently_played(
        caller,
        limit,
        None if before is None else Cursor(before, cursor_event),
        None if after is None else Cursor(after, cursor_event),
    )


@functions_framework.aio.http
async def player(request: Request) -> Response:
    return bridge(app)
