from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.accounts import redirects


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example/callback?from=segue",
        "http://127.0.0.1:8080/callback",
        "http://[::1]/callback",
        "http://localhost:3000/callback",
        "com.example.app:/callback",
    ],
)
def test_an_apps_own_address_may_be_registered(uri: str) -> None:
    assert redirects.fault_of(uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/callback",
        "http://app.example/callback",
        "https:///callback",
        "https://app.example/#fragment",
        "https://app.example/#",
        "https://user:password@app.example/",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "https://app.example/a b",
        "https://app.example\\@evil.example/",
        "https://app.example:port/",
        "https://app.example/\r\nset-cookie:x",
    ],
)
def test_a_dangerous_address_may_not(uri: str) -> None:
    assert redirects.fault_of(uri)


def test_only_the_same_string_matches() -> None:
    registered = "https://app.example/callback"
    assert redirects.matches(registered, registered)
    for other in (
        "https://app.example/callback/",
        "https://app.example/Callback",
        "https://APP.example/callback",
        "https://app.example/callback?x=1",
        "https://app.example:443/callback",
        "https://app.example.evil.example/callback",
        "https://app.example/callback#x",
    ):
        assert not redirects.matches(registered, other)


def test_a_loopback_port_is_the_apps_choice() -> None:
    for host in ("127.0.0.1", "[::1]"):
        registered = f"http://{host}/callback"
        assert redirects.matches(registered, f"http://{host}:51234/callback")
        assert not redirects.matches(registered, f"http://{host}:51234/other")
        assert not redirects.matches(registered, f"https://{host}:51234/callback")
        assert not redirects.matches(registered, f"http://u@{host}:51234/callback")
    assert not redirects.matches("http://localhost/callback", "http://localhost:5/callback")
    assert not redirects.matches("http://127.0.0.1/callback", "http://127.0.0.1:99999/callback")
    assert not redirects.matches("https://app.example/c", "https://app.example:8443/c")


@given(st.text(max_size=40), st.text(max_size=40))
def test_parameters_arrive_as_they_were(state: str, code: str) -> None:
    for uri in ("https://app.example/callback", "https://app.example/callback?kept=yes"):
        encodable = (
            state.encode("utf-8", "replace").decode(),
            code.encode("utf-8", "replace").decode(),
        )
        built = redirects.with_parameters(uri, state=encodable[0], code=encodable[1], error=None)
        query = parse_qs(urlsplit(built).query, keep_blank_values=True)
        assert query.get("kept", ["yes"]) == ["yes"]
        assert (query["state"], query["code"]) == ([encodable[0]], [encodable[1]])
        assert built.isascii()
        assert "error" not in query


def test_the_form_policy_lets_the_redirect_pass() -> None:
    assert redirects.form_target("https://app.example/cb") == "https://app.example"
    assert redirects.form_target("http://127.0.0.1:51234/cb") == "http://127.0.0.1:51234"
    assert redirects.form_target("http://[::1]:51234/cb") == "http:"
    assert redirects.form_target("com.example.app:/cb") == "com.example.app:"
