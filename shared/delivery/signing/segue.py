"""The platform's own edge: `prefix=…&exp=…&uid=…&kid=…&sig=…`, HMAC-SHA256 (F089, F090).

The signed text is the query up to `&sig`, in that order of fields; `kid` names the key, so that
two can be in use while one replaces the other.
"""

from __future__ import annotations

import hmac

from shared.delivery.signing.keys import HmacKey


def own_edge(prefix: str, expiry: int, uid: str, key_name: str, key: HmacKey) -> str:
    """Query that opens the path `prefix` for `uid` until `expiry` (epoch seconds)."""
    signed = f"prefix={prefix}&exp={expiry}&uid={uid}&kid={key_name}"
    return f"{signed}&sig={hmac.digest(key.secret, signed.encode(), 'sha256').hex()}"
