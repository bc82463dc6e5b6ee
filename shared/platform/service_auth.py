"""Tokens of Google's own services, which call us: Pub/Sub push, Eventarc, Cloud Tasks."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from shared.platform.auth import CLOCK_SKEW_S
from shared.platform.errors import Unauthenticated
from shared.platform.settings import settings

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

CERTIFICATES_LIFE_S = 3600
CERTIFICATES_REFRESH_S = 60  # at the soonest: a made-up key id must not make us fetch each time
_certificates: dict[str, tuple[float, KeySet]] = {}  # by URL: when fetched, and what


async def _certificates_of(url: str, *, refresh: bool = False) -> KeySet:
    from joserfc.jwk import KeySet

    held = _certificates.get(url)
    oldest = time.monotonic() - (CERTIFICATES_REFRESH_S if refresh else CERTIFICATES_LIFE_S)
    if held is None or held[0] < oldest:
        import httpx

        async with httpx.AsyncClient(timeout=10) as client:
            answer = (await client.get(url)).raise_for_status()
        held = (time.monotonic(), KeySet.import_key_set(answer.json()))
        _certificates[url] = held
    return held[1]


async def verify_service_token(authorization: str | None) -> None:
    """Verifies the OIDC token of a push: RS256 signature, `iss`, `aud`, `exp`, and that it was
    issued to our service account. Raises Unauthenticated.

    https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
    """
    from joserfc import jwt
    from joserfc.errors import InvalidKeyIdError, JoseError

    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("This endpoint is called by Google Cloud with a signed token.")
    config = settings()
    try:
        try:
            keys = await _certificates_of(config.oidc_certs_url)
            claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
        except (InvalidKeyIdError, ValueError):  # the keys may have rotated since
            keys = await _certificates_of(config.oidc_certs_url, refresh=True)
            claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
    except (JoseError, ValueError):
        raise Unauthenticated("Invalid service token") from None
    expected = (
        claims.get("iss") == config.oidc_issuer
        and fnmatchcase(str(claims.get("aud")), config.service_audience)
        and claims.get("email") == config.service_account
        and claims.get("email_verified") is True
        and isinstance(claims.get("exp"), int)
        and claims["exp"] + CLOCK_SKEW_S > time.time()
    )
    if not expected:
        raise Unauthenticated("Invalid service token")
