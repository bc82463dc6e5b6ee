"""Calls of Google's REST APIs carry the token of the function's own service account."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.platform import clients
from shared.rollout.store import revisions
from tests import local_settings

Seen = list[tuple[str, str]]


@pytest.fixture
def google(settings_env: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Seen]:
    """Google's token endpoint and the Cloud Run Admin API: what each was sent, by path."""
    seen: Seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append((self.path, ""))
            self._answer({"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"})

        def do_GET(self) -> None:
            seen.append((self.path, self.headers.get("authorization", "")))
            self._answer({"etag": '"1"', "latestReadyRevision": "x/revisions/catalog-00001-seg"})

        def _answer(self, body: dict[str, object]) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = tmp_path / "account.json"
    account.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": local_settings.PROJECT,
                "client_email": "advance-rollouts@segue-local.iam.gserviceaccount.com",
                "private_key": key.decode(),
                "token_uri": f"{url}/token",
            }
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
        patch.setenv("SEGUE_RUN_ENDPOINT", url)
        patch.setenv("SEGUE_ANONYMOUS", "false")
        local_settings.forget_settings()
        yield seen
    local_settings.forget_settings()
    server.shutdown()
    server.server_close()


async def test_a_token_is_asked_for_once_and_sent_with_every_call(google: Seen) -> None:
    for _ in range(2):
        service = await revisions.service("us-central1", "catalog")
        assert service is not None
        assert service.shares == {"catalog-00001-seg": 100}
    await clients.run().aclose()
    path = "/v2/projects/segue-local/locations/us-central1/services/catalog"
    assert google == [("/token", ""), (path, "Bearer a-token"), (path, "Bearer a-token")]
