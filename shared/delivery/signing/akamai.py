"""Akamai EdgeAuth 2.0 tokens with an ACL: `hdnts=st=…~exp=…~acl=…~id=…~hmac=…`.

Layout as in github.com/akamai/EdgeAuth-Token-Python; the HMAC-SHA256 covers the token's own
text before `~hmac`.
"""

from __future__ import annotations

import hmac

from shared.delivery.signing.keys import HmacKey

CLOCK_SKEW_S = 60  # an edge whose clock is behind must not find the token in its future


def edge_auth(prefix: str, start: int, expiry: int, uid: str, key: HmacKey) -> str:
    """Query that opens the path `prefix` from `start` (less the skew) to `expiry` (epoch
    seconds) for `uid`, which stands in the token's session field `id`."""
    token = f"st={start - CLOCK_SKEW_S}~exp={expiry}~acl={prefix}*~id={uid}"
    return f"hdnts={token}~hmac={hmac.digest(key.secret, token.encode(), 'sha256').hex()}"
