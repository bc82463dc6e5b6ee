from __future__ import annotations

import base64
import json
from collections.abc import Callable

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from functions.record_history.main import _receive
from tests.emulator.history.conftest import HOUR_MS, played
from tests.emulator.platform.conftest import Google, google

__all__ = ["google"]  # a fixture


async def test_a_push_becomes_history_however_often_it_comes(
    history: httpx.AsyncClient,
    pubsub: str,
    google: Google,
    headers: Callable[..., dict[str, str]],
    user_id: str,
    track_id: str,
) -> None:
    app = Starlette(routes=[Route("/", _receive, methods=["POST"])])
    data = played(user_id, track_id, HOUR_MS).model_dump_json(exclude_none=True).encode()
    body = json.dumps({"message": {"data": base64.b64encode(data).decode(), "messageId": "1"}})
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://segue.test") as pubsub_push:
        for _ in range(3):
            signed = {"authorization": google.header()}
            assert (await pubsub_push.post("/", content=body, headers=signed)).status_code == 204
        assert (await pubsub_push.post("/", content=body)).status_code == 401
    answer = (await history.get("/v1/me/player/recently-played", headers=headers())).json()
    assert [item["track"]["id"] for item in answer["items"]] == [track_id]
