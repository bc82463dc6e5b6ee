"""Requests to the token endpoint: the form, and who sends it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

from shared.accounts.errors import InvalidClient, OAuthError, invalid_request

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.platform.dpop import Proof

MAX_FORM_BYTES = 16 * 1024
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who an app says it is, and the secret by which it proves that."""

    client_id: str
    secret: str | None
    basic: bool  # by HTTP Basic


def parse_form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form; those without a value are as good as absent (RFC 6749, 3.2).

    Raises OAuthError `invalid_request` for another media type, a repeated field, bad UTF-8.
    """
    if content_type.partition(";")[0].strip().lower() != FORM_TYPE:
        raise invalid_request(f"The body must be {FORM_TYPE}.")
    if len(body) > MAX_FORM_BYTES:
        raise invalid_request(f"The body is larger than {MAX_FORM_BYTES} bytes.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise invalid_request("The body is not a well-formed form.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise invalid_request(f"Repeated: {', '.join(repeated)}.")
    return {name: value for name, value in form.items() if value}


def required(form: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """The values of `names`. Raises OAuthError that names every missing one."""
    missing = [name for name in names if name not in form]
    if missing:
        raise invalid_request(f"Missing: {', '.join(missing)}.")
    return tuple(form[name] for name in names)


def claimant(authorization: str | None, form: Mapping[str, str]) -> Claimant:
    """The app that sends `form`, by HTTP Basic or in the form, never both (RFC 6749, 2.3).

    Raises OAuthError `invalid_client` or `invalid_request`.
    """
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        (client_id,) = required(form, "client_id")
        return Claimant(client_id, form.get("client_secret"), basic=False)
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidClient("The Basic credentials are malformed.", basic=True) from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise InvalidClient("The Basic credentials are malformed.", basic=True)
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if "client_secret" in form:
        raise invalid_request("Authenticate by HTTP Basic or by client_secret, not by both.")
    if form.get("client_id", client_id) != client_id:
        raise invalid_request("client_id differs from the one in the Authorization header.")
    return Claimant(client_id, secret or None, basic=True)


async def proven_key(request: Request) -> Proof | None:
    """The DPoP proof that `request` carries, None without one (RFC 9449, 5). Raises OAuthError
    `invalid_dpop_proof`, also for one that was used before."""
    if "dpop" not in request.headers:
        return None
    from shared.platform import dpop

    try:
        proof = dpop.proof_of(request) or ""
        verified = dpop.verify_proof(proof, request.method, dpop.address_of(request))
        await dpop.use_once(verified)
    except dpop.InvalidProof as error:
        raise OAuthError("invalid_dpop_proof", error.message) from None
    return verified


def caller_address(forwarded_for: str | None, peer: str | None) -> str:
    """The address that a request came from. Google's load balancer appends the caller's and its
    own to X-Forwarded-For; what stands before them is the caller's own invention."""
    addresses = [part.strip() for part in (forwarded_for or "").split(",") if part.strip()]
    return addresses[-2:][0] if addresses else peer or "unknown"
