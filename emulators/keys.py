"""Key material of one local cloud, made once and kept in its state folder (mode 0600).

In Google Cloud these are versions of secrets that operators add; nothing here leaves the machine.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any

from pydantic import BaseModel


class Keys(BaseModel):
    """Payloads of the topology's secrets, and the public halves that verifiers need."""

    token_signing_key: str  # private JWK (ES256), JSON
    token_jwks: dict[str, list[dict[str, str]]]
    playback_token_key: str
    upload_signing_key: str  # RSA private key, PEM
    upload_public_key: str
    cdn_keys: dict[str, str]  # CDN name -> signing key, as its provider writes it
    cdn_verification_keys: dict[str, str]

    def secrets(self) -> dict[str, str]:
        """Secret name -> payload."""
        return {
            "token-signing-key": self.token_signing_key,
            "playback-token-key": self.playback_token_key,
            "upload-signing-key": self.upload_signing_key,
            **{f"cdn-key-{name}": key for name, key in self.cdn_keys.items()},
        }


def load_or_make(state: Path) -> Keys:
    """The keys of `state`, made at its first start."""
    path = state / "keys.json"
    if path.exists():
        return Keys.model_validate_json(path.read_text())
    keys = _make()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(keys.model_dump_json(indent=2))
    return keys


def _make() -> Keys:
    from joserfc.jwk import ECKey

    token_key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    public: dict[str, Any] = token_key.as_dict(private=False)
    upload_private, upload_public = _rsa()
    cloudfront_private, cloudfront_public = _rsa()
    google = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode()
    akamai = secrets.token_hex(32)
    return Keys(
        token_signing_key=json.dumps(token_key.as_dict(private=True)),
        token_jwks={"keys": [{name: str(value) for name, value in public.items()}]},
        playback_token_key=secrets.token_hex(32),
        upload_signing_key=upload_private,
        upload_public_key=upload_public,
        cdn_keys={"google": google, "cloudfront": cloudfront_private, "akamai": akamai},
        cdn_verification_keys={
            "google": google,
            "cloudfront": cloudfront_public,
            "akamai": akamai,
        },
    )


def _rsa() -> tuple[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()
