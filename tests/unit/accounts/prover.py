"""Makes DPoP proofs as a client does."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key

from shared.platform.ids import random_id


class Prover:
    """A client's key."""

    def __init__(self, key: Key | None = None) -> None:
        self.key = key or ECKey.generate_key("P-256")

    @property
    def thumbprint(self) -> str:
        return self.key.thumbprint()

    def claims(self, method: str, url: str, token: str | None = None, **changes: Any) -> Any:
        made: dict[str, Any] = {
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "jti": random_id(),
        }
        if token is not None:
            hashed = hashlib.sha256(token.encode()).digest()
            made["ath"] = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        return {name: value for name, value in {**made, **changes}.items() if value is not None}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        whole = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)}
        whole = {name: value for name, value in {**whole, **header}.items() if value is not None}
        text = json.dumps(claims).encode()
        registry = jws.JWSRegistry(algorithms=[str(whole["alg"])], strict_check_header=False)
        registry.max_header_length = 4096
        return jws.serialize_compact(whole, text, self.key, registry=registry)

    def prove(self, method: str, url: str, token: str | None = None, **changes: Any) -> str:
        """A proof for one request; `changes` replace claims."""
        return self.sign(self.claims(method, url, token, **changes))
