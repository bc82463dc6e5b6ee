from __future__ import annotations

import httpx
import pytest

from shared.accounts import sessions
from tests.emulator.accounts.conftest import (
    CALLBACK,
    PASSWORD,
    PUBLIC,
    THIRD_PARTY,
    Person,
    authorize_url,
    code_form,
    form_token_of,
    query_of,
    send_form,
    sign_in,
    submit,
    tokens,
)

URL = authorize_url(THIRD_PARTY)


async def test_an_app_that_is_not_ours_gets_a_code_once_its_person_allows_it(
    browser: httpx.AsyncClient, person: Person
) -> None:
    signed_in = await submit(browser, URL, person.user.username, PASSWORD)
    assert signed_in.status_code == 303
    asked = await browser.get(signed_in.headers["location"])
    assert "Allow Their App?" in asked.text
    assert person.user.display_name in asked.text
    token = form_token_of(asked)
    fields = {"form_token": token, "decision": "allow"}
    allowed = await browser.post(signed_in.headers["location"], data=fields)
    assert allowed.status_code == 303
    issued = await tokens(browser, code_form(query_of(allowed)["code"], THIRD_PARTY))
    assert issued["scope"] == "streaming user-read-email"


async def test_a_person_who_does_not_allow_it_is_told_to_the_app(
    browser: httpx.AsyncClient, person: Person
) -> None:
    await sign_in(browser, person)
    query = query_of(await send_form(browser, URL, decision="deny"))
    assert query["error"] == "access_denied"
    assert query["state"] == "the-state"
    assert query["iss"].endswith("/accounts")
    assert "code" not in query
    assert "Allow Their App?" in (await browser.get(URL)).text  # and is not remembered as allowed


async def test_consent_is_remembered_for_these_scopes_and_fewer(
    browser: httpx.AsyncClient, person: Person
) -> None:
    await sign_in(browser, person)
    query_of(await send_form(browser, URL, decision="allow"))
    again = await browser.get(URL)
    assert again.status_code == 302
    assert "code" in query_of(again)
    assert "code" in query_of(await browser.get(authorize_url(THIRD_PARTY, scope="streaming")))
    more = await browser.get(authorize_url(THIRD_PARTY, scope="streaming ugc-track-upload"))
    assert "Allow Their App?" in more.text
    assert more.status_code == 200


@pytest.mark.parametrize("changes", [{"show_dialog": "true"}, {"show_dialog": "True"}])
async def test_an_app_can_have_the_person_asked_again(
    browser: httpx.AsyncClient, person: Person, changes: dict[str, str]
) -> None:
    await sign_in(browser, person)
    query_of(await send_form(browser, URL, decision="allow"))
    url = authorize_url(THIRD_PARTY, **changes)
    assert "Allow Their App?" in (await browser.get(url)).text
    assert "code" in query_of(await send_form(browser, url, decision="allow"))


async def test_an_app_of_ours_asks_for_nothing_and_not_twice_for_the_password(
    browser: httpx.AsyncClient, person: Person
) -> None:
    assert "code" in query_of(
        await submit(browser, authorize_url(), person.user.username, PASSWORD)
    )
    assert "code" in query_of(await browser.get(authorize_url(PUBLIC)))


async def test_a_silent_request_tells_what_it_lacks(
    browser: httpx.AsyncClient, person: Person
) -> None:
    url = authorize_url(THIRD_PARTY, prompt="none")
    assert query_of(await browser.get(url))["error"] == "login_required"
    await sign_in(browser, person)
    assert query_of(await browser.get(url))["error"] == "consent_required"
    query_of(await send_form(browser, URL, decision="allow"))
    assert "code" in query_of(await browser.get(url))


async def test_an_app_can_have_the_person_sign_in_again(
    browser: httpx.AsyncClient, person: Person
) -> None:
    await sign_in(browser, person)
    query_of(await send_form(browser, URL, decision="allow"))
    url = authorize_url(THIRD_PARTY, prompt="login")
    signed_in = await submit(browser, url, person.user.username, PASSWORD)
    assert "code" in query_of(await browser.get(signed_in.headers["location"]))


async def test_a_forged_consent_is_asked_for_once_more(
    browser: httpx.AsyncClient, person: Person
) -> None:
    await sign_in(browser, person)
    other = form_token_of(await browser.get(authorize_url(THIRD_PARTY, scope="")))
    for token in ("", "1.abc", other):
        fields = {"form_token": token, "decision": "allow"}
        response = await browser.post(URL, data=fields)
        assert response.status_code == 400
        assert "location" not in response.headers
    browser.cookies.clear()
    fields = {"form_token": other, "decision": "allow"}
    assert "Sign in to Their App" in (await browser.post(URL, data=fields)).text


async def test_signing_out_ends_the_session_in_the_store(
    browser: httpx.AsyncClient, person: Person
) -> None:
    await sign_in(browser, person)
    assert "Your apps" in (await browser.get("/accounts/apps")).text
    stolen = dict(browser.cookies)
    forged = await browser.post("/accounts/logout", data={"form_token": "1.x"})
    assert forged.status_code == 400
    out = await send_form(browser, "/accounts/logout")
    assert out.status_code == 303
    assert "Max-Age=0" in out.headers["set-cookie"]
    browser.cookies.update(stolen)
    response = await browser.get("/accounts/apps")
    assert response.headers["location"].startswith("/accounts/login?next=")


async def test_a_session_ends_by_itself(
    browser: httpx.AsyncClient, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SESSION_LIFE", -sessions.SESSION_LIFE)
    user = await sessions.start(sessions.Browser(None, None, ""), person.user)
    browser.cookies.set("segue-session", user.partition("=")[2].partition(";")[0])
    assert (await browser.get("/accounts/apps")).status_code == 302


async def test_a_planted_session_is_replaced_at_sign_in(
    browser: httpx.AsyncClient, person: Person
) -> None:
    await sign_in(browser, person)
    first = browser.cookies["segue-session"]
    await sign_in(browser, person)
    assert browser.cookies["segue-session"] != first
    stale = sessions.Browser(None, first, "")
    assert await sessions.person(stale) is None


async def test_the_session_cookie_is_out_of_reach_of_scripts(
    browser: httpx.AsyncClient, person: Person
) -> None:
    fields = {"username": person.user.username, "password": PASSWORD}
    response = await send_form(browser, "/accounts/login?next=/accounts/device", **fields)
    assert response.headers["location"] == "/accounts/device"
    header = response.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(header.split("; "))
    assert CALLBACK not in header
