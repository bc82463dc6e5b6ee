"""The devices of Connect (F071, decision 14): they join, say what they do, and hear of changes."""

from __future__ import annotations

import json
import time
from typing import Any

import functions_framework.aio
from fastapi import Request, Response

from shared.connect import callers, render, service
from shared.connect import requests as r
from shared.connect import shapes as s
from shared.connect.events import EventStream, Subscription
from shared.platform.caching import NO_STORE, respond
from shared.platform.http import answers, bridge, create_app
from shared.platform.responses import domain_error_response

PLAYER = "/v1/me/player"
STALE: dict[int | str, Any] = {409: {"description": "Out of date", "model": s.StaleObject}}
STREAM = {"text/event-stream": {"schema": s.EVENT_SCHEMA}}

app = create_app("connect")


@app.put(f"{PLAYER}/devices/{{device_id}}", responses=answers(s.DeviceObject))
async def register_device(
    request: Request, caller: callers.Device, device_id: r.DeviceId, body: r.DeviceRequest
) -> Response:
    """A device says that it is there; it must again within a minute."""
    view = await service.register(caller.require_user(), device_id, **body.model_dump())
    return respond(request, render.registered(view, device_id), cache=NO_STORE)


@app.delete(f"{PLAYER}/devices/{{device_id}}", status_code=204, responses=answers(None, status=204))
async def remove_device(caller: callers.Device, device_id: r.DeviceId) -> None:
    """A device leaves."""
    await service.leave(caller.require_user(), device_id)


@app.put(f"{PLAYER}/state", responses=answers(s.StateObject, 404) | STALE)
async def report_state(
    request: Request, caller: callers.Device, device_id: r.ReportingDevice, body: r.ReportRequest
) -> Response:
    """The active device says what it does; a report about another version than the present one is
    refused with the present state."""
    reader, listener = callers.reader(caller), callers.listener(caller)
    try:
        view = await service.report(listener, device_id, **body.model_dump())
    except service.OutOfDate as stale:
        refusal = domain_error_response(stale)
        state = await render.state(stale.view, reader)
        told = {**json.loads(bytes(refusal.body)), "state": state}
        return respond(request, told, cache=NO_STORE, status=refusal.status_code)
    return respond(request, await render.state(view, reader), cache=NO_STORE)


@app.get(f"{PLAYER}/events", response_class=Response, responses=answers(None, content=STREAM))
async def get_events(
    caller: callers.Viewer,
    device_id: r.DeviceIdQuery = None,
    name: r.DeviceName = "Device",
    type: r.DeviceType = "Unknown",
    life_s: r.StreamLife = r.MAX_STREAM_S,
    last_event_id: r.LastEventId = None,
) -> Response:
    """The state and the devices, and each change of them, as server-sent events."""
    device = None
    if device_id is not None:
        view = await service.register(caller.require_user(), device_id, name, type)
        device = render.found(view, device_id)
    ends_in_s = min(life_s, caller.expires_at_s - time.time())
    return EventStream(Subscription(callers.reader(caller), device, last_event_id, ends_in_s))


@functions_framework.aio.http
async def connect(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
