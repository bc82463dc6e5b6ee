from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.accounts import requests
from shared.accounts.errors import InvalidClient, OAuthError

FORM = "application/x-www-form-urlencoded; charset=UTF-8"


def basic(client_id: str, secret: str) -> str:
    text = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_form_is_read() -> None:
    assert requests.parse_form(FORM, b"a=1&b=x%20y&empty=") == {"a": "1", "b": "x y"}


@pytest.mark.parametrize(
    ("content_type", "body", "says"),
    [
        ("application/json", b"{}", "must be application/x-www-form-urlencoded"),
        ("", b"a=1", "must be application/x-www-form-urlencoded"),
        (FORM, b"a=1&b=2&a=3", "Repeated: a"),
        (FORM, b"a=\xff", "not a well-formed form"),
        (FORM, b"a=%ff", "not a well-formed form"),
        (FORM, b"&".join(b"f%d=1" % n for n in range(60)), "not a well-formed form"),
        (FORM, b"a=" + b"x" * 20_000, "larger than"),
    ],
)
def test_a_bad_form_says_what_is_wrong(content_type: str, body: bytes, says: str) -> None:
    with pytest.raises(OAuthError, match=says) as caught:
        requests.parse_form(content_type, body)
    assert caught.value.code == "invalid_request"


def test_every_missing_field_is_named() -> None:
    with pytest.raises(OAuthError, match="Missing: code, code_verifier"):
        requests.required({"redirect_uri": "x"}, "code", "redirect_uri", "code_verifier")


@given(
    st.text(st.characters(codec="utf-8"), min_size=1),
    st.text(st.characters(codec="utf-8"), min_size=1),
)
def test_basic_credentials_of_any_text_arrive(client_id: str, secret: str) -> None:
    claimant = requests.claimant(basic(client_id, secret), {})
    assert (claimant.client_id, claimant.secret, claimant.basic) == (client_id, secret, True)


def test_credentials_in_the_form_are_accepted() -> None:
    claimant = requests.claimant(None, {"client_id": "app", "client_secret": "s"})
    assert (claimant.client_id, claimant.secret, claimant.basic) == ("app", "s", False)


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"x").decode()]
)
def test_malformed_basic_credentials_are_a_failed_authentication(header: str) -> None:
    with pytest.raises(InvalidClient) as caught:
        requests.claimant(header, {})
    assert caught.value.basic


def test_two_ways_at_once_are_refused() -> None:
    with pytest.raises(OAuthError, match="not by both"):
        requests.claimant(basic("app", "s"), {"client_secret": "s"})
    with pytest.raises(OAuthError, match="differs"):
        requests.claimant(basic("app", "s"), {"client_id": "other"})


def test_the_callers_address_is_the_one_that_the_load_balancer_saw() -> None:
    assert requests.caller_address("6.6.6.6, 203.0.113.9, 35.191.0.1", "10.0.0.1") == "203.0.113.9"
    assert requests.caller_address("203.0.113.9", "10.0.0.1") == "203.0.113.9"
    assert requests.caller_address(None, "10.0.0.1") == "10.0.0.1"
    assert requests.caller_address(" , ", None) == "unknown"
