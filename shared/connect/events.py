"""The event stream of a person's devices (F071, decision 14): server-sent events.

    event: state      id: <version>   the player, at first and after each change
    event: devices                    the devices, at first and after each change

Both say all there is to say, so a client that missed some has missed nothing once it has the next.
A client that reconnects with `Last-Event-ID` is spared the state that it knows. Between two
versions a track may end by itself; the state is then told again, under the same version.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shared.connect import devices, machine, render, service
from shared.connect.models import Device
from shared.connect.render import Reader
from shared.connect.service import View
from shared.connect.watching import Watch, watching

HEARTBEAT_S = 15.0  # of silence
RENEW_S = 20.0  # the lease of the device that holds the stream
RECONNECT_MS = 1_000
MIN_WAIT_S = 0.02
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who follows; `device` is registered for as long as the stream lives, and its lease beyond
    that: who reconnects at once plays on. The stream ends after `life_s`."""

    reader: Reader
    device: Device | None
    last_version: int | None
    life_s: float


class EventStream(StreamingResponse):
    """A stream whose source is closed at once when the client has gone."""

    media_type = "text/event-stream"

    def __init__(self, subscription: Subscription) -> None:
        self._events = events(subscription)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(self._events, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events):
            await super().__call__(scope, receive, send)


async def events(subscription: Subscription) -> AsyncGenerator[bytes, None]:
    """The bytes of the stream."""
    loop = asyncio.get_running_loop()
    end = loop.time() + subscription.life_s
    renew = asyncio.create_task(_renew(subscription)) if subscription.device else None
    try:
        async with watching(subscription.reader.user_id) as watch:
            yield f"retry: {RECONNECT_MS}\n\n".encode()
            teller, said_at = _Teller(subscription), loop.time()
            while (now := loop.time()) < end:
                changed = watch.changed
                view = service.view_of(watch.snapshot, service.now_ms())
                news = await teller.news(watch, view)
                if not news and now - said_at >= HEARTBEAT_S:
                    news = [b": still here\n\n"]
                for event in news:
                    yield event
                    said_at = now
                wait_s = min(said_at + HEARTBEAT_S - now, end - now, _next_moment_s(watch, view))
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(wait_s, MIN_WAIT_S)):
                        await changed.wait()
    finally:
        if renew is not None:
            renew.cancel()


class _Teller:
    """Tells what a client has not been told."""

    def __init__(self, subscription: Subscription) -> None:
        self._reader = subscription.reader
        self._known_version = subscription.last_version
        self._state: Any = None
        self._devices: Any = None

    async def news(self, watch: Watch, view: View) -> list[bytes]:
        told = []
        player = view.player
        active = view.device.id if view.device else None
        state = (player.version, player.current, player.changed_at_ms, player.is_playing, active)
        if state != self._state:
            moved_on = player.current != watch.snapshot.player.current
            if self._known_version != player.version or moved_on or self._state is not None:
                body = await render.state(view, self._reader)
                told.append(sse("state", body, player.version))
            self._state = state
        listed = render.devices(view)
        if listed != self._devices:
            self._devices = listed
            told.append(sse("devices", listed))
        return told


def _next_moment_s(watch: Watch, view: View) -> float:
    """Seconds until something changes by itself: the track ends, or a device's lease does."""
    moments = [one.expires_at_ms - view.now_ms for one in view.devices]
    ends_in_ms = machine.ends_in_ms(view.player, view.now_ms)
    if ends_in_ms is not None:
        moments.append(ends_in_ms)
    until_ms = devices.lease_end(watch.snapshot)
    if until_ms is not None and until_ms > view.now_ms:
        moments.append(until_ms - view.now_ms)
    return min(moments, default=HEARTBEAT_S * 1000) / 1000 + MIN_WAIT_S


async def _renew(subscription: Subscription) -> None:
    device = subscription.device
    assert device is not None
    while True:
        await asyncio.sleep(RENEW_S)
        try:
            await service.renew(subscription.reader.user_id, device)
        except Exception as error:  # the lease outlives two such
            _log.warning("the lease could not be renewed", exc_info=error)


def sse(event: str, body: Any, event_id: int | None = None) -> bytes:
    """One event: JSON has no line breaks, so its data is one line."""
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    identity = "" if event_id is None else f"id: {event_id}\n"
    return f"event: {event}\n{identity}data: {data}\n\n".encode()
