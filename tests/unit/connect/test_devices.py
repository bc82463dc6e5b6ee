from __future__ import annotations

from dataclasses import replace

import pytest

from shared.connect import devices
from shared.connect.models import DEVICE_LEASE_MS, Device, Devices, Player, Snapshot
from shared.platform.errors import DomainError, Forbidden, NotFound
from tests.unit.connect.players import NOW_MS, a_player


def a_device(device_id: str = "speaker", left_ms: int = 60_000, **changes: bool) -> Device:
    return Device(
        device_id, device_id.title(), "Speaker", expires_at_ms=NOW_MS + left_ms, **changes
    )


def a_snapshot(*there: Device, player: Player | None = None) -> Snapshot:
    return Snapshot(player or Player(), Devices({one.id: one for one in there}))


def refusal(snapshot: Snapshot, device_id: str | None, *, takes_over: bool = False) -> DomainError:
    with pytest.raises(DomainError) as found:
        devices.target(snapshot, device_id, NOW_MS, takes_over=takes_over)
    return found.value


def test_a_command_goes_to_the_active_device_or_the_one_that_is_named() -> None:
    there = a_snapshot(a_device(), a_device("phone"), player=a_player())
    assert devices.target(there, None, NOW_MS).id == "speaker"
    assert devices.target(there, "speaker", NOW_MS).id == "speaker"
    assert devices.target(there, "phone", NOW_MS, takes_over=True).id == "phone"
    assert refusal(there, "phone").reason == "UNKNOWN"
    assert devices.target(a_snapshot(a_device("phone")), "phone", NOW_MS).id == "phone"


def test_without_a_live_device_there_is_none_to_command() -> None:
    gone = a_snapshot(a_device(left_ms=0), player=a_player())
    for snapshot in (gone, a_snapshot(), a_snapshot(a_device("phone"), player=a_player())):
        found = refusal(snapshot, None)
        assert isinstance(found, NotFound)
        assert found.reason == "NO_ACTIVE_DEVICE"
    assert refusal(gone, "speaker", takes_over=True).message == "Device not found"


def test_a_restricted_device_takes_no_commands() -> None:
    there = a_snapshot(a_device(is_restricted=True), player=a_player())
    assert refusal(there, None).reason == "DEVICE_NOT_CONTROLLABLE"


def test_what_plays_can_have_played_until_its_devices_lease_ended() -> None:
    assert devices.lease_end(a_snapshot(a_device(left_ms=5), player=a_player())) == NOW_MS + 5
    assert devices.lease_end(a_snapshot(player=a_player())) == NOW_MS  # forgotten: at once
    assert devices.lease_end(a_snapshot(a_device())) is None


def test_a_lease_is_renewed_but_not_with_every_word() -> None:
    first = devices.joined(Devices(), a_device(), NOW_MS)
    assert first.by_id["speaker"].expires_at_ms == NOW_MS + DEVICE_LEASE_MS
    assert devices.joined(first, a_device(), NOW_MS + 5_000) is first
    renamed = devices.joined(first, replace(a_device(), name="Den"), NOW_MS + 5_000)
    assert renamed.by_id["speaker"].name == "Den"
    later = devices.renewed(first, "speaker", NOW_MS + 30_000)
    assert later.by_id["speaker"].expires_at_ms == NOW_MS + 30_000 + DEVICE_LEASE_MS
    with pytest.raises(NotFound):
        devices.renewed(first, "speaker", NOW_MS + DEVICE_LEASE_MS)


def test_there_are_only_so_many_devices_and_the_departed_make_room() -> None:
    held = Devices()
    for number in range(devices.MAX_DEVICES):
        held = devices.joined(held, a_device(f"d{number}"), NOW_MS + number)
    with pytest.raises(Forbidden):
        devices.joined(held, a_device("more"), NOW_MS)
    held = devices.left(held, "d7", NOW_MS)
    assert devices.left(held, "d7", NOW_MS) is held
    assert devices.left(held, "nobody", NOW_MS) is held
    held = devices.joined(held, a_device("more"), NOW_MS)
    assert len(held.by_id) == devices.MAX_DEVICES
    assert "d7" not in held.by_id


def test_volume_is_set_where_it_can_be() -> None:
    held = devices.with_volume(Devices({"speaker": a_device()}), "speaker", 7)
    assert held.by_id["speaker"].volume_percent == 7
    deaf = Devices({"speaker": a_device(supports_volume=False)})
    with pytest.raises(Forbidden) as found:
        devices.with_volume(deaf, "speaker", 7)
    assert found.value.reason == "VOLUME_CONTROL_DISALLOW"
