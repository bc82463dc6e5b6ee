"""How many devices may sound at once (F072, F266): slots that are leased. Pure.

Who asks for a licence takes a slot for its device, and keeps it by heartbeats; a slot whose lease
ended is free again. A device has one slot, however many tracks it prepares. Clients that name no
device count as one device for each app, whose newest session holds the slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.platform.errors import Forbidden

# Our own choice: the rows say "per tier" and name no number.
MOST_STREAMS = {"free": 1, "premium": 3}
LEASE_MS = 60_000  # of a heartbeat, F266
LICENCE_LEASE_MS = 30_000  # of a licence: time for the first heartbeat
HEARTBEAT_S = 30  # what clients are told: one may get lost
RENEWED_WITHIN_MS = 5_000  # a lease younger than this is not written again
LIMIT_REASON = "CONCURRENT_STREAMS_LIMIT"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants to sound: `key` stands for a device, `is_shared` for all that an app does not
    tell apart; `session_id` is the playback session, None in a heartbeat that names none."""

    key: str
    session_id: str | None = None
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """A device that may sound until `expires_at_ms`, since `since_ms` without a gap."""

    key: str
    session_id: str | None
    since_ms: int
    expires_at_ms: int


def most_streams(tier: str) -> int:
    """How many devices a tier may have sounding at once."""
    return MOST_STREAMS.get(tier, MOST_STREAMS["free"])


def leased(
    slots: Sequence[Slot], claim: Claim, tier: str, now_ms: int, *, by_licence: bool
) -> tuple[Slot, ...]:
    """The slots with the claim's own leased anew; the same ones while it is fresh.

    A claim `by_licence` is short, and takes over the slot of its app's session before. Raises
    Forbidden (CONCURRENT_STREAMS_LIMIT) when others hold all slots of the tier: those that have
    sounded longest keep theirs.
    """
    live = sorted((one for one in slots if one.expires_at_ms > now_ms), key=lambda s: s.since_ms)
    held = next((one for one in live if one.key == claim.key), None)
    ahead = live.index(held) if held else len(live)
    if ahead >= most_streams(tier):
        raise _refusal(f"{most_streams(tier)} at once is what this subscription includes")
    expires_at_ms = now_ms + (LICENCE_LEASE_MS if by_licence else LEASE_MS)
    if held is None:
        return (*live, Slot(claim.key, claim.session_id, now_ms, expires_at_ms))
    if claim.is_shared and not by_licence and claim.session_id not in (None, held.session_id):
        raise _refusal("a newer one of this app goes on")
    session_id = claim.session_id or held.session_id
    if expires_at_ms - held.expires_at_ms < RENEWED_WITHIN_MS:
        expires_at_ms = held.expires_at_ms
    if not claim.is_shared:
        session_id = held.session_id  # which of a device's sessions it was makes no difference
    renewed = replace(held, session_id=session_id, expires_at_ms=expires_at_ms)
    if renewed == held:
        return tuple(slots)
    return tuple(renewed if one is held else one for one in live)


def released(slots: Sequence[Slot], claim: Claim) -> tuple[Slot, ...]:
    """The slots without the claim's own; that of a newer session of its app stays."""
    return tuple(
        one
        for one in slots
        if one.key != claim.key
        or (claim.is_shared and claim.session_id not in (None, one.session_id))
    )


def _refusal(why: str) -> Forbidden:
    return Forbidden(f"Too many streams: {why}.", reason=LIMIT_REASON)
