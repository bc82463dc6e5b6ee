from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.accounts import pages
from shared.accounts.countries import NAMES, offered
from shared.accounts.errors import UntrustedRequest
from shared.accounts.pages import onward, signup
from shared.accounts.scopes import (
    APP_SCOPES,
    OPERATOR_SCOPES,
    SCOPES,
    parse_scopes,
    refused,
    refused_alone,
)
from shared.accounts.sessions import Browser
from shared.platform import secrets
from shared.platform.auth import OPERATOR
from shared.platform.errors import InvalidInput
from shared.platform.settings import settings
from tests import local_settings

NEW = Browser(None, None, "here")
GOOD = {
    "username": "ada",
    "email": "ada@segue.example",
    "password": "correct horse",
    "country": "DE",
}


@pytest.fixture(autouse=True)
def signing_key(settings_env: pytest.MonkeyPatch) -> None:
    """The secret, as a process holds it after its first read."""
    version = settings().secret_version("token-signing-key")
    secrets._payloads[version] = local_settings.signing_key_json()


async def sign_in_page(name: str = "An App", username: str = "", says: str = "") -> pages.Page:
    return await pages.with_form(
        "sign_in.html",
        NEW,
        "client_id=app",
        fault=InvalidInput(says) if says else None,
        target="https://app.example",
        client_name=name,
        asks_for=[SCOPES["streaming"], SCOPES["user-read-email"]],
        action="?client_id=app",
        cancel="https://app.example/cb?error=access_denied",
        username=username,
        sign_up="/accounts/signup",
    )


async def test_the_page_says_who_asks_for_what() -> None:
    html = (await sign_in_page()).html
    assert "Sign in to An App" in html
    assert SCOPES["streaming"] in html
    assert SCOPES["user-read-email"] in html
    assert SCOPES["user-library-read"] not in html
    assert "error=access_denied" in html


async def test_nothing_that_others_write_becomes_markup() -> None:
    evil = '"><script>alert(1)</script>'
    assert "<script" not in (await sign_in_page(evil, evil, evil)).html
    assert "<script" not in pages.failure(UntrustedRequest(evil)).html


async def test_the_policy_allows_our_style_and_nothing_else() -> None:
    shown = await sign_in_page()
    policy = shown.headers["content-security-policy"]
    (nonce,) = set(re.findall(r'nonce="([^"]+)"', shown.html))
    assert f"style-src 'nonce-{nonce}'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example;" in policy
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["x-frame-options"] == "DENY"
    assert 'style="' not in shown.html
    assert not re.search(r'(?:src|href)="https?://(?!app\.example)', shown.html)
    assert nonce not in (await sign_in_page()).html


async def test_every_field_has_a_label_and_a_fault_is_announced() -> None:
    html = (await sign_in_page(username="ada", says="Wrong.")).html
    assert '<label for="username">' in html
    assert '<label for="password">' in html
    assert 'role="alert"' in html
    assert 'value="ada"' in html
    assert '<html lang="en">' in html


@pytest.mark.parametrize(
    "page",
    [
        "/accounts/apps",
        "/accounts/device",
        "/accounts/device?user_code=WDJB-MJHT",
        "/accounts/authorize?client_id=a&redirect_uri=https%3A%2F%2Fa.example%2F",
    ],
)
def test_a_person_goes_on_to_a_page_of_ours(page: str) -> None:
    assert onward.checked(page) == page
    link = onward.link("login", page)
    assert onward.of(link.partition("?")[2]) == page


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/accounts/apps",
        "/\\evil.example",
        "/accounts/apps\\@evil.example",
        "/accounts/apps/../../evil",
        "/accounts/appsevil",
        "/accounts/apps?a\r\nset-cookie: x=y",
        "javascript:alert(1)",
        "",
        None,
        "/accounts/authorize?" + "a" * 10_000,
    ],
)
def test_and_never_elsewhere(elsewhere: str | None) -> None:
    assert onward.checked(elsewhere) == onward.HOME


@given(st.text())
def test_whatever_next_says_the_answer_stays_here(text: str) -> None:
    to = onward.of(f"next={quote(text, safe='')}")
    assert to == onward.HOME or unquote(to).startswith("/accounts/")
    assert "\n" not in to
    assert "\\" not in to


def test_a_good_sign_up_has_no_faults() -> None:
    assert signup.faults_of(GOOD) == {}
    assert signup.faults_of({**GOOD, "username": " ADA ", "display_name": "Ada L."}) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""),
        ("username", "ab"),
        ("username", "a" * 31),
        ("username", "ada lovelace"),
        ("username", "ädä"),
        ("username", "..."),
        ("username", "__ada__"),
        ("username", "../users"),
        ("email", "ada"),
        ("email", "ada@segue"),
        ("email", "a@b@c.example"),
        ("email", "ada@segue.example\n"),
        ("email", "a" * 250 + "@segue.example"),
        ("password", "short"),
        ("password", "x" * 2000),
        ("password", "ada@segue.example"),
        ("country", ""),
        ("country", "de"),
        ("country", "QQ"),
        ("display_name", "x" * 61),
        ("display_name", "a\x00b"),
    ],
)
def test_a_fault_is_told_at_its_field(field: str, value: str) -> None:
    faults = signup.faults_of({**GOOD, field: value})
    if (field, value[-1:]) == ("email", "\n"):  # white space around it is forgiven
        assert faults == {}
    else:
        assert set(faults) == {field}


def test_every_market_has_a_name_to_choose() -> None:
    assert len(offered()) == len(NAMES)
    assert all(name.strip() for _, name in offered())


def test_every_scope_is_explained() -> None:
    assert all(SCOPES.values())
    assert set(SCOPES) >= APP_SCOPES


def test_an_operators_scope_is_for_an_app_alone_that_was_given_it() -> None:
    assert not set(SCOPES) & set(OPERATOR_SCOPES)
    assert refused((OPERATOR,), (OPERATOR,)) == (OPERATOR,)
    assert refused_alone((OPERATOR,), (OPERATOR,)) == ()
    assert refused_alone((OPERATOR, "streaming"), ("streaming",)) == (OPERATOR, "streaming")


def test_scopes_outside_the_allowed_are_named() -> None:
    assert parse_scopes(" streaming  x streaming ") == ("streaming", "x")
    assert refused(("streaming", "x", "user-read-email"), ("streaming", "x")) == (
        "x",
        "user-read-email",
    )
