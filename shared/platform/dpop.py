"""Proofs of possession (RFC 9449): a token that is bound to a key works with that key alone.

A proof is a JWT that the caller signs for one request: its method (`htm`), its address (`htu`), the
hash of the access token (`ath`), the time (`iat`) and a `jti` which is accepted once. That it was
not used before is a document that can be created once, so every instance agrees; it outlives the
proof by the time for which the proof would be accepted, and Firestore removes it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from shared import topology
from shared.platform.errors import Unauthenticated
from shared.platform.settings import settings

if TYPE_CHECKING:
    from joserfc.jwk import Key
    from starlette.requests import Request

ALGORITHMS = ("ES256", "Ed25519", "EdDSA", "PS256", "RS256")
PROOF_LIFE_S = 60
CLOCK_SKEW_S = 10  # of the callers' clocks: how far ahead of ours `iat` may be
MAX_PROOF_LENGTH = 4096
MAX_JTI_LENGTH = 256
_RSA_MODULUS_LENGTHS = range(342, 684)  # 2048 to 4096 bits in base64url
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class InvalidProof(Unauthenticated):
    """The DPoP proof is missing, faulty, for another request, or was used before."""

    def __init__(self, message: str, *, code: str = "invalid_dpop_proof") -> None:
        algorithms = " ".join(ALGORITHMS)
        super().__init__(
            message,
            challenge=(
                f'DPoP realm="segue", error="{code}", error_description="{message}", '
                f'algs="{algorithms}"'
            ),
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof whose signature and claims are good. `thumbprint` is its key's (RFC 7638)."""

    thumbprint: str
    jti: str
    issued_at_s: int


def access_token_hash(token: str) -> str:
    """The `ath` of an access token: its SHA-256 in base64url."""
    hashed = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def verify_proof(
    proof: str,
    method: str,
    url: str,
    *,
    access_token: str | None = None,
    now_s: float | None = None,
) -> Proof:
    """The proof for a request with `method` to `url`, of a holder of `access_token` if there is
    one already. Raises InvalidProof; whether it was used before is `use_once`'s to tell."""
    now_s = time.time() if now_s is None else now_s
    key, claims = _verified(proof)
    jti, issued_at = claims.get("jti"), claims.get("iat")
    if not isinstance(jti, str) or not 1 <= len(jti) <= MAX_JTI_LENGTH:
        raise InvalidProof(f"The proof's jti must be 1 to {MAX_JTI_LENGTH} characters.")
    if claims.get("htm") != method:
        raise InvalidProof("The proof's htm is not the method of this request.")
    if not _same_address(claims.get("htu"), url):
        raise InvalidProof("The proof's htu is not the address of this request.")
    if isinstance(issued_at, bool) or not isinstance(issued_at, (int, float)):
        raise InvalidProof("The proof lacks its iat.")
    if not -CLOCK_SKEW_S <= now_s - issued_at <= PROOF_LIFE_S:
        raise InvalidProof("The proof's iat is too old or in the future.")
    if access_token is not None:
        presented = claims.get("ath")
        expected = access_token_hash(access_token).encode()
        if not isinstance(presented, str) or not hmac.compare_digest(
            presented.encode("utf-8", "replace"), expected
        ):
            raise InvalidProof("The proof's ath is not the hash of this access token.")
    return Proof(key.thumbprint(), jti, int(issued_at))


def _verified(proof: str) -> tuple[Key, dict[str, Any]]:
    """The key in the proof's own header, and the claims that it signed."""
    from joserfc import jws, jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    if len(proof) > MAX_PROOF_LENGTH:
        raise InvalidProof("The proof is too long.")
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_header_length = MAX_PROOF_LENGTH  # it holds a key, an RSA one perhaps
    try:
        header = jws.extract_compact(proof.encode("ascii"), registry=registry).headers()
        presented = header.get("jwk")
        if header.get("typ") != "dpop+jwt" or not isinstance(presented, dict):
            raise InvalidProof("A proof has the typ dpop+jwt and its public key as jwk.")
        if presented.get("kty") not in ("EC", "OKP", "RSA"):
            raise InvalidProof("The proof's key must be a public one.")
        if presented["kty"] == "RSA" and len(presented["n"]) not in _RSA_MODULUS_LENGTHS:
            raise InvalidProof("The proof's RSA key must have 2048 to 4096 bits.")
        key = JWKRegistry.import_key(presented)
        if key.is_private:
            raise InvalidProof("The proof holds a private key, which is now everybody's.")
        return key, jwt.decode(proof, key, ALGORITHMS, registry).claims
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise InvalidProof("The proof's signature does not verify.") from None


def _same_address(claimed: object, url: str) -> bool:
    if not isinstance(claimed, str):
        return False
    try:
        return _normal(claimed) == _normal(url)
    except ValueError:
        return False


def _normal(url: str) -> tuple[str, str, str]:
    """Scheme, host and path; a proof covers neither query nor fragment (RFC 9449, 4.3)."""
    parts = urlsplit(url)
    host = parts.netloc.lower().removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))
    return parts.scheme, host, unquote(parts.path).rstrip("/")


async def use_once(proof: Proof) -> None:
    """Raises InvalidProof when the key's holder has used this `jti` before, at any instance."""
    from datetime import UTC, datetime

    from google.api_core.exceptions import AlreadyExists

    from shared.platform import clients
    from shared.platform.contention import retried

    name = hashlib.sha256(f"{proof.thumbprint}.{proof.jti}".encode("utf-8", "replace")).hexdigest()
    reference = clients.collection(topology.DPOP_PROOFS).document(name)
    forgotten_at_s = proof.issued_at_s + PROOF_LIFE_S + 2 * CLOCK_SKEW_S
    fact = {"expires_at": datetime.fromtimestamp(forgotten_at_s, UTC)}
    try:
        await retried(lambda: reference.create(fact))
    except AlreadyExists:
        raise InvalidProof("The proof was used before.") from None


def address_of(request: Request) -> str:
    """The address at which callers reach `request`: proxies stand between, so the Host header of
    the request does not tell."""
    path = str(request.scope["path"])
    if path.startswith("/accounts/"):
        return settings().accounts_url.removesuffix("/accounts") + path
    return settings().public_url + path


def proof_of(request: Request) -> str | None:
    """The one DPoP header of `request`, None without one. Raises InvalidProof for several."""
    found = request.headers.getlist("dpop")
    if len(found) > 1:
        raise InvalidProof("The request has more than one DPoP header.")
    return found[0] if found else None


async def check_request(request: Request, token: str, thumbprint: str | None) -> None:
    """Raises InvalidProof unless `request` proves that its sender holds the key with `thumbprint`,
    to which the access token `token` is bound."""
    if thumbprint is None:
        raise InvalidProof("The access token is not bound to a key.", code="invalid_token")
    presented = proof_of(request)
    if presented is None:
        raise InvalidProof("The request lacks its DPoP proof.")
    proof = verify_proof(presented, request.method, address_of(request), access_token=token)
    if not hmac.compare_digest(proof.thumbprint, thumbprint):
        raise InvalidProof("The access token is bound to another key.", code="invalid_token")
    await use_once(proof)
