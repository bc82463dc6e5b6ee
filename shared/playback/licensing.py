"""Licences (F041, F106, F277): who gets which key, and the record of each decision."""

from __future__ import annotations

from typing import Any

from shared.audit import service as audit
from shared.audit.models import AuditRecord
from shared.catalog import service as catalog
from shared.drm import clearkey
from shared.drm import service as drm
from shared.drm.models import LicenceRequest
from shared.platform.auth import Principal
from shared.platform.errors import DomainError, Forbidden, NotInMarket, PremiumRequired
from shared.playback import sessions, streams
from shared.playback.models import Session
from shared.playback.quality import PREMIUM_KBPS


async def licence(
    principal: Principal,
    token: str,
    body: bytes,
    *,
    device_id: str | None = None,
    client_build: str | None = None,
) -> dict[str, Any]:
    """The keys that a W3C Clear Key request in `body` asks for, as its JSON answer.

    Given out only to the user (and, where both name one, the device) of the session, only for the
    session's own key, only while the entitlement that the session was opened under still holds,
    and only to as many devices at once as the tier allows (F072). Raises InvalidInput for a
    malformed request, Gone for an expired session and Forbidden for anything else. Grant or
    refusal is in the audit ledger before this returns or raises.
    """
    user_id = principal.require_user()
    device = sessions.checked_device(device_id)
    request = clearkey.parse_request(body)
    entry = AuditRecord(
        kind="licence",
        outcome="refused",
        reason="REFUSED",
        user_id=user_id,
        client_id=principal.client_id,
        device_id=device,
        client_build=client_build[:128] if client_build else None,
        kids=request.kids,
        tier=principal.tier,
        country=principal.country,
    )
    try:
        session = await sessions.read_token(token)
        entry = entry.model_copy(
            update={
                "session_id": session.session_id,
                "track_id": session.track_id,
                "asset_version": session.asset_version,
            }
        )
        await sessions.check_owner(session, user_id, device)
        await _check_entitlement(principal, session)
        keys = await _keys(session, request)
        await streams.acquire(principal, session, device)
    except DomainError as error:
        reason = error.reason or type(error).__name__.upper()
        await audit.record(entry.model_copy(update={"reason": reason}))
        raise
    await audit.record(entry.model_copy(update={"outcome": "granted", "reason": "ENTITLED"}))
    return clearkey.render_response(keys, "temporary")


async def _check_entitlement(principal: Principal, session: Session) -> None:
    """A session lives an hour; a subscription or a licence may end within it."""
    if session.bitrate_kbps >= PREMIUM_KBPS and principal.tier != "premium":
        raise PremiumRequired(f"{session.bitrate_kbps} kbps needs Premium.")
    track = await catalog.get_track(session.track_id)
    if not track.is_released_in(principal.country):
        raise NotInMarket(f"This track is not available in {principal.country}.")


async def _keys(session: Session, request: LicenceRequest) -> dict[str, bytes]:
    if any(kid != session.kid for kid in request.kids):
        raise Forbidden("This session has no such key.", reason="OTHER_KEY")
    held = (await drm.content_keys(session.track_id)).by_kid()
    if session.kid not in held:
        raise Forbidden("This session has no such key.", reason="OTHER_KEY")
    return {session.kid: held[session.kid]}
