from __future__ import annotations

import time

import httpx
import pytest

from shared.accounts import tokens as access_tokens
from tests.emulator.accounts.conftest import (
    CONFIDENTIAL,
    PUBLIC,
    SECRET,
    GetCode,
    Person,
    ask,
    code_form,
    fault_of,
    tokens,
)

AUTH = (CONFIDENTIAL, SECRET)
OWN = {"grant_type": "client_credentials"}


async def introspect(
    browser: httpx.AsyncClient, token: str, auth: tuple[str, str] | None = AUTH, **more: str
) -> httpx.Response:
    return await browser.post("/accounts/api/introspect", data={"token": token, **more}, auth=auth)


async def issued_to_the_confidential(
    browser: httpx.AsyncClient, get_code: GetCode
) -> dict[str, str]:
    code = await get_code(CONFIDENTIAL, device_id="desk-1")
    return await tokens(browser, code_form(code, None), AUTH)


async def test_an_app_learns_what_its_own_tokens_stand_for(
    browser: httpx.AsyncClient, person: Person, get_code: GetCode
) -> None:
    issued = await issued_to_the_confidential(browser, get_code)
    access = (await introspect(browser, issued["access_token"])).json()
    assert access["active"] is True
    assert (access["sub"], access["client_id"]) == (person.user.id, CONFIDENTIAL)
    assert access["username"] == person.user.username
    assert access["scope"] == "streaming user-read-email"
    assert (access["token_type"], access["device_id"]) == ("Bearer", "desk-1")
    assert access["exp"] > time.time()
    refresh = (await introspect(browser, issued["refresh_token"])).json()
    assert (refresh["active"], refresh["sub"]) == (True, person.user.id)
    own = await tokens(browser, OWN, AUTH)
    answer = (await introspect(browser, own["access_token"])).json()
    assert (answer["active"], answer["sub"]) == (True, CONFIDENTIAL)
    assert "username" not in answer


async def test_anything_else_is_not_active_and_nothing_more(
    browser: httpx.AsyncClient, get_code: GetCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = await tokens(browser, code_form(await get_code(PUBLIC)))
    first = await issued_to_the_confidential(browser, get_code)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = await tokens(browser, form, AUTH)
    monkeypatch.setattr(access_tokens, "ACCESS_TOKEN_LIFE_S", -1)
    expired = await tokens(browser, OWN, AUTH)
    for token in (
        "text",
        "a.b.c",
        foreign["access_token"],
        foreign["refresh_token"],
        first["refresh_token"],  # replaced
        expired["access_token"],
    ):
        assert (await introspect(browser, token)).json() == {"active": False}
    assert (await introspect(browser, second["refresh_token"])).json()["active"] is True


@pytest.mark.parametrize("endpoint", ["api/revoke", "logout"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_revoking_either_token_ends_the_family(
    browser: httpx.AsyncClient, get_code: GetCode, endpoint: str, kind: str
) -> None:
    issued = await issued_to_the_confidential(browser, get_code)
    form = {"token": issued[kind], "token_type_hint": kind}
    response = await browser.post(f"/accounts/{endpoint}", data=form, auth=AUTH)
    assert response.status_code == 200
    for token in (issued["access_token"], issued["refresh_token"]):
        assert (await introspect(browser, token)).json() == {"active": False}
    refresh = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    assert fault_of(await ask(browser, refresh, AUTH)) == "invalid_grant"


async def test_nobody_revokes_anothers_token(browser: httpx.AsyncClient, get_code: GetCode) -> None:
    issued = await issued_to_the_confidential(browser, get_code)
    for kind in ("access_token", "refresh_token"):
        form = {"token": issued[kind], "client_id": PUBLIC}
        assert (await browser.post("/accounts/api/revoke", data=form)).status_code == 200
    assert (await introspect(browser, issued["refresh_token"])).json()["active"] is True


async def test_only_apps_that_authenticate_may_ask(
    browser: httpx.AsyncClient, person: Person
) -> None:
    public = await introspect(browser, "x", None, client_id=PUBLIC)
    assert fault_of(public, 401) == "invalid_client"
    wrong = await introspect(browser, "x", (CONFIDENTIAL, "wrong"))
    assert fault_of(wrong, 401) == "invalid_client"
    form = {"token": "x", "client_id": CONFIDENTIAL}
    revoked = await browser.post("/accounts/api/revoke", data=form)
    assert fault_of(revoked, 401) == "invalid_client"
    for path in ("introspect", "revoke"):
        missing = await browser.post(f"/accounts/api/{path}", data={"x": "y"}, auth=AUTH)
        assert fault_of(missing) == "invalid_request"
