from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.accounts import forms
from shared.accounts.errors import StaleForm

KEY = b"k" * 32
NOW_S = 1_800_000_000.0
QUERY = "client_id=app&state=1"
TOKEN = forms.form_token(KEY, "cookie", QUERY, NOW_S)


def test_our_own_form_is_recognised_for_half_an_hour() -> None:
    forms.check(TOKEN, KEY, "cookie", QUERY, NOW_S)
    forms.check(TOKEN, KEY, "cookie", QUERY, NOW_S + 1800)
    with pytest.raises(StaleForm):
        forms.check(TOKEN, KEY, "cookie", QUERY, NOW_S + 1801)


@pytest.mark.parametrize(
    ("key", "cookie", "query"),
    [
        (b"x" * 32, "cookie", QUERY),
        (KEY, "another", QUERY),
        (KEY, None, QUERY),
        (KEY, "", QUERY),
        (KEY, "cookie", QUERY + "&scope=streaming"),
    ],
)
def test_a_form_for_another_browser_or_request_is_refused(
    key: bytes, cookie: str | None, query: str
) -> None:
    with pytest.raises(StaleForm):
        forms.check(TOKEN, key, cookie, query, NOW_S)


@given(st.text())
def test_an_invented_token_is_refused(token: str) -> None:
    with pytest.raises(StaleForm):
        forms.check(token, KEY, "cookie", QUERY, NOW_S)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="utf-8"))
def test_an_altered_token_is_refused(position: int, character: str) -> None:
    altered = TOKEN[:position] + character + TOKEN[position + 1 :]
    if altered != TOKEN:
        with pytest.raises(StaleForm):
            forms.check(altered, KEY, "cookie", QUERY, NOW_S)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_hosts() -> None:
    header = forms.set_cookie("https://segue.example/accounts", "v")
    assert header.startswith("__Host-segue-sign-in=v; Path=/; ")
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(header.split("; "))
    assert "Secure" not in forms.set_cookie("http://127.0.0.1:8080/accounts", "v")


def test_a_cookie_that_is_not_ours_is_replaced_and_never_repeated() -> None:
    ours = forms.cookie_for(None)
    assert forms.cookie_for(ours) == ours
    for foreign in ("", "short", ours + "x", ours[:-1] + ";", ours[:-2] + "\r\n", "é" * 32):
        assert forms.cookie_for(foreign) not in (foreign, ours)
