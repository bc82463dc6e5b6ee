from __future__ import annotations

import re

import pytest

from shared.accounts import pages
from shared.accounts.authorization import AuthorizationRequest
from shared.accounts.models import Client
from shared.accounts.scopes import APP_SCOPES, SCOPES, parse_scopes, refused
from shared.platform import secrets
from shared.platform.settings import settings
from tests import local_settings


@pytest.fixture(autouse=True)
def signing_key(settings_env: pytest.MonkeyPatch) -> None:
    """The secret, as a process holds it after its first read."""
    version = settings().secret_version("token-signing-key")
    secrets._payloads[version] = local_settings.signing_key_json()


def request(name: str = "An App", query: str = "client_id=app") -> AuthorizationRequest:
    return AuthorizationRequest(
        client=Client(id="app", name=name, redirect_uris=("https://app.example/cb",), scopes=()),
        redirect_uri="https://app.example/cb",
        scopes=("streaming", "user-read-email"),
        state="s",
        code_challenge="x",
        login_hint="",
        query=query,
    )


async def test_the_page_says_who_asks_for_what() -> None:
    html, _ = await pages.sign_in(request(), None, "", None)
    assert "Sign in to An App" in html
    assert SCOPES["streaming"] in html
    assert SCOPES["user-read-email"] in html
    assert SCOPES["user-library-read"] not in html
    assert "error=access_denied" in html


async def test_nothing_that_others_write_becomes_markup() -> None:
    evil = '"><script>alert(1)</script>'
    html, _ = await pages.sign_in(request(evil, f"state={evil}"), None, evil, evil)
    assert "<script" not in html
    failure, _ = pages.failure(evil)
    assert "<script" not in failure


async def test_the_policy_allows_our_style_and_nothing_else() -> None:
    html, headers = await pages.sign_in(request(), None, "", None)
    policy = headers["content-security-policy"]
    (nonce,) = set(re.findall(r'nonce="([^"]+)"', html))
    assert f"style-src 'nonce-{nonce}'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example" in policy
    assert headers["cache-control"] == "no-store"
    assert 'style="' not in html
    assert not re.search(r'(?:src|href)="https?://(?!app\.example)', html)
    other, _ = await pages.sign_in(request(), None, "", None)
    assert nonce not in other


async def test_every_field_has_a_label_and_a_fault_is_announced() -> None:
    html, _ = await pages.sign_in(request(), "cookie", "ada", "Wrong.")
    assert '<label for="username">' in html
    assert '<label for="password">' in html
    assert 'role="alert"' in html
    assert 'value="ada"' in html
    assert '<html lang="en">' in html


def test_every_scope_is_explained() -> None:
    assert all(SCOPES.values())
    assert set(SCOPES) >= APP_SCOPES


def test_scopes_outside_the_allowed_are_named() -> None:
    assert parse_scopes(" streaming  x streaming ") == ("streaming", "x")
    assert refused(("streaming", "x", "user-read-email"), ("streaming", "x")) == (
        "x",
        "user-read-email",
    )
