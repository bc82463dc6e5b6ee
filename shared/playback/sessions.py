"""What opens and checks a playback session: its key, its token, its signed addresses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Signed:
    """The CDNs of one asset, best first, each with its signature; and the same as answers show
    it, put together once and sent many times."""

    delivery: SignedDelivery
    expires_at_s: int
    shown: list[dict[str, Any]]


async def _sign(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Signed]:
    return {
        (prefix, uid): _shown(await delivery.signed_prefixes(prefix, uid)) for prefix, uid in keys
    }


def _shown(signed: SignedDelivery) -> Signed:
    shown = [
        {
            "cdn": one.signed.cdn,
            "base_url": one.signed.base_url,
            "query": one.signed.query,
            "score": round(one.candidate.score, 4),
            "reasons": {
                "latency": round(one.candidate.terms.latency, 4),
                "availability": round(one.candidate.terms.availability, 4),
                "cost": round(one.candidate.terms.cost, 4),
                "summary": one.candidate.reason,
            },
        }
        for one in signed.candidates
    ]
    return Signed(signed, int(signed.expires_at.timestamp()), shown)


_signed: ReadThroughCache[tuple[str, str], Signed] = ReadThroughCache(
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


async def signed(session: Session, folder: str | None = None) -> Signed:
    """Every usable CDN with its one signature for `folder` of the audio bucket (by default that
    of the session's asset), best first."""
    prefix = audio_prefix(folder or f"{session.track_id}/{session.asset_version}")
    found = await _signed.get((prefix, session.uid))
    assert found is not None  # signing answers or raises
    return found


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


@lru_cache(64)
def timestamp(epoch_s: int) -> str:
    """RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat().removesuffix("+00:00") + "Z"
