"""Signing keys, parsed once from what Secret Manager holds.

| provider | payload of `cdn-key-<cdn>` |
|---|---|
| cloud_cdn | base64url, padded, of 16 bytes |
| media_cdn | base64url of the 32-byte Ed25519 seed |
| cloudfront | PEM (PKCS 8): RSA of 2048 bits, or ECDSA P-256 |
| akamai | hex, an even number of digits |
| fastly, segue | hex of 32 bytes |
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from shared.platform.settings import CdnProvider

# `cryptography` takes 40 ms to import: those who sign with HMAC alone never do.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CLOUD_CDN_KEY_BYTES = 16  # Cloud CDN takes 128-bit keys only
OWN_KEY_BYTES = 32


class SigningKeyError(ValueError):
    """A CDN key is not of the form its provider needs; the message never holds the key."""


@dataclass(frozen=True, slots=True, repr=False)
class HmacKey:
    """A shared secret."""

    secret: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Ed25519SigningKey:
    """An Ed25519 private key."""

    private: ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class PolicySigningKey:
    """A CloudFront private key."""

    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    def sign(self, message: bytes) -> bytes:
        """Signature with SHA-256: PKCS 1 v1.5 for RSA, DER for ECDSA."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(message, ec.ECDSA(hashes.SHA256()))


SigningKey = HmacKey | Ed25519SigningKey | PolicySigningKey


def load_key(provider: CdnProvider, payload: bytes) -> SigningKey:
    """The key in `payload`; raises SigningKeyError when it is not of `provider`'s form."""
    match provider:
        case "cloud_cdn":
            return HmacKey(_base64url(provider, payload, CLOUD_CDN_KEY_BYTES))
        case "media_cdn":
            from cryptography.hazmat.primitives.asymmetric import ed25519

            seed = _base64url(provider, payload, 32)
            return Ed25519SigningKey(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
        case "cloudfront":
            return _pem(payload)
        case "akamai":
            return HmacKey(_hex(provider, payload))
        case "fastly" | "segue":
            return HmacKey(_hex(provider, payload, OWN_KEY_BYTES))
        case _:
            assert_never(provider)


def _base64url(provider: str, payload: bytes, size_bytes: int) -> bytes:
    text = payload.strip()
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise SigningKeyError(f"key of {provider}: not base64url") from None
    if len(raw) != size_bytes:
        raise SigningKeyError(f"key of {provider}: {len(raw)} bytes instead of {size_bytes}")
    return raw


def _hex(provider: str, payload: bytes, size_bytes: int | None = None) -> bytes:
    try:
        raw = binascii.unhexlify(payload.strip())
    except binascii.Error:
        raise SigningKeyError(f"key of {provider}: not hexadecimal") from None
    if not raw or (size_bytes is not None and len(raw) != size_bytes):
        raise SigningKeyError(f"key of {provider}: {len(raw)} bytes instead of {size_bytes}")
    return raw


def _pem(payload: bytes) -> PolicySigningKey:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        # The key is our own, out of Secret Manager: testing its primes would hold the loop 40 ms.
        private = load_pem_private_key(payload, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        raise SigningKeyError("key of cloudfront: not an unencrypted PEM private key") from None
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size == 2048:
        return PolicySigningKey(private)
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return PolicySigningKey(private)
    raise SigningKeyError("key of cloudfront: neither RSA of 2048 bits nor ECDSA P-256")
