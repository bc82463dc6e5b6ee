"""Access tokens (RFC 9068): ES256, an hour long, verified anywhere without asking."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from shared import topology
from shared.accounts.models import Client, User
from shared.platform.auth import ACCESS_TOKEN_ALGORITHM, AUDIENCE
from shared.platform.ids import random_id
from shared.platform.secrets import secret
from shared.platform.settings import settings

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

ACCESS_TOKEN_LIFE_S = 3600
APP_TIER = "free"
APP_COUNTRY = ""  # an app is in no country: it names a market in its requests


@lru_cache(maxsize=2)
def _signing_key(payload: bytes) -> ECKey:
    from joserfc.jwk import ECKey  # a quarter of this function's cold start: not for a page

    return ECKey.import_key(json.loads(payload))


@lru_cache(maxsize=2)
def _form_key(payload: bytes) -> bytes:
    return hmac.digest(payload, b"segue accounts: sign-in forms", "sha256")


async def form_key() -> bytes:
    """The key of the sign-in form's tokens, derived from the signing key."""
    return _form_key(await secret(topology.TOKEN_SIGNING_KEY))


async def access_token(
    client: Client, user: User | None, scopes: Sequence[str], now_s: float | None = None
) -> str:
    """A signed token for `client`, acting for `user` or, without one, for itself."""
    from joserfc import jwt

    now_s = time.time() if now_s is None else now_s
    key = _signing_key(await secret(topology.TOKEN_SIGNING_KEY))
    claims = {
        "iss": settings().accounts_url,
        "aud": AUDIENCE,
        "sub": user.id if user else client.id,
        "client_id": client.id,
        "scope": " ".join(scopes),
        "tier": user.tier if user else APP_TIER,
        "country": user.country if user else APP_COUNTRY,
        "iat": int(now_s),
        "exp": int(now_s) + ACCESS_TOKEN_LIFE_S,
        "jti": random_id(),
    }
    header = {"alg": ACCESS_TOKEN_ALGORITHM, "kid": key.kid, "typ": "at+jwt"}
    return jwt.encode(header, claims, key, algorithms=[ACCESS_TOKEN_ALGORITHM])
