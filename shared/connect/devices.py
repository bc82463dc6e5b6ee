"""Which device a command goes to, and which devices are there. Pure."""

from __future__ import annotations

from dataclasses import replace

from shared.connect.models import DEVICE_LEASE_MS, Device, Devices, Snapshot
from shared.platform.errors import Forbidden, NotFound

MAX_DEVICES = 50  # at once; ours: they share one small document
RENEWED_WITHIN_MS = 15_000  # a lease younger than this is not written again
# How long a lapsed lease is remembered, to know until when its device played.
REMEMBERED_MS = 24 * 3600 * 1000


def lease_end(snapshot: Snapshot) -> int | None:
    """Until when the device that plays can have played, None while nothing does."""
    player = snapshot.player
    if not player.is_playing:
        return None
    device = snapshot.devices.by_id.get(player.device_id or "")
    return player.at_ms if device is None else device.expires_at_ms


def active(snapshot: Snapshot, now_ms: int) -> Device | None:
    """The device that plays, or would on "play"; None when there is none or it is gone."""
    device = snapshot.devices.by_id.get(snapshot.player.device_id or "")
    return device if device is not None and device.is_live(now_ms) else None


def target(
    snapshot: Snapshot, device_id: str | None, now_ms: int, *, takes_over: bool = False
) -> Device:
    """The device for a command: the one that is named, else the active one.

    A command for another device than the active one must be one that `takes_over`. Raises
    NotFound ("Device not found", NO_ACTIVE_DEVICE) or Forbidden.
    """
    playing = active(snapshot, now_ms)
    if device_id is None:
        if playing is None:
            raise NotFound(
                "Player command failed: No active device found", reason="NO_ACTIVE_DEVICE"
            )
        found = playing
    else:
        named = snapshot.devices.by_id.get(device_id)
        if named is None or not named.is_live(now_ms):
            raise NotFound("Device not found")
        if playing is not None and playing.id != device_id and not takes_over:
            raise Forbidden("Player command failed: Restriction violated", reason="UNKNOWN")
        found = named
    if found.is_restricted:
        raise Forbidden(
            "Player command failed: The device takes no commands", reason="DEVICE_NOT_CONTROLLABLE"
        )
    return found


def joined(devices: Devices, device: Device, now_ms: int) -> Devices:
    """`devices` with `device`, whose lease begins anew; unchanged while it is fresh. Raises
    Forbidden when there are too many."""
    held = devices.by_id.get(device.id)
    leased = replace(device, expires_at_ms=now_ms + DEVICE_LEASE_MS)
    if held is not None and leased.expires_at_ms - held.expires_at_ms < RENEWED_WITHIN_MS:
        leased = replace(leased, expires_at_ms=held.expires_at_ms)
        if leased == held:
            return devices
    kept = {
        one.id: one
        for one in devices.by_id.values()
        if one.expires_at_ms > now_ms - REMEMBERED_MS and one.id != device.id
    }
    if sum(one.is_live(now_ms) for one in kept.values()) >= MAX_DEVICES:
        raise Forbidden(f"There are {MAX_DEVICES} devices already", reason="TOO_MANY_DEVICES")
    while len(kept) >= MAX_DEVICES:  # the one that left first is forgotten
        del kept[min(kept.values(), key=lambda one: one.expires_at_ms).id]
    return Devices({**kept, device.id: leased})


def renewed(devices: Devices, device_id: str, now_ms: int) -> Devices:
    """`devices` with a new lease for one that is there. Raises NotFound."""
    held = devices.by_id.get(device_id)
    if held is None or not held.is_live(now_ms):
        raise NotFound("Device not found")
    return joined(devices, held, now_ms)


def left(devices: Devices, device_id: str, now_ms: int) -> Devices:
    """`devices` after one has left."""
    held = devices.by_id.get(device_id)
    if held is None or not held.is_live(now_ms):
        return devices
    return Devices({**devices.by_id, device_id: replace(held, expires_at_ms=now_ms)})


def with_volume(devices: Devices, device_id: str, volume_percent: int) -> Devices:
    """`devices` with one at another volume. Raises Forbidden where it has no such control."""
    held = devices.by_id[device_id]
    if not held.supports_volume:
        raise Forbidden(
            "Player command failed: The device's volume cannot be set",
            reason="VOLUME_CONTROL_DISALLOW",
        )
    return Devices({**devices.by_id, device_id: replace(held, volume_percent=volume_percent)})
