from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from shared.accounts import developer_apps, service
from shared.platform.errors import Conflict
from shared.platform.ids import random_id
from tests.emulator.accounts.conftest import (
    CALLBACK,
    CONFIDENTIAL,
    PASSWORD,
    SECRET,
    THIRD_PARTY,
    GetCode,
    Person,
    ask,
    authorize_url,
    code_form,
    fault_of,
    form_token_of,
    query_of,
    send_form,
    sign_in,
    tokens,
)

PAGE = "/accounts/apps"
OWN_TOKEN = {"grant_type": "client_credentials"}


def told(page: httpx.Response, name: str) -> str:
    found = re.search(rf'<code id="{name}">([^<]+)</code>', page.text)
    assert found, page.text
    return found[1]


async def register(browser: httpx.AsyncClient, **changes: str) -> httpx.Response:
    fields = {"action": "register", "name": "My App", "redirect_uris": CALLBACK, **changes}
    return await send_form(browser, PAGE, **fields)


async def test_a_developers_app_works_with_what_the_page_told(
    browser: httpx.AsyncClient, person: Person
) -> None:
    assert (await browser.get(PAGE)).status_code == 302
    await sign_in(browser, person)
    assert "You have no apps yet" in (await browser.get(PAGE)).text
    made = await register(browser, redirect_uris=f"{CALLBACK}\r\nhttp://127.0.0.1/cb")
    client_id, secret = told(made, "client_id"), told(made, "client_secret")
    assert made.headers["cache-control"] == "no-store"
    listed = (await browser.get(PAGE)).text
    assert client_id in listed
    assert secret not in listed  # it is shown once
    assert await tokens(browser, OWN_TOKEN, (client_id, secret))
    query = query_of(await send_form(browser, authorize_url(client_id), decision="allow"))
    await tokens(browser, code_form(query["code"], None), (client_id, secret))
    native = authorize_url(client_id, redirect_uri="http://127.0.0.1:49152/cb")
    assert "code" in query_of(await browser.get(native))


async def test_a_new_secret_replaces_the_old_one(
    browser: httpx.AsyncClient, person: Person
) -> None:
    await sign_in(browser, person)
    made = await register(browser)
    client_id, old = told(made, "client_id"), told(made, "client_secret")
    changed = await send_form(browser, PAGE, action="rotate", client_id=client_id)
    new = told(changed, "client_secret")
    assert new != old
    assert await tokens(browser, OWN_TOKEN, (client_id, new))
    assert fault_of(await ask(browser, OWN_TOKEN, (client_id, old)), 401) == "invalid_client"


async def test_a_deleted_app_and_what_it_was_granted_are_gone(
    browser: httpx.AsyncClient, person: Person
) -> None:
    await sign_in(browser, person)
    made = await register(browser, kind="public")
    client_id = told(made, "client_id")
    assert "client_secret" not in made.text
    query = query_of(await send_form(browser, authorize_url(client_id), decision="allow"))
    issued = await tokens(browser, code_form(query["code"], client_id))
    gone = await send_form(browser, PAGE, action="delete", client_id=client_id)
    assert gone.headers["location"] == PAGE
    assert client_id not in (await browser.get(PAGE)).text
    form = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    refused = await ask(browser, {**form, "client_id": client_id})
    assert fault_of(refused, 401) == "invalid_client"
    assert (await browser.get(authorize_url(client_id))).status_code == 400


@pytest.mark.parametrize("action", ["rotate", "delete"])
async def test_anothers_app_is_out_of_reach(
    browser: httpx.AsyncClient, person: Person, action: str
) -> None:
    stranger = await service.create_user(random_id(), PASSWORD, "e@b.example", "DE", "free", "Eve")
    theirs, secret = await developer_apps.register_app(stranger.id, "Theirs", [CALLBACK])
    assert secret is not None
    await sign_in(browser, person)
    for client_id in (theirs.id, CONFIDENTIAL, "nobody", "../users/x"):
        response = await send_form(browser, PAGE, action=action, client_id=client_id)
        assert response.status_code == 404
        assert "You have no such app" in response.text
    assert await tokens(browser, OWN_TOKEN, (theirs.id, secret))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": " "}, "A name has"),
        ({"redirect_uris": " "}, "at least one redirect URI"),
        ({"redirect_uris": "http://app.example/"}, "plain http"),
        ({"redirect_uris": "https://app.example/#x"}, "fragment"),
        ({"redirect_uris": "javascript:alert(1)"}, "scheme"),
        ({"redirect_uris": f"{CALLBACK} " * 21}, "At most 20"),
        ({"action": "fly"}, "action must be"),
    ],
)
async def test_a_careless_form_says_what_is_wrong(
    browser: httpx.AsyncClient, person: Person, changes: dict[str, str], says: str
) -> None:
    await sign_in(browser, person)
    response = await register(browser, **changes)
    assert response.status_code == 400
    assert says in response.text


async def test_a_forged_form_registers_nothing(browser: httpx.AsyncClient, person: Person) -> None:
    await sign_in(browser, person)
    fields = {"form_token": "1.x", "action": "register", "name": "X", "redirect_uris": CALLBACK}
    assert (await browser.post(PAGE, data=fields)).status_code == 400
    assert await developer_apps.apps_of(person.user.id) == []


async def test_a_public_app_has_no_secret_to_replace(
    browser: httpx.AsyncClient, person: Person
) -> None:
    await sign_in(browser, person)
    client_id = told(await register(browser, kind="public"), "client_id")
    response = await send_form(browser, PAGE, action="rotate", client_id=client_id)
    assert response.status_code == 400
    assert "no secret" in response.text


async def test_a_person_has_so_many_apps_and_no_more(
    browser: httpx.AsyncClient, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(developer_apps, "MAX_APPS", 1)
    await developer_apps.register_app(person.user.id, "One", [CALLBACK])
    with pytest.raises(Conflict):
        await developer_apps.register_app(person.user.id, "Two", [CALLBACK])
    await sign_in(browser, person)
    assert (await register(browser)).status_code == 409


# --- dynamic registration (RFC 7591) ------------------------------------------------------------


async def dynamically(
    browser: httpx.AsyncClient, token: str | None, body: Any = None
) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    metadata = {"client_name": "Dyn", "redirect_uris": [CALLBACK]} if body is None else body
    return await browser.post("/accounts/api/register", json=metadata, headers=headers)


async def test_a_program_registers_an_app_in_its_persons_name(
    browser: httpx.AsyncClient, person: Person, get_code: GetCode
) -> None:
    token = (await tokens(browser, code_form(await get_code())))["access_token"]
    response = await dynamically(browser, token)
    assert response.status_code == 201, response.text
    assert response.headers["cache-control"] == "no-store"
    made = response.json()
    assert made["client_secret_expires_at"] == 0
    assert await tokens(browser, OWN_TOKEN, (made["client_id"], made["client_secret"]))
    assert [app.id for app in await developer_apps.apps_of(person.user.id)] == [made["client_id"]]
    public = {
        "client_name": "Public",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "none",
        "scope": "streaming",
        "logo_uri": "https://ignored.example/",
    }
    bare = (await dynamically(browser, token, public)).json()
    assert "client_secret" not in bare
    assert bare["scope"] == "streaming"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "invalid_redirect_uri"),
        ([], "invalid_client_metadata"),
        ({"client_name": "X", "redirect_uris": "text"}, "invalid_redirect_uri"),
        ({"client_name": "X", "redirect_uris": []}, "invalid_redirect_uri"),
        ({"client_name": "X", "redirect_uris": ["http://a.example/"]}, "invalid_redirect_uri"),
        ({"client_name": "", "redirect_uris": [CALLBACK]}, "invalid_client_metadata"),
        (
            {"client_name": "X", "redirect_uris": [CALLBACK], "grant_types": ["password"]},
            "invalid_client_metadata",
        ),
        (
            {"client_name": "X", "redirect_uris": [CALLBACK], "response_types": ["token"]},
            "invalid_client_metadata",
        ),
        (
            {"client_name": "X", "redirect_uris": [CALLBACK], "scope": "fly"},
            "invalid_client_metadata",
        ),
    ],
)
async def test_faulty_metadata_are_refused_by_the_standards_codes(
    browser: httpx.AsyncClient, person: Person, get_code: GetCode, body: Any, fault: str
) -> None:
    token = (await tokens(browser, code_form(await get_code())))["access_token"]
    assert fault_of(await dynamically(browser, token, body)) == fault


async def test_nobody_registers_without_a_person_or_through_anothers_app(
    browser: httpx.AsyncClient, person: Person
) -> None:
    assert (await dynamically(browser, None)).status_code == 401
    own = await tokens(browser, OWN_TOKEN, (CONFIDENTIAL, SECRET))
    assert (await dynamically(browser, own["access_token"])).status_code == 401
    await sign_in(browser, person)
    query = query_of(await send_form(browser, authorize_url(THIRD_PARTY), decision="allow"))
    theirs = await tokens(browser, code_form(query["code"], THIRD_PARTY))
    assert (await dynamically(browser, theirs["access_token"])).status_code == 403
    assert form_token_of(await browser.get(PAGE))
    assert await developer_apps.apps_of(person.user.id) == []
