"""V4 signed URLs, verified as Cloud Storage verifies them.

Source: cloud.google.com/storage/docs/access-control/signed-urls and …/canonical-requests; error
codes …/xml-api/reference-status. Only `GOOG4-RSA-SHA256` in the query string is known here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

MAX_EXPIRES_S = 604_800  # seven days
CLOCK_SKEW = timedelta(minutes=15)
ALGORITHM = "GOOG4-RSA-SHA256"

Verify = Callable[[bytes, bytes], bool]  # (message, signature)


@dataclass(eq=False)
class XmlError(Exception):
    """An error of the XML API: HTTP status, its code, a message and details."""

    status: int
    code: str
    message: str
    details: str = ""

    def body(self) -> bytes:
        """The `<Error>` document."""
        from xml.sax.saxutils import escape

        details = f"<Details>{escape(self.details)}</Details>" if self.details else ""
        return (
            "<?xml version='1.0' encoding='UTF-8'?><Error>"
            f"<Code>{self.code}</Code><Message>{escape(self.message)}</Message>{details}</Error>"
        ).encode()


def is_signed(query: str) -> bool:
    """Whether the request carries a V4 signature at all."""
    return any(name.lower() == "x-goog-signature" for name, _ in parse_qsl(query, True))


def check(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    verify: Verify,
    now: datetime | None = None,
) -> None:
    """Raise XmlError unless the signature allows this request.

    `path` is the raw path of the request line, `headers` has lower-case names.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    given = {name.lower(): value for name, value in pairs if name.lower().startswith("x-goog-")}
    if given.get("x-goog-algorithm") != ALGORITHM:
        raise _malformed("X-Goog-Algorithm", f"only {ALGORITHM} is supported")
    signed_at = _time(given.get("x-goog-date", ""))
    expires_s = _seconds(given.get("x-goog-expires", ""))
    scope = _scope(given.get("x-goog-credential", ""), signed_at)
    signed_headers = given.get("x-goog-signedheaders", "").split(";")
    _check_headers(signed_headers, headers)

    now = now or datetime.now(UTC)
    if signed_at - now > CLOCK_SKEW:
        raise XmlError(403, "RequestTimeTooSkewed", "The signature is not valid yet.")
    # The order is the service's: the date is judged before the signature.
    if now > signed_at + timedelta(seconds=expires_s):
        raise XmlError(
            400,
            "ExpiredToken",
            "The provided token has expired.",
            f"Request signature expired at: {signed_at + timedelta(seconds=expires_s)}",
        )
    canonical = "\n".join(
        (
            method,
            path,
            "&".join(
                f"{quote(name, safe='~')}={quote(value, safe='~')}"
                for name, value in sorted(pairs)
                if name.lower() != "x-goog-signature"
            ),
            *(f"{name}:{' '.join(headers[name].split())}" for name in signed_headers),
            "",
            ";".join(signed_headers),
            headers.get("x-goog-content-sha256", "UNSIGNED-PAYLOAD"),
        )
    )
    message = "\n".join(
        (
            ALGORITHM,
            given["x-goog-date"],
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    try:
        signature = bytes.fromhex(given.get("x-goog-signature", ""))
    except ValueError:
        raise _malformed("X-Goog-Signature", "Signature was not hex encoded") from None
    if not verify(message.encode(), signature):
        raise XmlError(
            403,
            "SignatureDoesNotMatch",
            "Access denied.",
            "The request signature we calculated does not match the signature you provided. "
            f"Check your Google secret key and signing method. StringToSign: {message}",
        )


def rsa_verifier(public_pem: bytes) -> Verify:
    """Verifies RSASSA-PKCS1-v1_5 with SHA-256 under a PEM public key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key: Any = load_pem_public_key(public_pem)

    def verify(message: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    return verify


def _malformed(parameter: str, details: str) -> XmlError:
    return XmlError(
        400,
        "MalformedSecurityHeader",
        "Your request has a malformed header.",
        f"{parameter}: {details}",
    )


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _malformed("X-Goog-Date", "must be YYYYMMDD'T'HHMMSS'Z'") from None


def _seconds(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= MAX_EXPIRES_S:
        return int(text)
    raise _malformed("X-Goog-Expires", f"must be seconds (0..{MAX_EXPIRES_S})")


def _scope(credential: str, signed_at: datetime) -> str:
    """`date/location/storage/goog4_request` of `account/date/location/storage/goog4_request`."""
    account, _, scope = credential.partition("/")
    parts = scope.split("/")
    good = account and len(parts) == 4 and parts[2:] == ["storage", "goog4_request"]
    if not good or parts[0] != f"{signed_at:%Y%m%d}":
        raise _malformed("X-Goog-Credential", "is not ACCOUNT/DATE/LOCATION/storage/goog4_request")
    return scope


def _check_headers(signed: list[str], headers: Mapping[str, str]) -> None:
    if "host" not in signed:
        raise _malformed("X-Goog-SignedHeaders", "host must be signed")
    for name in signed:
        if name not in headers:
            raise _malformed(name, "Header was included in signedheaders, but not in the request.")
    for name in headers:
        if name.startswith("x-goog-") and name not in signed and name != "x-goog-content-sha256":
            raise _malformed(name, "Header was in the request, but not included in signedheaders.")
