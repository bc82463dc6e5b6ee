from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests import local_settings


class Google:
    """Google's side of a push: it signs tokens, and publishes the keys of those it signed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.fetches = 0
        self.rotate("google-1")

    def rotate(self, kid: str) -> None:
        """Signs with a fresh key from now on; the one before is no longer published."""
        self.key = RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256", "use": "sig"})

    def header(self, **changes: Any) -> str:
        """The Authorization header of a push; other claims by name."""
        variables = local_settings.variables()
        claims = {
            "iss": variables["SEGUE_OIDC_ISSUER"],
            "aud": variables["SEGUE_SERVICE_AUDIENCE"],
            "email": variables["SEGUE_SERVICE_ACCOUNT"],
            "email_verified": True,
            "exp": int(time.time()) + 3600,
            **changes,
        }
        token = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        return f"Bearer {token}"


@pytest.fixture(scope="session")
def google(settings_env: pytest.MonkeyPatch) -> Iterator[Google]:
    held: list[Google] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held[0].fetches += 1
            body = json.dumps({"keys": [held[0].key.as_dict(private=False)]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    held.append(Google(f"http://127.0.0.1:{server.server_port}/certs"))
    settings_env.setenv("SEGUE_OIDC_CERTS_URL", held[0].url)
    local_settings.forget_settings()
    yield held[0]
    server.shutdown()
    server.server_close()
