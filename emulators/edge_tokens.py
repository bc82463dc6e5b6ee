"""Verifies each CDN's native token as its provider does, for the edge emulator.

Written from the providers' documents and not from the product's signer: two readings of one
document find a mistake that one would hide. Strict where a real edge may be lenient: base64 and
hex must be canonical, fields must stand once and in the documented order.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """What a token is checked against; `path` and `query` as sent, nothing decoded."""

    origin: str  # scheme://host[:port] that the client asked
    path: str
    query: str

    @property
    def url(self) -> str:
        """The address without its query."""
        return self.origin + self.path


@dataclass(frozen=True, slots=True)
class Verdict:
    """200 lets in; 403 and 410 refuse, with the reason. `user` is the token's, where it has
    one."""

    status: int
    reason: str
    user: str | None = None


class _Refused(Exception):
    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.status = status


Verifier = Callable[[MediaRequest, float], Verdict]
Check = Callable[[MediaRequest, float, Mapping[str, str]], str | None]


def verifier(provider: str, keys: Mapping[str, str]) -> Verifier:
    """A function of (request, now in epoch seconds) for `provider`, accepting every key in
    `keys` (name → verification key, in the form that the provider's console takes).

    Raises ValueError for an unknown provider.
    """
    check = _CHECKS.get(provider)
    if check is None:
        raise ValueError(f"unknown provider {provider!r}; known: {', '.join(sorted(_CHECKS))}")

    def verify(request: MediaRequest, now: float) -> Verdict:
        try:
            return Verdict(200, "valid", check(request, now, keys))
        except _Refused as refused:
            return Verdict(refused.status, str(refused))

    return verify


# --- Google ---------------------------------------------------------------------------------

_GOOGLE = re.compile(
    r"URLPrefix=([A-Za-z0-9_-]+={0,2})&Expires=(\d{1,12})&KeyName=([A-Za-z0-9_.-]+)"
    r"&Signature=([A-Za-z0-9_-]+={0,2})"
)


def _google(
    request: MediaRequest, now: float, matches: Callable[[str, bytes, bytes], bool]
) -> None:
    found = _GOOGLE.fullmatch(request.query)
    if not found:
        raise _Refused("no URLPrefix, Expires, KeyName, Signature in this order")
    prefix, expires, key_name, signature = found.groups()
    signed_part = request.query[: found.start(4) - len("&Signature=")]
    if not matches(key_name, signed_part.encode(), _web_safe(signature)):
        raise _Refused("the signature does not match")
    if now >= int(expires):
        raise _Refused("the signature has expired")
    try:
        allowed = _web_safe(prefix).decode()
    except UnicodeDecodeError:
        raise _Refused("URLPrefix is not text") from None
    if not request.url.startswith(allowed):
        raise _Refused("the URL is outside the signed prefix")


def _cloud_cdn(request: MediaRequest, now: float, keys: Mapping[str, str]) -> None:
    def matches(key_name: str, message: bytes, signature: bytes) -> bool:
        secret = _web_safe(_named(keys, key_name))
        return hmac.compare_digest(hmac.new(secret, message, hashlib.sha1).digest(), signature)

    _google(request, now, matches)


def _media_cdn(request: MediaRequest, now: float, keys: Mapping[str, str]) -> None:
    def matches(key_name: str, message: bytes, signature: bytes) -> bool:
        public = Ed25519PublicKey.from_public_bytes(_web_safe(_named(keys, key_name)))
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    _google(request, now, matches)


# --- CloudFront -----------------------------------------------------------------------------

_CLOUDFRONT = {"Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"}


def _cloudfront(request: MediaRequest, now: float, keys: Mapping[str, str]) -> None:
    own, rest = _split_query(request.query, _CLOUDFRONT)
    if not {"Policy", "Signature", "Key-Pair-Id"} <= own.keys():
        raise _Refused("Missing Key-Pair-Id, Policy or Signature query parameter")
    # CloudFront computes SHA-1 unless the URL says otherwise.
    algorithms: dict[str, hashes.HashAlgorithm] = {"SHA1": hashes.SHA1(), "SHA256": hashes.SHA256()}
    algorithm = algorithms.get(own.get("Hash-Algorithm", "SHA1"))
    if algorithm is None:
        raise _Refused("Unknown Hash-Algorithm")
    policy = _aws_base64(own["Policy"])
    signature = _aws_base64(own["Signature"])
    public = load_pem_public_key(_named(keys, own["Key-Pair-Id"]).encode())
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, policy, padding.PKCS1v15(), algorithm)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, policy, ec.ECDSA(algorithm))
        else:
            raise _Refused("Unsupported key type")
    except InvalidSignature:
        raise _Refused("the signature does not match the policy") from None
    resource, ends = _policy(policy)
    if now >= ends:
        raise _Refused("the policy has expired")
    url = f"{request.url}?{rest}" if rest else request.url
    pattern = re.escape(resource).replace(r"\*", ".*").replace(r"\?", ".")
    if not re.fullmatch(pattern, url, re.DOTALL):
        raise _Refused("the policy does not cover this URL")


def _policy(raw: bytes) -> tuple[str, int]:
    try:
        (statement,) = json.loads(raw)["Statement"]
        resource = statement["Resource"]
        ends = statement["Condition"]["DateLessThan"]["AWS:EpochTime"]
    except (ValueError, KeyError, TypeError):
        raise _Refused("Malformed Policy") from None
    if not isinstance(resource, str) or not isinstance(ends, int):
        raise _Refused("Malformed Policy")
    return resource, ends


# --- Akamai ---------------------------------------------------------------------------------


def _akamai(request: MediaRequest, now: float, keys: Mapping[str, str]) -> str | None:
    own, _ = _split_query(request.query, {"hdnts"})
    token = own.get("hdnts")
    if token is None:
        raise _Refused("no token")
    head, separator, digest = token.rpartition("~hmac=")
    if not separator:
        raise _Refused("malformed token")
    if not any(
        hmac.compare_digest(
            hmac.new(bytes.fromhex(key), head.encode(), hashlib.sha256).hexdigest().encode(),
            digest.encode(),
        )
        for key in keys.values()
    ):
        raise _Refused("HMAC mismatch")
    fields: dict[str, str] = {}
    for item in head.split("~"):
        name, _, value = item.partition("=")
        if name in fields or name not in {"ip", "st", "exp", "acl", "id", "data"}:
            raise _Refused("malformed token")
        fields[name] = value
    if not re.fullmatch(r"\d{1,12}", fields.get("exp", "")) or "acl" not in fields:
        raise _Refused("malformed token")
    if now >= int(fields["exp"]):
        raise _Refused("token has expired")
    if "st" in fields and (not fields["st"].isdecimal() or now < int(fields["st"])):
        raise _Refused("token is not valid yet")
    for acl in fields["acl"].split("!"):
        pattern = re.escape(acl).replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(pattern, request.path, re.DOTALL):
            return fields.get("id")
    raise _Refused("ACL does not cover this path")


# --- Fastly (our VCL) -------------------------------------------------------------------------


def _fastly(request: MediaRequest, now: float, keys: Mapping[str, str]) -> None:
    own, _ = _split_query(request.query, {"token", "prefix"})
    found = re.fullmatch(r"([0-9]{10,11})_([a-f0-9]{64})", own.get("token", ""))
    prefix = own.get("prefix", "")
    if not found or not prefix.startswith("/") or not prefix.endswith("/"):
        raise _Refused("no token")
    expires, digest = found.groups()
    message = (prefix + expires).encode()
    if not any(
        hmac.compare_digest(
            hmac.new(bytes.fromhex(key), message, hashlib.sha256).hexdigest(), digest
        )
        for key in keys.values()
    ):
        raise _Refused("wrong signature")
    if not request.path.startswith(prefix):
        raise _Refused("outside the signed prefix")
    if now > int(expires):
        raise _Refused("expired", status=410)


# --- Segue's own edge -------------------------------------------------------------------------


def _segue(request: MediaRequest, now: float, keys: Mapping[str, str]) -> str:
    found = re.fullmatch(
        r"(prefix=(/[^&]*/)&exp=(\d{1,12})&uid=([^&]+)&kid=([^&]+))&sig=([a-f0-9]{64})",
        request.query,
    )
    if not found:
        raise _Refused("no prefix, exp, uid, kid, sig in this order")
    signed, prefix, expires, user, key_name, digest = found.groups()
    secret = bytes.fromhex(_named(keys, key_name))
    expected = hmac.new(secret, signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, digest):
        raise _Refused("the signature does not match")
    if now >= int(expires):
        raise _Refused("expired")
    if not request.path.startswith(prefix):
        raise _Refused("outside the signed prefix")
    return user


_CHECKS: dict[str, Check] = {
    "cloud_cdn": _cloud_cdn,
    "media_cdn": _media_cdn,
    "cloudfront": _cloudfront,
    "akamai": _akamai,
    "fastly": _fastly,
    "segue": _segue,
}

# --- encodings --------------------------------------------------------------------------------


def _named(keys: Mapping[str, str], name: str) -> str:
    try:
        return keys[name]
    except KeyError:
        raise _Refused("unknown key") from None


def _split_query(query: str, names: set[str]) -> tuple[dict[str, str], str]:
    """(fields called `names`, the rest of the query); refuses a field given twice."""
    own: dict[str, str] = {}
    rest = []
    for item in query.split("&") if query else []:
        name, _, value = item.partition("=")
        if name not in names:
            rest.append(item)
        elif name in own:
            raise _Refused(f"{name} stands twice")
        else:
            # One name and one value: decodes percent escapes, which some clients add.
            decoded = parse_qsl(item.replace("+", "%2B"), keep_blank_values=True)
            own[name] = decoded[0][1] if decoded else value
    return own, "&".join(rest)


def _web_safe(text: str) -> bytes:
    """Bytes of URL-safe base64 with or without padding; refuses any other spelling of them."""
    bare = text.rstrip("=")
    try:
        raw = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        raise _Refused("not base64") from None
    canonical = base64.urlsafe_b64encode(raw).decode()
    if text not in (canonical, canonical.rstrip("=")):
        raise _Refused("not canonical base64")
    return raw


def _aws_base64(text: str) -> bytes:
    standard = text.translate(str.maketrans("-_~", "+=/"))
    try:
        raw = base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError):
        raise _Refused("not base64") from None
    if base64.b64encode(raw).decode() != standard:
        raise _Refused("not canonical base64")
    return raw
