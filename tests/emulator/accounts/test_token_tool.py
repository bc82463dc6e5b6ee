from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulators import token
from emulators.processes import free_port
from shared.platform.auth import verify_access_token
from shared.platform.ids import random_id
from tests import local_settings
from tests.emulator.conftest import answers_http, process

ROOT = Path(__file__).parents[3]
PASSWORD = "correct horse battery"


def seed(content: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "jobs/seed_accounts/main.py", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command,
        input=content,
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def accounts_url(
    firestore: str, secrets: str, settings_env: pytest.MonkeyPatch, logs: Path
) -> Iterator[str]:
    """The function as it is deployed, in a process of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/accounts"
    before = os.environ["SEGUE_ACCOUNTS_URL"]
    settings_env.setenv("SEGUE_ACCOUNTS_URL", url)
    settings_env.setenv("PYTHONPATH", str(ROOT))
    local_settings.forget_settings()
    command: list[str | Path] = [Path(sys.executable).parent / "functions-framework", "--asgi"]
    command += ["--source", "functions/accounts/main.py", "--target", "accounts"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with process(command, lambda: answers_http(port), logs / "accounts.log"):
        yield url
    settings_env.setenv("SEGUE_ACCOUNTS_URL", before)
    local_settings.forget_settings()


def test_a_seeded_person_gets_real_tokens_by_http_alone(accounts_url: str) -> None:
    name, callback = f"ada-{random_id()}", "http://127.0.0.1:8080/callback"
    person = {
        "username": name,
        "password": PASSWORD,
        "email": "ada@segue.example",
        "country": "DE",
        "tier": "premium",
        "display_name": "Ada",
        "user_id": f"smedjan.{name}",
    }
    app = {
        "client_id": token.CLIENT_ID,
        "name": "Segue",
        "redirect_uris": [callback],
        "scopes": ["streaming"],
        "first_party": True,
    }
    theirs = {**app, "client_id": "their-app", "first_party": False}
    wanted = json.dumps({"users": [person], "clients": [app, theirs]})
    for given, arguments in ((wanted, ()), ("", ("--json", wanted))):
        done = seed(given, *arguments)
        assert done.returncode == 0, done.stderr
    minted = token.mint(accounts_url, name, PASSWORD, token.CLIENT_ID, callback, "streaming")
    assert minted["refresh_token"]
    principal = verify_access_token(minted["access_token"])
    assert (principal.user_id, principal.tier) == (f"smedjan.{name}", "premium")
    for _ in range(2):  # asks for consent once
        allowed = token.mint(accounts_url, name, PASSWORD, "their-app", callback, "streaming")
        assert verify_access_token(allowed["access_token"]).client_id == "their-app"
    with pytest.raises(token.SignInError, match="400: The username or the password is wrong"):
        token.mint(accounts_url, name, "wrong", token.CLIENT_ID, callback, "streaming")
    with pytest.raises(token.SignInError, match="invalid_scope"):
        token.mint(accounts_url, name, PASSWORD, token.CLIENT_ID, callback, "fly")
    with pytest.raises(token.SignInError, match="redirect_uri is not registered"):
        token.mint(accounts_url, name, PASSWORD, token.CLIENT_ID, callback + "x", "")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "JSON"),
        ('{"users": [{"username": "x"}]}', "password"),
        ('{"people": []}', "people"),
        ('{"clients": [{"client_id": "x", "name": "X", "secret": "short"}]}', "32 characters"),
    ],
)
def test_a_faulty_seed_is_told_without_a_traceback(
    firestore: str, content: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "seed.json"
    path.write_text(content)
    for arguments in (("--file", str(path)), ("--json", content)):
        done = seed("", *arguments)
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr
