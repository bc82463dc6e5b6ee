"""Access tokens (RFC 9068): ES256, an hour long, verified anywhere without asking."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True, slots=True)
class Binding:
    """What a token is tied to besides its person: the grant whose revocation ends it, the device
    that signed in, the key (RFC 7638) without which it is worth nothing."""

    grant_id: str | None = None
    device_id: str | None = None
    key_thumbprint: str | None = None


@lru_cache(maxsize=2)
def _signing_key(payload: bytes) -> ECKey:
    from joserfc.jwk import ECKey  # a quarter of this function's cold start: not for a page

    return ECKey.import_key(json.loads(payload))


@lru_cache(maxsize=2)
def _form_key(payload: bytes) -> bytes:
    return hmac.digest(payload, b"segue accounts: sign-in forms", "sha256")


async def form_key() -> bytes:
    """The key of the forms' tokens, derived from the signing key."""
    return _form_key(await secret(topology.TOKEN_SIGNING_KEY))


async def signing_key() -> ECKey:
    """The key of new tokens. Raises RuntimeError when no verifier could know it, which is what
    step 2 of a rotation without step 1 would be (`shared.platform.auth`)."""
    key = _signing_key(await secret(topology.TOKEN_SIGNING_KEY))
    if key.kid not in {published.get("kid") for published in settings().token_jwks["keys"]}:
        raise RuntimeError(f"The signing key {key.kid} is not among the public keys.")
    return key


def access_token(
    key: ECKey,
    client: Client,
    user: User | None,
    scopes: Sequence[str],
    binding: Binding = Binding(),
    now_s: float | None = None,
    *,
    suspected: bool = False,
) -> str:
    """A signed token for `client`, acting for `user` or, without one, for itself. It says so when
    the person is suspected to be a machine, for as long as it lives."""
    from joserfc import jwt

    now_s = time.time() if now_s is None else now_s
    claims: dict[str, Any] = {
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
    if binding.grant_id:
        claims["grant_id"] = binding.grant_id
    if binding.device_id:
        claims["device_id"] = binding.device_id
    if binding.key_thumbprint:
        claims["cnf"] = {"jkt": binding.key_thumbprint}
    if suspected:
        claims["suspected"] = True
    header = {"alg": ACCESS_TOKEN_ALGORITHM, "kid": key.kid, "typ": "at+jwt"}
    return jwt.encode(header, claims, key, algorithms=[ACCESS_TOKEN_ALGORITHM])


def claims_of(token: str) -> dict[str, Any] | None:
    """The claims of an access token of ours that has not expired, None for anything else."""
    from shared.platform.auth import verified_claims
    from shared.platform.errors import Unauthenticated

    try:
        claims = verified_claims(token)
    except Unauthenticated:
        return None
    return claims if claims["exp"] > time.time() else None
