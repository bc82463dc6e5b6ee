"""Who is calling: access tokens of people and apps.

Access tokens are ES256 JWTs (RFC 9068) that `accounts` signs; every function verifies them with
the public keys in its settings, so no request waits for the network. A verified token is kept in
a bounded cache by its hash: the signature is checked once, the expiry each time.

The settings hold several keys while one replaces another. To rotate without a moment in which a
good token is refused: (1) add the new public key to `SEGUE_TOKEN_JWKS` everywhere, (2) add the
private key as the next version of `token-signing-key` and deploy `accounts` pinned to it, (3) an
hour later, when the last token of the old key has expired, drop the old public key.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache
from starlette.requests import Request

from shared.platform.errors import InsufficientScope, PremiumRequired, Unauthenticated
from shared.platform.settings import settings

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

AUDIENCE = "segue-api"
ACCESS_TOKEN_ALGORITHM = "ES256"
OPERATOR = "segue-operator"  # scope of our operators' tools
VERIFIED_TOKENS_KEPT = 10_000  # about 10 MB
CLOCK_SKEW_S = 5


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller. `user_id` is None for an app that acts for itself (client credentials);
    `country` is ISO 3166-1 alpha-2, empty for an app. `device_id` is the device that signed in,
    where the app named one; `key_thumbprint` the key (RFC 7638) to which the token is bound, so
    that it is worth nothing without a DPoP proof. A `suspected` one's plays look like a machine's
    (F286)."""

    user_id: str | None
    client_id: str
    scopes: frozenset[str]
    tier: str  # "free" or "premium"
    country: str
    expires_at_s: int
    device_id: str | None = None
    key_thumbprint: str | None = None
    suspected: bool = False

    def require_user(self) -> str:
        """The user's id. Raises Forbidden's sibling Unauthenticated for an app's own token."""
        if self.user_id is None:
            raise Unauthenticated("This endpoint needs a user's token, not an app's own.")
        return self.user_id

    def require_scope(self, scope: str) -> None:
        """Raises InsufficientScope unless the token carries `scope`."""
        if scope not in self.scopes:
            raise InsufficientScope(f"Insufficient client scope; it needs: {scope}")

    def require_premium(self) -> None:
        """Raises PremiumRequired unless the caller's tier is premium."""
        if self.tier != "premium":
            raise PremiumRequired("This needs a Premium account.")


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
        principal = _principal(verified_claims(token))
        _verified[digest] = principal
    if principal.expires_at_s + CLOCK_SKEW_S <= now_s:
        raise Unauthenticated("The access token expired")
    return principal


def verified_claims(token: str) -> dict[str, Any]:
    """The claims of a token that we signed, expired or not. Raises Unauthenticated."""
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
        device_id, binding = claims.get("device_id"), claims.get("cnf")
        return Principal(
            user_id=None if subject == client_id else subject,
            client_id=client_id,
            scopes=frozenset(str(claims["scope"]).split()),
            tier=str(claims["tier"]),
            country=str(claims["country"]),
            expires_at_s=int(claims["exp"]),
            device_id=None if device_id is None else str(device_id),
            key_thumbprint=None if binding is None else str(binding["jkt"]),
            suspected=claims.get("suspected") is True,
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


async def principal_of(request: Request) -> Principal:
    """The caller of `request`, by `Authorization: Bearer` or, with a proof, `DPoP` (RFC 9449).

    Raises Unauthenticated: no token or one that does not verify; a bound token presented as a
    bearer's, which is what a thief would do; a proof that is missing, faulty or used before.
    """
    header = request.headers.get("authorization", "")
    if header[:5].lower() == "dpop ":
        from shared.platform import dpop  # only those who use it pay for its import

        token = header[5:].strip()
        principal = verify_access_token(token)
        await dpop.check_request(request, token, principal.key_thumbprint)
        return principal
    principal = verify_access_token(bearer_token(request))
    if principal.key_thumbprint is not None:
        raise Unauthenticated(
            "The access token is bound to a key: send it as DPoP, with a proof.",
            challenge='DPoP realm="segue", error="invalid_token"',
        )
    return principal
