"""A person's player and devices: reading them, and commanding them.

Firestore is asked each time, because a command given through one instance must show on the next
read through another. A command is decided by `machine` and stored by compare-and-set, so of two at
the same moment the later one is applied to what the earlier one made.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.connect import contexts, devices, machine
from shared.connect.commands import (
    Command,
    Enqueue,
    Leave,
    Pause,
    Play,
    Report,
    Resume,
    SetShuffle,
    Transfer,
)
from shared.connect.contexts import Listener, Offset, Opened
from shared.connect.models import Device, Devices, Item, Player, QueueEntry, Snapshot
from shared.connect.ordering import MAX_SEED
from shared.connect.store import states as store
from shared.platform.errors import Conflict, InvalidInput, NotFound

AUTOPLAY_LIMIT = 50  # tracks: some three hours
AUTOPLAY_S = 0.2  # so long a play waits for them, at most
FULLY_PLAYED_LEFT_MS = 30_000  # an episode with less left counts as heard


@dataclass(frozen=True, slots=True)
class View:
    """A player as it is at `now_ms`, and the devices that are there; `device` is the active one."""

    player: Player
    device: Device | None
    devices: tuple[Device, ...]
    now_ms: int


class OutOfDate(Conflict):
    """A report about a state that is no longer the present one, which is `view`."""

    def __init__(self, view: View) -> None:
        super().__init__("The player has changed since; take up the present state.")
        self.view = view


def view_of(snapshot: Snapshot, now_ms: int) -> View:
    """What a snapshot comes to at `now_ms`."""
    return View(
        machine.settled(snapshot.player, now_ms, devices.lease_end(snapshot)),
        devices.active(snapshot, now_ms),
        tuple(snapshot.devices.live(now_ms)),
        now_ms,
    )


def now_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


async def view(user_id: str) -> View:
    """The player and the devices of a person, now."""
    return view_of(await store.read(user_id), now_ms())


# --- commands -------------------------------------------------------------------------------


async def play(
    listener: Listener,
    device_id: str | None,
    *,
    context_uri: str | None = None,
    uris: list[str] | None = None,
    offset: Offset | None = None,
    position_ms: int | None = None,
) -> None:
    """Plays a context or a list of items on a device, by default the active one; with neither it
    plays on. Raises InvalidInput, NotFound and Forbidden as `contexts` and `machine` do."""
    if context_uri is not None and uris is not None:
        raise InvalidInput("context_uri and uris must not be given together")
    if context_uri is None and uris is None:
        await command(listener, device_id, Resume(position_ms), takes_over=True)
        return
    # Whether there is a device at all is known before hundreds of items are looked up.
    devices.target(await store.read(listener.user_id), device_id, now_ms(), takes_over=True)
    if context_uri is not None:
        opened = await contexts.open_context(listener, context_uri, offset)
    else:
        opened = await contexts.open_items(listener, uris or [], offset)
    at_ms, autoplay = await asyncio.gather(
        _resume_position(listener, opened) if position_ms is None else _known(position_ms),
        _autoplay(listener, opened.items),
    )
    asked = Play(opened.items, context_uri, _seed(), opened.start, at_ms, autoplay)
    await command(listener, device_id, asked, takes_over=True)


async def shuffle(listener: Listener, device_id: str | None, on: bool) -> None:
    """Shuffles what comes next, or returns to the natural order; the current item stays."""
    asked = SetShuffle(on, _seed())
    await command(listener, device_id, asked)


async def enqueue(listener: Listener, device_id: str | None, uri: str, seed: str) -> None:
    """Queues an item, once for each `seed`. Raises InvalidInput, NotFound or Forbidden."""
    item = await contexts.get_item(listener, uri)
    await command(listener, device_id, Enqueue(QueueEntry(seed, item)))


async def transfer(listener: Listener, device_id: str, start: bool) -> None:
    """Moves playback to a device, and starts it there if `start`. Raises NotFound."""
    await command(listener, device_id, Transfer(device_id, start), takes_over=True)


async def set_volume(listener: Listener, device_id: str | None, volume_percent: int) -> None:
    """Sets the volume (0..100) of any device, by default the active one. Raises NotFound or
    Forbidden."""

    def decide(snapshot: Snapshot) -> Devices:
        device = devices.target(snapshot, device_id, now_ms(), takes_over=True)
        return devices.with_volume(snapshot.devices, device.id, volume_percent)

    await store.change_devices(listener.user_id, decide)


async def command(
    listener: Listener, device_id: str | None, asked: Command, *, takes_over: bool = False
) -> None:
    """Gives the player a command, on a device that is named or on the active one. Raises NotFound
    or Forbidden with the Web API's reasons."""

    def change(snapshot: Snapshot) -> Player:
        moment = now_ms()
        device = devices.target(snapshot, device_id, moment, takes_over=takes_over)
        until = devices.lease_end(snapshot)
        return machine.apply(snapshot.player, asked, moment, until, device.id)

    await _change(listener.user_id, change)


# --- devices --------------------------------------------------------------------------------


async def register(
    user_id: str,
    device_id: str,
    name: str,
    type: str,
    *,
    volume_percent: int | None = None,
    supports_volume: bool = True,
    is_private_session: bool = False,
    is_restricted: bool = False,
) -> View:
    """The player after the device has joined: its lease of `DEVICE_LEASE_MS` begins anew.

    Without `volume_percent` it keeps the volume that it has: a heartbeat undoes no command. What
    played on it when an earlier lease ended has stopped there. Raises Forbidden when the person
    has too many devices.
    """
    moment = now_ms()

    def join(snapshot: Snapshot) -> Devices:
        held = snapshot.devices.by_id.get(device_id)
        volume = volume_percent
        if volume is None:
            volume = held.volume_percent if held else 100
        device = Device(
            device_id,
            name,
            type,
            volume,
            supports_volume,
            is_private_session,
            is_restricted,
        )
        return devices.joined(snapshot.devices, device, moment)

    before, after = await store.change_devices(user_id, join)
    player = before.player
    if before.player.device_id == device_id and before.player.is_playing:
        until = devices.lease_end(before)
        if until is not None and until < moment:
            player = await _change(
                user_id, lambda now: machine.apply(now.player, Pause(), moment, until)
            )
    return view_of(Snapshot(player, after), moment)


async def renew(user_id: str, device: Device) -> None:
    """Keeps the device, as it now is; one that has left comes back as `device` says."""
    moment = now_ms()

    def join(snapshot: Snapshot) -> Devices:
        held = snapshot.devices.by_id.get(device.id, device)
        return devices.joined(snapshot.devices, held, moment)

    await store.change_devices(user_id, join)


async def leave(user_id: str, device_id: str) -> None:
    """The device is gone, and with it what it played. Again makes no difference."""
    moment = now_ms()
    before, _ = await store.change_devices(
        user_id, lambda snapshot: devices.left(snapshot.devices, device_id, moment)
    )
    if before.player.device_id == device_id:
        until = devices.lease_end(before)

        def change(snapshot: Snapshot) -> Player:
            if snapshot.player.device_id != device_id:
                return snapshot.player  # it plays elsewhere by now
            return machine.apply(snapshot.player, Leave(), moment, until)

        await _change(user_id, change)


async def report(
    listener: Listener,
    device_id: str,
    version: int,
    *,
    position_ms: int,
    is_playing: bool,
    item_uri: str | None = None,
    context_uri: str | None = None,
) -> View:
    """The player after a device has told what it does.

    The report is accepted from the active device, or from any while none is active, about the
    present `version`; else it raises OutOfDate with the present state, which the device takes up.
    NotFound: the device is not there, or the item is not.
    """
    snapshot, _ = await store.change_devices(
        listener.user_id, lambda held: devices.renewed(held.devices, device_id, now_ms())
    )
    item = _held_item(snapshot.player, item_uri)
    if item_uri is not None and item is None:
        item = await contexts.get_item(listener, item_uri)
    asked = Report(item, position_ms, is_playing, context_uri)
    devices_then = snapshot.devices

    def change(snapshot: Snapshot) -> Player:
        nonlocal devices_then
        devices_then = snapshot.devices
        moment = now_ms()
        device = snapshot.devices.by_id.get(device_id)
        if device is None or not device.is_live(moment):
            raise NotFound("Device not found")
        playing = devices.active(snapshot, moment)
        if version != snapshot.player.version or (playing and playing.id != device_id):
            raise OutOfDate(view_of(snapshot, moment))
        until = devices.lease_end(snapshot)
        return machine.apply(snapshot.player, asked, moment, until, device_id)

    after = await _change(listener.user_id, change)
    told = item or after.current
    if told is not None and told.kind == "episode":
        await _keep_progress(listener.user_id, told, position_ms)
    return view_of(Snapshot(after, devices_then), now_ms())


# --- what stands behind ---------------------------------------------------------------------


async def _change(user_id: str, decide: Callable[[Snapshot], Player]) -> Player:
    before, after = await store.change(user_id, decide)
    if after.version != before.player.version:
        moment = after.at_ms
        heard = machine.settled(before.player, moment, devices.lease_end(before))
        episode = heard.current
        stopped = not after.is_playing or after.current != episode
        if episode is not None and episode.kind == "episode" and heard.is_playing and stopped:
            await _keep_progress(user_id, episode, heard.position_ms)
    return after


async def _keep_progress(user_id: str, episode: Item, position_ms: int) -> None:
    from shared.podcasts import service as podcasts

    position_ms = min(position_ms, episode.duration_ms)
    is_heard = episode.duration_ms - position_ms < FULLY_PLAYED_LEFT_MS
    with suppress(NotFound):  # the episode was taken down while it played
        await podcasts.set_resume_point(
            user_id, episode.id, position_ms, is_heard, datetime.now(UTC)
        )


async def _resume_position(listener: Listener, opened: Opened) -> int:
    """Where the person left an episode that is asked for by name, or 0."""
    item = opened.items[opened.start or 0]
    if item.kind != "episode" or (opened.start is None and len(opened.items) > 1):
        return 0
    from shared.podcasts import service as podcasts

    held = (await podcasts.resume_points(listener.user_id, [item.id]))[item.id]
    return 0 if held.fully_played else held.position_ms


async def _autoplay(listener: Listener, items: Sequence[Item]) -> tuple[Item, ...]:
    """What goes on when `items` have ended, as it was made ahead; nothing where it is not there at
    once. No play fails or waits for it."""
    from shared.recommendations.patience import within
    from shared.recommendations.similar import going_on

    tracks = [item.id for item in items if item.kind == "track"]

    async def read() -> tuple[Item, ...]:
        user_id, country = listener.user_id, listener.country or None
        found = await going_on(user_id, country, tracks, AUTOPLAY_LIMIT)
        return await contexts.released(listener, found)

    return await within(AUTOPLAY_S, read(), (), "what autoplay goes on with") if tracks else ()


async def _known(position_ms: int) -> int:
    return position_ms


def _held_item(player: Player, uri: str | None) -> Item | None:
    if uri is None:
        return None
    held = (player.current, *(entry.item for entry in player.queue), *player.items)
    return next((item for item in held if item is not None and item.uri == uri), None)


def _seed() -> int:
    return secrets.randbelow(MAX_SEED + 1)
