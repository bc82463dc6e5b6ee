"""What opens and checks a playback session: its key, its token, its signed addresses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from shared import topology
from shared.delivery import service as delivery
from shared.delivery.models import SignedDelivery, audio_prefix
from shared.platform.cache import ReadThroughCache
from shared.platform.errors import Forbidden, InvalidInput
from shared.platform.secrets import secret
from shared.platform.settings import settings
from shared.playback import tokens
from shared.playback.models import Session

# A play asks for its signatures two or three times within a second (manifest, playlist, variant)
# and for nothing in between: they are kept that long, and CDN health is no older for it.
SIGNED_TTL_S = 10
SIGNED_KEPT = 10_000  # about 5 kB each
MAX_DEVICE_CHARS = 128


async def _sign(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], SignedDelivery]:
    return {(prefix, uid): await delivery.signed_prefixes(prefix, uid) for prefix, uid in keys}


_signed: ReadThroughCache[tuple[str, str], SignedDelivery] = ReadThroughCache(
    _sign, maximum=SIGNED_KEPT, ttl_s=SIGNED_TTL_S, negative_ttl_s=0
)


def forget() -> None:
    """Empties the cache of signatures, so that the next one sees the CDNs' health anew."""
    _signed.clear()


async def token_key() -> bytes:
    """The key of playback tokens."""
    key = await secret(topology.PLAYBACK_TOKEN_KEY)
    if len(key) < tokens.MIN_KEY_BYTES:
        raise RuntimeError(f"secret playback-token-key has fewer than {tokens.MIN_KEY_BYTES} bytes")
    return key


async def read_token(token: str) -> Session:
    """The session of `token`. Raises Forbidden (altered, foreign) or Gone (expired)."""
    return tokens.read(await token_key(), token, time.time())


async def signed(session: Session) -> SignedDelivery:
    """Every usable CDN with its one signature for the session's asset, best first."""
    prefix = audio_prefix(session.track_id, session.asset_version)
    delivery_ = await _signed.get((prefix, session.uid))
    assert delivery_ is not None  # signing answers or raises
    return delivery_


def checked_device(device_id: str | None) -> str | None:
    """`X-Device-ID` if there is one; raises InvalidInput when it is over 128 characters."""
    if device_id and len(device_id) > MAX_DEVICE_CHARS:
        raise InvalidInput(f"X-Device-ID has at most {MAX_DEVICE_CHARS} characters")
    return device_id or None


async def check_owner(session: Session, user_id: str, device_id: str | None) -> None:
    """Raises Forbidden when the session is another user's, or bound to another device."""
    if session.user != tokens.digest_user(await token_key(), user_id):
        raise Forbidden("This playback session belongs to another user.", reason="OTHER_USER")
    # A device is compared where both sides name one: stock players send no header.
    if (
        device_id
        and session.device != tokens.NO_DEVICE
        and session.device != tokens.digest_device(device_id)
    ):
        raise Forbidden("This playback session belongs to another device.", reason="OTHER_DEVICE")


def stream_url(token: str, cdn: str, file: str) -> str:
    """Where `file` of the session's asset is rewritten for `cdn`."""
    return f"{settings().public_url}/v1/playback/streams/{token}/{cdn}/{file}"


def licence_url(token: str) -> str:
    """Where the session's licences are given out."""
    return f"{settings().public_url}/v1/playback/license?session={token}"


def timestamp(epoch_s: float) -> str:
    """RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(int(epoch_s), UTC).isoformat().removesuffix("+00:00") + "Z"
