"""Tokens as `accounts.google.com` issues them to a service account: RS256, one hour."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LIFE_S = 3600
REUSED_S = 1800  # a token serves this long before the next is signed


class TokenIssuer:
    """Signs for one service account with the key in `<state>/oidc.pem` (made when absent)."""

    def __init__(self, state: Path, issuer: str, email: str, audience: str) -> None:
        self._issuer = issuer
        self._email = email
        self._audience = audience
        self._key = _load_key(state / "oidc.pem")
        numbers = self._key.public_key().public_numbers()
        modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        self._kid = hashlib.sha256(modulus).hexdigest()[:40]
        self._jwk = {
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": self._kid,
            "n": _base64url(modulus),
            "e": _base64url(numbers.e.to_bytes(3, "big")),
        }
        self._held: tuple[float, str] | None = None

    def jwks(self) -> dict[str, Any]:
        """The key set that verifies these tokens."""
        return {"keys": [self._jwk]}

    def bearer(self) -> str:
        """The value of an `Authorization` header."""
        now = time.time()
        if self._held is None or self._held[0] + REUSED_S < now:
            self._held = (now, self._sign(int(now)))
        return f"Bearer {self._held[1]}"

    def _sign(self, now: int) -> str:
        header = {"alg": "RS256", "kid": self._kid, "typ": "JWT"}
        subject = int.from_bytes(hashlib.sha256(self._email.encode()).digest()[:8], "big")
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "azp": str(subject),
            "sub": str(subject),
            "email": self._email,
            "email_verified": True,
            "iat": now,
            "exp": now + LIFE_S,
        }
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"


def _load_key(path: Path) -> rsa.RSAPrivateKey:
    if path.exists():
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    aside.replace(path)
    return key


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
