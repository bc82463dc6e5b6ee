"""The player (F034-F036, F070): what plays, and commands to it."""

from __future__ import annotations

from typing import Any

import functions_framework.aio
from fastapi import Request, Response

from shared.connect import callers, commands, render, service
from shared.connect import requests as r
from shared.connect import shapes as s
from shared.connect.callers import CommandingListener, CurrentReader, PlaybackReader
from shared.platform.caching import NO_STORE, respond
from shared.platform.http import answers, bridge, create_app, once

PLAYER = "/v1/me/player"
DONE: dict[str, Any] = {"status_code": 204, "responses": answers(None, 404, status=204)}
NOTHING: dict[int | str, Any] = {204: {"description": "Nothing is loaded, or no device is active"}}

app = create_app("player")


@app.get(PLAYER, responses=answers(s.CurrentlyPlayingContextObject) | NOTHING)
async def get_playback(request: Request, reader: PlaybackReader) -> Response:
    """What plays, where and how."""
    body = await render.playback(await service.view(reader.user_id), reader)
    return Response(status_code=204) if body is None else respond(request, body, cache=NO_STORE)


@app.get(f"{PLAYER}/currently-playing", responses=answers(s.CurrentlyPlayingObject) | NOTHING)
async def get_currently_playing(request: Request, reader: CurrentReader) -> Response:
    """What plays."""
    body = await render.currently_playing(await service.view(reader.user_id), reader)
    return Response(status_code=204) if body is None else respond(request, body, cache=NO_STORE)


@app.get(f"{PLAYER}/queue", responses=answers(s.QueueObject))
async def get_queue(request: Request, caller: callers.CurrentViewer) -> Response:
    """What plays and what comes next."""
    reader = callers.reader(caller)
    body = await render.queue(await service.view(reader.user_id), reader)
    return respond(request, body, cache=NO_STORE)


@app.get(f"{PLAYER}/devices", responses=answers(s.DevicesObject))
async def get_devices(request: Request, caller: callers.Viewer) -> Response:
    """The devices that are there."""
    body = render.devices(await service.view(caller.require_user()))
    return respond(request, body, cache=NO_STORE)


@app.put(PLAYER, **DONE)
async def transfer(listener: CommandingListener, body: r.TransferRequest) -> None:
    """Moves playback to another device."""
    await service.transfer(listener, body.device_ids[0], bool(body.play))


@app.put(f"{PLAYER}/play", **DONE)
@app.post(f"{PLAYER}/play", **DONE)
async def play(
    listener: CommandingListener,
    device_id: r.DeviceIdQuery = None,
    body: r.PlayRequest | None = None,
) -> None:
    """Plays a context or a list of items, or plays on."""
    await service.play(listener, device_id, **(body or r.PlayRequest()).asked())


@app.put(f"{PLAYER}/pause", **DONE)
async def pause(listener: CommandingListener, device_id: r.DeviceIdQuery = None) -> None:
    """Pauses."""
    await service.command(listener, device_id, commands.Pause())


@app.post(f"{PLAYER}/next", **DONE)
async def skip_to_next(listener: CommandingListener, device_id: r.DeviceIdQuery = None) -> None:
    """Goes to the next item: of the queue, then of the context."""
    await service.command(listener, device_id, commands.Next())


@app.post(f"{PLAYER}/previous", **DONE)
async def skip_to_previous(listener: CommandingListener, device_id: r.DeviceIdQuery = None) -> None:
    """Goes to the item before."""
    await service.command(listener, device_id, commands.Previous())


@app.put(f"{PLAYER}/seek", **DONE)
async def seek(
    listener: CommandingListener, position_ms: r.PositionMs, device_id: r.DeviceIdQuery = None
) -> None:
    """Goes to a position; past the end is the next item."""
    await service.command(listener, device_id, commands.Seek(position_ms))


@app.put(f"{PLAYER}/repeat", **DONE)
async def repeat(
    listener: CommandingListener, state: r.RepeatMode, device_id: r.DeviceIdQuery = None
) -> None:
    """Repeats the track, the context or nothing."""
    await service.command(listener, device_id, commands.SetRepeat(state))


@app.put(f"{PLAYER}/shuffle", **DONE)
async def shuffle(
    listener: CommandingListener, state: r.OnOff, device_id: r.DeviceIdQuery = None
) -> None:
    """Shuffles what comes next, or returns to the natural order."""
    await service.shuffle(listener, device_id, state)


@app.put(f"{PLAYER}/volume", **DONE)
async def set_volume(
    listener: CommandingListener, volume_percent: r.VolumePercent, device_id: r.DeviceIdQuery = None
) -> None:
    """Sets the volume of a device."""
    await service.set_volume(listener, device_id, volume_percent)


@app.post(f"{PLAYER}/queue", status_code=204, responses=answers(None, 404, 409, status=204))
async def add_to_queue(
    request: Request, caller: callers.Commander, uri: r.ItemUri, device_id: r.DeviceIdQuery = None
) -> Response:
    """Queues an item, which plays before the context goes on."""

    async def make(seed: str) -> Response:
        await service.enqueue(callers.listener(caller), device_id, uri, seed)
        return Response(status_code=204)

    return await once(request, caller, make)


@functions_framework.aio.http
async def player(request: Request) -> Response:
    """Entry point."""
    return bridge(app)
