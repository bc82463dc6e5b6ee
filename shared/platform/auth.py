"""Who is calling: access tokens of people and apps, OIDC tokens of Google's own services.

Access tokens are ES256 JWTs (RFC 9068) that `accounts` signs; every function verifies them with
the public keys in its settings, so no request waits for the network. A verified token is kept for
a short time in a bounded cache by its hash: the signature is checked once, the expiry each time.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from cachetools import LRUCache
from fastapi import Depends, Request
from fastapi.security import SecurityScopes

from shared.platform.errors import InsufficientScope, Unauthenticated
from shared.platform.settings import settings

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

AUDIENCE = "segue-api"
ACCESS_TOKEN_ALGORITHM = "ES256"
VERIFIED_TOKENS_KEPT = 10_000  # about 10 MB
CLOCK_SKEW_S = 5


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller. `user_id` is None for an app that acts for itself (client credentials);
    `country` is ISO 3166-1 alpha-2."""

    user_id: str | None
    client_id: str
    scopes: frozenset[str]
    tier: str  # "free" or "premium"
    country: str
    expires_at_s: int

    def require_user(self) -> str:
        """The user's id. Raises Forbidden's sibling Unauthenticated for an app's own token."""
        if self.user_id is None:
            raise Unauthenticated("This endpoint needs a user's token, not an app's own.")
        return self.user_id


@cache
def _keys() -> KeySet:
    from joserfc.jwk import KeySet

    return KeySet.import_key_set(settings().token_jwks)  # type: ignore[arg-type]


_verified: LRUCache[bytes, Principal] = LRUCache(VERIFIED_TOKENS_KEPT)


def verify_access_token(token: str, now_s: float | None = None) -> Principal:
    """The principal of a valid access token.

    Raises Unauthenticated with one of the Web API's messages: "Invalid access token" (altered,
    foreign, malformed) or "The access token expired".
    """
    now_s = time.time() if now_s is None else now_s
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
    principal = _verified.get(digest)
    if principal is None:
        principal = _principal(_verify(token))
        _verified[digest] = principal
    if principal.expires_at_s + CLOCK_SKEW_S <= now_s:
        raise Unauthenticated("The access token expired")
    return principal


def _verify(token: str) -> dict[str, Any]:
    from joserfc import jwt
    from joserfc.errors import JoseError

    try:
        decoded = jwt.decode(token, _keys(), algorithms=[ACCESS_TOKEN_ALGORITHM])
    except (JoseError, ValueError):
        raise Unauthenticated("Invalid access token") from None
    claims = decoded.claims
    if (
        decoded.header.get("typ") != "at+jwt"
        or claims.get("iss") != settings().accounts_url
        or claims.get("aud") != AUDIENCE
    ):
        raise Unauthenticated("Invalid access token")
    return claims


def _principal(claims: dict[str, Any]) -> Principal:
    try:
        client_id, subject = str(claims["client_id"]), str(claims["sub"])
        return Principal(
            user_id=None if subject == client_id else subject,
            client_id=client_id,
            scopes=frozenset(str(claims["scope"]).split()),
            tier=str(claims["tier"]),
            country=str(claims["country"]),
            expires_at_s=int(claims["exp"]),
        )
    except (KeyError, ValueError, TypeError):
        raise Unauthenticated("Invalid access token") from None


def bearer_token(request: Request) -> str:
    """The token in the Authorization header. Raises Unauthenticated."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not token:
        raise Unauthenticated("No token provided")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Only valid bearer authentication supported")
    return token.strip()


async def authenticate(request: Request, needed: SecurityScopes) -> Principal:
    """FastAPI dependency: `Security(authenticate, scopes=["streaming"])`. All of the scopes are
    needed. Raises Unauthenticated or InsufficientScope."""
    principal = verify_access_token(bearer_token(request))
    missing = [scope for scope in needed.scopes if scope not in principal.scopes]
    if missing:
        raise InsufficientScope(f"Insufficient client scope; it needs: {' '.join(missing)}")
    return principal


Caller = Annotated[Principal, Depends(authenticate)]
"""A caller with any valid token."""


# --- tokens of Google's services (Pub/Sub push, Eventarc, Cloud Tasks) -----------------------

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
        and claims.get("aud") == config.service_audience
        and claims.get("email") == config.service_account
        and claims.get("email_verified") is True
        and isinstance(claims.get("exp"), int)
        and claims["exp"] + CLOCK_SKEW_S > time.time()
    )
    if not expected:
        raise Unauthenticated("Invalid service token")
