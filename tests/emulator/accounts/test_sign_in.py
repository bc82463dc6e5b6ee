from __future__ import annotations

import httpx
import pytest

from shared.accounts.throttle import FREE_FAILURES
from tests.emulator.accounts.conftest import (
    CALLBACK,
    PASSWORD,
    Person,
    authorize_url,
    query_of,
    submit,
)
from tests.local_settings import PUBLIC_URL


async def test_a_person_signs_in_and_the_app_gets_its_code(
    browser: httpx.AsyncClient, person: Person
) -> None:
    response = await submit(browser, authorize_url(), person.user.username, PASSWORD)
    query = query_of(response)
    assert response.headers["location"].startswith(f"{CALLBACK}?")
    assert query["state"] == "the-state"
    assert query["iss"] == f"{PUBLIC_URL}/accounts"
    assert len(query["code"]) >= 43
    assert response.headers["cache-control"] == "no-store"


async def test_a_username_has_no_case(browser: httpx.AsyncClient, person: Person) -> None:
    name = f" {person.user.username.upper()} "
    query_of(await submit(browser, authorize_url(), name, PASSWORD))


async def test_unknown_user_and_wrong_password_look_the_same(
    browser: httpx.AsyncClient, person: Person
) -> None:
    wrong = await submit(browser, authorize_url(), person.user.username, "wrong")
    unknown = await submit(browser, authorize_url(), "nobody-at-all", "wrong")
    assert wrong.status_code == unknown.status_code == 400
    for response in (wrong, unknown):
        assert "The username or the password is wrong." in response.text
        assert "wrong-password" not in response.text


async def test_a_form_from_elsewhere_signs_nobody_in(
    browser: httpx.AsyncClient, person: Person
) -> None:
    url = authorize_url()
    forged = await submit(browser, url, person.user.username, PASSWORD, form_token="1.abc")
    assert forged.status_code == 400
    assert "Please try once more" in forged.text
    page = await browser.get(url)
    token = page.text.split('name="form_token" value="')[1].split('"')[0]
    browser.cookies.clear()
    fields = {"form_token": token, "username": person.user.username, "password": PASSWORD}
    assert (await browser.post(url, data=fields)).status_code == 400


async def test_guessing_is_slowed_down_and_says_for_how_long(
    browser: httpx.AsyncClient, person: Person
) -> None:
    for _ in range(FREE_FAILURES):
        response = await submit(browser, authorize_url(), person.user.username, "wrong")
        assert response.status_code == 400
    response = await submit(browser, authorize_url(), person.user.username, PASSWORD)
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) >= 1
    assert "Too many attempts" in response.text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": "../users/x"},
        {"client_id": ""},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": CALLBACK + "/"},
    ],
)
async def test_what_cannot_be_trusted_is_a_page_and_no_redirect(
    browser: httpx.AsyncClient, person: Person, changes: dict[str, str]
) -> None:
    response = await browser.get(authorize_url(**changes))
    assert response.status_code == 400
    assert "This link does not work" in response.text
    assert "location" not in response.headers


async def test_a_faulty_request_returns_to_the_app(
    browser: httpx.AsyncClient, person: Person
) -> None:
    query = query_of(await browser.get(authorize_url(code_challenge_method="plain")))
    assert query["error"] == "invalid_request"
    assert query["state"] == "the-state"
    assert query["iss"] == f"{PUBLIC_URL}/accounts"


async def test_keys_and_metadata_are_public(browser: httpx.AsyncClient, person: Person) -> None:
    keys = (await browser.get("/accounts/.well-known/jwks.json")).json()["keys"]
    assert keys
    assert all("d" not in key for key in keys)
    for name in ("openid-configuration", "oauth-authorization-server"):
        metadata = (await browser.get(f"/accounts/.well-known/{name}")).json()
        assert metadata["issuer"] == f"{PUBLIC_URL}/accounts"
