"""Fresh keys of every provider: what Secret Manager holds, and what the edge gets."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from shared.delivery.signing import SigningKey, load_key
from shared.platform.settings import Cdn, CdnProvider

PROVIDERS: tuple[CdnProvider, ...] = (
    "cloud_cdn",
    "media_cdn",
    "cloudfront",
    "akamai",
    "fastly",
    "segue",
)


@dataclass(frozen=True)
class KeyPair:
    """`payload` signs (a secret), `verification` verifies (the edge's keys file)."""

    provider: CdnProvider
    payload: bytes
    verification: str

    @property
    def signing_key(self) -> SigningKey:
        return load_key(self.provider, self.payload)


def cdn(provider: CdnProvider, key_name: str = "key-1", base_url: str = "https://cdn.test") -> Cdn:
    """A CDN of `provider`."""
    return Cdn(
        name=provider.replace("_", "-"),
        provider=provider,
        base_url=base_url,
        key_name=key_name,
        usd_per_gb=0.08,
    )


def new_pair(provider: CdnProvider) -> KeyPair:
    """A fresh key of `provider`."""
    match provider:
        case "cloud_cdn":
            text = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode()
            return KeyPair(provider, text.encode(), text)
        case "media_cdn":
            private = ed25519.Ed25519PrivateKey.generate()
            return KeyPair(
                provider,
                base64.urlsafe_b64encode(private.private_bytes_raw()),
                base64.urlsafe_b64encode(private.public_key().public_bytes_raw()).decode(),
            )
        case "cloudfront":
            return policy_pair(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        case "akamai" | "fastly" | "segue":
            text = secrets.token_hex(32)
            return KeyPair(provider, text.encode(), text)


def policy_pair(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> KeyPair:
    """A CloudFront key pair of `private`."""
    return KeyPair(
        "cloudfront",
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )


def pair(provider: CdnProvider, name: str = "key-1") -> KeyPair:
    """The key called `name` of this run; made once, as RSA keys take their time."""
    return _made(provider, name)


@cache
def _made(provider: CdnProvider, name: str) -> KeyPair:
    return new_pair(provider)
