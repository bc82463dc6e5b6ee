"""Fastly time-limited tokens, widened to a prefix: `token=<exp>_<hex>&prefix=<path>`.

Fastly has no token of its own; its documented VCL signs path + expiry
(docs.fastly.com/en/guides/enabling-url-token-validation). Ours differs in two points, both
written out in our VCL: the digest is HMAC-SHA256 (F090) instead of SHA-1, and the signed path is
the query parameter `prefix`, with which the request's path must begin. 403 when wrong, 410 when
expired.
"""

from __future__ import annotations

import hmac

from shared.delivery.signing.keys import HmacKey


def time_limited(prefix: str, expiry: int, key: HmacKey) -> str:
    """Query that opens the path `prefix` until `expiry` (epoch seconds)."""
    digest = hmac.digest(key.secret, f"{prefix}{expiry}".encode(), "sha256")
    return f"token={expiry}_{digest.hex()}&prefix={prefix}"
