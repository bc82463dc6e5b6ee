"""Taking, keeping and giving back the right to sound on a device (F072, F266)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from shared.platform.auth import Principal
from shared.platform.errors import InvalidInput
from shared.playback import leases, sessions, store, tokens
from shared.playback.leases import Claim, Slot
from shared.playback.models import Session


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to sound until `expires_at_s` (epoch seconds), as one of `streams` devices of at
    most `limit`."""

    expires_at_s: int
    streams: int
    limit: int


async def acquire(principal: Principal, session: Session, device_id: str | None) -> None:
    """Lets the session's device sound, or go on. Raises Forbidden (CONCURRENT_STREAMS_LIMIT)."""
    await _lease(principal, _claim(principal, session, device_id), by_licence=True)


async def heartbeat(
    principal: Principal, token: str | None, device_id: str | None, *, stopped: bool
) -> Lease | None:
    """The lease of a session (by its token) or a device, kept; or, when it has `stopped`, given
    back at once (None).

    A lease that has lapsed is taken anew. Raises InvalidInput where neither is named, Forbidden
    for another's session and where others hold all slots, Gone for a session that is over.
    """
    device = sessions.checked_device(device_id)
    session = None
    if token is not None:
        session = await sessions.read_token(token)
        await sessions.check_owner(session, principal.require_user(), device)
    elif device is None:
        raise InvalidInput("session or device_id: name one of them")
    claim = _claim(principal, session, device)
    if stopped:
        await store.change_slots(
            principal.require_user(), lambda held: leases.released(held, claim)
        )
        return None
    return await _lease(principal, claim, by_licence=False)


async def _lease(principal: Principal, claim: Claim, *, by_licence: bool) -> Lease:
    now_ms = time.time_ns() // 1_000_000
    tier = principal.tier

    def lease(held: tuple[Slot, ...]) -> tuple[Slot, ...]:
        return leases.leased(held, claim, tier, now_ms, by_licence=by_licence)

    slots = await store.change_slots(principal.require_user(), lease)
    own = next(one for one in slots if one.key == claim.key)
    live = sum(one.expires_at_ms > now_ms for one in slots)
    return Lease(own.expires_at_ms // 1000, live, leases.most_streams(tier))


def _claim(principal: Principal, session: Session | None, device_id: str | None) -> Claim:
    """A device is known by what the session was opened with, else by what it says now, else by
    what it signed in with."""
    session_id = session.session_id if session else None
    device = tokens.digest_device(device_id or principal.device_id)
    if session is not None and session.device != tokens.NO_DEVICE:
        device = session.device
    if device != tokens.NO_DEVICE:
        return Claim(f"device:{device.hex()}", session_id)
    return Claim(f"app:{principal.client_id}", session_id, is_shared=True)
