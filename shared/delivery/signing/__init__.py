"""One signature for everything under a URL prefix, in each CDN's own token.

`sign_prefix` is the door; the modules beside it each know one provider. Life and window are
chosen so that a listener always gets between `LIFE_S - WINDOW_S` and `LIFE_S` seconds, and that
all who ask for a track within one window get the same expiry. An RSA signature costs fifty
HMACs (0.4 ms against 8 µs here), so it is made once per track and window and kept; HMACs are
cheaper to make than to keep.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from threading import Lock

from cachetools import TTLCache

from shared.delivery.models import SignedPrefix, checked_prefix, checked_uid
from shared.delivery.signing import akamai, cloudfront, fastly, google, segue
from shared.delivery.signing.keys import (
    Ed25519SigningKey,
    HmacKey,
    PolicySigningKey,
    SigningKey,
    SigningKeyError,
    load_key,
)
from shared.platform.settings import Cdn

__all__ = [
    "CARRIES_USER",
    "LIFE_S",
    "WINDOW_S",
    "SignatureCache",
    "SigningKey",
    "SigningKeyError",
    "load_key",
    "sign_prefix",
    "window",
]

LIFE_S = 3600  # F091: a URL lives at most one hour
WINDOW_S = 600  # expiry moves in steps of this, so signatures can be shared
CACHED_SIGNATURES = 20_000  # about 1 kB each
CARRIES_USER = frozenset({"akamai", "segue"})  # providers whose token names the user
WORTH_KEEPING = frozenset({"cloudfront", "media_cdn"})  # asymmetric, and the same for everybody


def window(now: datetime) -> tuple[int, int]:
    """(start, expiry) in epoch seconds of the signatures given out at `now`.

    `start <= now < start + WINDOW_S` and `now + LIFE_S - WINDOW_S < expiry <= now + LIFE_S`.
    """
    start = math.floor(now.timestamp() / WINDOW_S) * WINDOW_S
    return start, start + LIFE_S


class SignatureCache:
    """Queries already signed, by (CDN, key, prefix, window); bounded, safe in threads."""

    def __init__(self, maximum: int = CACHED_SIGNATURES) -> None:
        self._queries: TTLCache[tuple[object, ...], str] = TTLCache(maximum, ttl=WINDOW_S)
        self._lock = Lock()

    def get(self, key: tuple[object, ...]) -> str | None:
        """The query signed for `key`, if it is still held."""
        with self._lock:
            return self._queries.get(key)

    def put(self, key: tuple[object, ...], query: str) -> None:
        """Keeps `query` for the rest of a window."""
        with self._lock:
            self._queries[key] = query


def sign_prefix(
    cdn: Cdn,
    key: SigningKey,
    prefix: str,
    uid: str,
    now: datetime,
    cache: SignatureCache | None = None,
) -> SignedPrefix:
    """A token of `cdn`'s own kind for every URL below `prefix` (`/bucket/…/`).

    `uid` enters the tokens that carry a user (`CARRIES_USER`); the others are shared. Raises
    ValueError for a prefix or uid that cannot be signed, SigningKeyError for a key of another
    kind than the provider's.
    """
    checked_prefix(prefix)
    checked_uid(uid)
    start, expiry = window(now)
    base_url = cdn.base_url + prefix
    keep = cache if cdn.provider in WORTH_KEEPING else None
    entry = (cdn.name, cdn.key_name, cdn.key_version, base_url, start)
    query = keep.get(entry) if keep else None
    if query is None:
        query = _sign(cdn, key, prefix, uid, start, expiry)
        if keep:
            keep.put(entry, query)
    return SignedPrefix(cdn.name, base_url, query, datetime.fromtimestamp(expiry, UTC))


def _sign(cdn: Cdn, key: SigningKey, prefix: str, uid: str, start: int, expiry: int) -> str:
    match cdn.provider, key:
        case "cloud_cdn", HmacKey():
            return google.cloud_cdn(cdn.base_url + prefix, expiry, cdn.key_name, key)
        case "media_cdn", Ed25519SigningKey():
            return google.media_cdn(cdn.base_url + prefix, expiry, cdn.key_name, key)
        case "cloudfront", PolicySigningKey():
            return cloudfront.custom_policy(cdn.base_url + prefix, expiry, cdn.key_name, key)
        case "akamai", HmacKey():
            return akamai.edge_auth(prefix, start, expiry, uid, key)
        case "fastly", HmacKey():
            return fastly.time_limited(prefix, expiry, key)
        case "segue", HmacKey():
            return segue.own_edge(prefix, expiry, uid, cdn.key_name, key)
    raise SigningKeyError(f"{type(key).__name__} cannot sign for {cdn.provider}")
