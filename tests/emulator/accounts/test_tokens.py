from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from shared import topology
from shared.accounts import passwords, service
from shared.accounts.oauth import grant, grants
from shared.platform import clients
from shared.platform.auth import OPERATOR, verify_access_token
from shared.platform.errors import InvalidInput, Unauthenticated
from tests.emulator.accounts.conftest import (
    CALLBACK,
    CONFIDENTIAL,
    PASSWORD,
    PUBLIC,
    SECRET,
    GetCode,
    Person,
    ask,
    authorize_url,
    code_form,
    fault_of,
    query_of,
    tokens,
)


def refresh_form(token: str, **changes: str) -> dict[str, str]:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": PUBLIC}
    return {**form, **changes}


async def test_a_code_becomes_a_token_that_every_function_accepts(
    browser: httpx.AsyncClient, person: Person, get_code: GetCode
) -> None:
    issued = await tokens(browser, code_form(await get_code()))
    assert issued["token_type"] == "Bearer"
    assert issued["expires_in"] == 3600
    assert issued["scope"] == "streaming user-read-email"
    principal = verify_access_token(issued["access_token"])
    assert principal.user_id == person.user.id
    assert principal.client_id == PUBLIC
    assert principal.scopes == {"streaming", "user-read-email"}
    assert (principal.tier, principal.country) == ("premium", "DE")


async def test_a_used_code_revokes_what_came_of_it(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    form = code_form(await get_code())
    issued = await tokens(browser, form)
    assert fault_of(await ask(browser, form)) == "invalid_grant"
    answer = await ask(browser, refresh_form(issued["refresh_token"]))
    assert fault_of(answer) == "invalid_grant"


async def test_of_many_at_once_one_uses_the_code(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    form = code_form(await get_code())
    answers = await asyncio.gather(*(ask(browser, form) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400, 400]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"code": "no-such-code"}, "invalid_grant"),
        ({"redirect_uri": f"{CALLBACK}2"}, "invalid_grant"),
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": "v" * 64 + "\n"}, "invalid_grant"),
        ({"code_verifier": "v" * 20}, "invalid_request"),
        ({"code_verifier": "é" * 64}, "invalid_request"),
    ],
)
async def test_a_wrong_detail_refuses_the_code_and_does_not_burn_it(
    browser: httpx.AsyncClient, get_code: GetCode, changes: dict[str, str], fault: str
) -> None:
    code = await get_code()
    assert fault_of(await ask(browser, code_form(code, **changes))) == fault
    await tokens(browser, code_form(code))


async def test_a_code_is_for_its_own_app(browser: httpx.AsyncClient, get_code: GetCode) -> None:
    code = await get_code()
    answer = await ask(browser, code_form(code, None), auth=(CONFIDENTIAL, SECRET))
    assert fault_of(answer) == "invalid_grant"


async def test_a_code_lives_for_a_minute(
    browser: httpx.AsyncClient, get_code: GetCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "CODE_LIFE", timedelta(seconds=-1))
    code = await get_code()
    assert fault_of(await ask(browser, code_form(code))) == "invalid_grant"


async def test_neither_code_nor_refresh_token_is_stored_as_it_is(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    code = await get_code()
    issued = await tokens(browser, code_form(code))
    for secret, collection in (
        (code, topology.AUTHORIZATION_CODES),
        (issued["refresh_token"], topology.REFRESH_TOKENS),
    ):
        reference = clients.collection(collection)
        assert not (await reference.document(secret).get()).exists
        found = await reference.document(passwords.digest(secret)).get()
        assert found.exists
        assert secret not in str(found.to_dict())
        assert found.to_dict()["expires_at"].tzinfo is not None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": None}, "invalid_request"),
        ({"code": None}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code_verifier": None}, "invalid_request"),
    ],
)
async def test_a_missing_field_is_named(
    browser: httpx.AsyncClient, person: Person, changes: dict[str, str | None], fault: str
) -> None:
    answer = await ask(browser, code_form("x" * 43, **changes))
    assert fault_of(answer) == fault
    if None in changes.values():
        assert next(iter(changes)) in answer.json()["error_description"]


async def test_json_is_no_form(browser: httpx.AsyncClient, person: Person) -> None:
    answer = await browser.post("/accounts/api/token", json={"grant_type": "refresh_token"})
    assert fault_of(answer) == "invalid_request"


async def test_a_refresh_token_is_replaced_at_each_use(
    browser: httpx.AsyncClient, person: Person, get_code: GetCode
) -> None:
    first = await tokens(browser, code_form(await get_code()))
    second = await tokens(browser, refresh_form(first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    assert verify_access_token(second["access_token"]).user_id == person.user.id
    third = await tokens(browser, refresh_form(second["refresh_token"]))
    assert third["scope"] == first["scope"]


async def test_a_stolen_refresh_token_ends_the_whole_family(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    first = await tokens(browser, code_form(await get_code()))
    other = await tokens(browser, code_form(await get_code()))
    second = await tokens(browser, refresh_form(first["refresh_token"]))
    stolen = await ask(browser, refresh_form(first["refresh_token"]))
    assert fault_of(stolen) == "invalid_grant"
    assert "family" in stolen.json()["error_description"]
    assert fault_of(await ask(browser, refresh_form(second["refresh_token"]))) == "invalid_grant"
    await tokens(browser, refresh_form(other["refresh_token"]))  # another sign-in is untouched


async def test_an_altered_refresh_token_harms_nobody(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    token = (await tokens(browser, code_form(await get_code())))["refresh_token"]
    assert fault_of(await ask(browser, refresh_form(token[:-1] + "~"))) == "invalid_grant"
    foreign = await ask(browser, refresh_form(token), auth=(CONFIDENTIAL, SECRET))
    assert fault_of(foreign) == "invalid_request"  # two clients in one request
    await tokens(browser, refresh_form(token))


async def test_of_many_refreshes_at_once_at_most_one_succeeds(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    token = (await tokens(browser, code_form(await get_code())))["refresh_token"]
    answers = await asyncio.gather(*(ask(browser, refresh_form(token)) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]


async def test_an_access_token_may_have_fewer_scopes_than_were_granted(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    token = (await tokens(browser, code_form(await get_code())))["refresh_token"]
    more = await ask(browser, refresh_form(token, scope="streaming user-read-private"))
    assert fault_of(more) == "invalid_scope"
    fewer = await tokens(browser, refresh_form(token, scope="streaming"))
    assert fewer["scope"] == "streaming"
    again = await tokens(browser, refresh_form(fewer["refresh_token"]))
    assert again["scope"] == "streaming user-read-email"


async def test_a_refresh_token_unused_for_long_expires(
    browser: httpx.AsyncClient, get_code: GetCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grant, "GRANT_LIFE", timedelta(seconds=-1))
    token = (await tokens(browser, code_form(await get_code())))["refresh_token"]
    assert fault_of(await ask(browser, refresh_form(token))) == "invalid_grant"


async def test_signing_out_ends_the_family(browser: httpx.AsyncClient, get_code: GetCode) -> None:
    token = (await tokens(browser, code_form(await get_code())))["refresh_token"]
    foreign = {"token": token}
    out = await browser.post("/accounts/logout", data=foreign, auth=(CONFIDENTIAL, SECRET))
    assert out.status_code == 200
    renewed = (await tokens(browser, refresh_form(token)))["refresh_token"]
    form = {"token": renewed, "client_id": PUBLIC}
    for _ in range(2):
        assert (await browser.post("/accounts/logout", data=form)).status_code == 200
    assert fault_of(await ask(browser, refresh_form(renewed))) == "invalid_grant"


async def test_a_change_of_plan_shows_at_the_next_refresh(
    browser: httpx.AsyncClient, person: Person, get_code: GetCode
) -> None:
    token = (await tokens(browser, code_form(await get_code())))["refresh_token"]
    user = person.user
    changed = await service.create_user(user.username, PASSWORD, user.email, "FR", "free", "Ada")
    assert (changed.id, changed.account_id) == (user.id, user.account_id)
    issued = await tokens(browser, refresh_form(token))
    principal = verify_access_token(issued["access_token"])
    assert (principal.tier, principal.country) == ("free", "FR")


@pytest.mark.parametrize("basic", [True, False])
async def test_an_app_gets_a_token_of_its_own(
    browser: httpx.AsyncClient, person: Person, basic: bool
) -> None:
    form = {"grant_type": "client_credentials", "scope": "ugc-track-upload"}
    if not basic:
        form |= {"client_id": CONFIDENTIAL, "client_secret": SECRET}
    issued = await tokens(browser, form, auth=(CONFIDENTIAL, SECRET) if basic else None)
    assert "refresh_token" not in issued
    principal = verify_access_token(issued["access_token"])
    assert principal.user_id is None
    assert principal.client_id == CONFIDENTIAL
    with pytest.raises(Unauthenticated):
        principal.require_user()


async def test_an_app_alone_has_no_listeners_scopes(
    browser: httpx.AsyncClient, person: Person
) -> None:
    form = {"grant_type": "client_credentials", "scope": "streaming"}
    answer = await ask(browser, form, auth=(CONFIDENTIAL, SECRET))
    assert fault_of(answer) == "invalid_scope"


async def test_an_operators_scope_is_for_a_client_that_was_given_it_and_for_no_person(
    browser: httpx.AsyncClient, person: Person
) -> None:
    form = {"grant_type": "client_credentials", "scope": OPERATOR}
    assert fault_of(await ask(browser, form, auth=(CONFIDENTIAL, SECRET))) == "invalid_scope"
    tool = "an-operators-tool"
    await service.create_client(tool, "A Tool", [CALLBACK], SECRET, [OPERATOR, "streaming"])
    issued = await tokens(browser, form, auth=(tool, SECRET))
    assert verify_access_token(issued["access_token"]).scopes == {OPERATOR}
    page = await browser.get(authorize_url(tool, scope=OPERATOR))
    assert query_of(page)["error"] == "invalid_scope"


async def test_a_public_app_has_no_credentials(browser: httpx.AsyncClient, person: Person) -> None:
    form = {"grant_type": "client_credentials", "client_id": PUBLIC}
    assert fault_of(await ask(browser, form)) == "unauthorized_client"


@pytest.mark.parametrize("auth", [(CONFIDENTIAL, "wrong"), ("nobody", "x"), (PUBLIC, "x")])
async def test_wrong_credentials_are_refused(
    browser: httpx.AsyncClient, person: Person, auth: tuple[str, str]
) -> None:
    answer = await ask(browser, {"grant_type": "client_credentials"}, auth=auth)
    assert fault_of(answer, 401) == "invalid_client"
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_a_confidential_app_must_authenticate(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    code = await get_code(CONFIDENTIAL)
    answer = await ask(browser, code_form(code, CONFIDENTIAL))
    assert fault_of(answer, 401) == "invalid_client"
    await tokens(browser, code_form(code, None), auth=(CONFIDENTIAL, SECRET))


async def test_what_is_created_twice_is_one(browser: httpx.AsyncClient, person: Person) -> None:
    first, second = await asyncio.gather(
        *(
            service.create_user("twice", PASSWORD, "t@segue.example", "DE", "free", "T")
            for _ in range(2)
        )
    )
    third = await service.create_user("TWICE ", PASSWORD, "t@segue.example", "DE", "free", "T")
    assert first.id == second.id == third.id
    assert first.account_id == second.account_id == third.account_id


@pytest.mark.parametrize(
    ("redirect_uri", "secret", "scope", "says"),
    [
        ("http://app.example/", None, "streaming", "plain http"),
        (CALLBACK, "short", "streaming", "32 characters"),
        (CALLBACK, None, "fly", "Unknown scopes: fly"),
    ],
)
async def test_a_careless_registration_is_refused(
    firestore: str, redirect_uri: str, secret: str | None, scope: str, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        await service.create_client("careless", "X", [redirect_uri], secret, [scope])


async def test_codes_and_tokens_name_when_firestore_may_delete_them(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    code = await get_code()
    stored = (
        await clients.collection(topology.AUTHORIZATION_CODES)
        .document(passwords.digest(code))
        .get()
    )
    expires_at = stored.to_dict()["expires_at"]
    assert timedelta(0) < expires_at - datetime.now(UTC) <= timedelta(seconds=60)
