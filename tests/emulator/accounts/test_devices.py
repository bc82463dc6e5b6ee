from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared import topology
from shared.accounts import device_codes
from shared.accounts.pages import device as device_page
from shared.accounts.throttle import FREE_FAILURES, Throttle
from shared.platform import clients
from shared.platform.auth import verify_access_token
from tests.emulator.accounts.conftest import (
    CONFIDENTIAL,
    PUBLIC,
    SECRET,
    THIRD_PARTY,
    Person,
    ask,
    authorize_url,
    fault_of,
    form_token_of,
    query_of,
    send_form,
    sign_in,
    tokens,
)

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PAGE = "/accounts/device"


@pytest.fixture(autouse=True)
def a_fresh_throttle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_page, "_throttle", Throttle())


async def start(browser: httpx.AsyncClient, **changes: str) -> dict[str, Any]:
    form = {"client_id": THIRD_PARTY, "scope": "streaming user-read-email", **changes}
    response = await browser.post("/accounts/api/device_authorization", data=form)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    started: dict[str, Any] = response.json()
    return started


def poll_form(started: dict[str, Any], client_id: str = THIRD_PARTY) -> dict[str, str]:
    return {
        "grant_type": GRANT,
        "device_code": started["device_code"],
        "client_id": client_id,
    }


async def answer(browser: httpx.AsyncClient, user_code: str, decision: str) -> httpx.Response:
    url = f"{PAGE}?user_code={user_code}"
    return await send_form(browser, url, user_code=user_code, decision=decision)


async def set_back(started: dict[str, Any], **fields: Any) -> None:
    """Changes the device's document, as if time had passed."""
    user_code = device_codes.typed(started["user_code"])
    await clients.collection(topology.DEVICE_CODES).document(user_code).update(fields)


async def test_a_television_gets_its_tokens_once_its_person_allows_it(
    browser: httpx.AsyncClient, person: Person
) -> None:
    started = await start(browser, device_id="tv-1")
    assert re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", started["user_code"])
    assert (started["interval"], started["expires_in"]) == (5, 900)
    assert started["verification_uri"].endswith("/accounts/device")
    assert fault_of(await ask(browser, poll_form(started))) == "authorization_pending"
    asked = await browser.get(started["verification_uri_complete"])
    assert asked.headers["location"].startswith("/accounts/login?next=")  # first, who is it
    await sign_in(browser, person)
    page = await browser.get(started["verification_uri_complete"])
    assert started["user_code"] in page.text
    assert "Their App" in page.text
    done = await answer(browser, started["user_code"], "allow")
    assert "Your device is connected" in done.text
    issued = await tokens(browser, poll_form(started))
    principal = verify_access_token(issued["access_token"])
    assert (principal.user_id, principal.client_id) == (person.user.id, THIRD_PARTY)
    assert (principal.device_id, principal.tier) == ("tv-1", "premium")
    form = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    renewed = await tokens(browser, {**form, "client_id": THIRD_PARTY})
    assert verify_access_token(renewed["access_token"]).device_id == "tv-1"
    assert "code" in query_of(await browser.get(authorize_url(THIRD_PARTY)))  # consent is kept


async def test_the_code_can_be_typed_however_it_is_read(
    browser: httpx.AsyncClient, person: Person
) -> None:
    started = await start(browser)
    await sign_in(browser, person)
    typed = started["user_code"].lower().replace("-", " ")
    page = await send_form(browser, PAGE, user_code=typed)
    assert started["user_code"] in page.text
    assert "Let this device in?" in page.text


async def test_an_impatient_device_waits_five_seconds_more_each_time(
    browser: httpx.AsyncClient, person: Person
) -> None:
    started = await start(browser)
    form = poll_form(started)
    assert fault_of(await ask(browser, form)) == "authorization_pending"
    assert fault_of(await ask(browser, form)) == "slow_down"  # now every 10 s
    assert fault_of(await ask(browser, form)) == "slow_down"  # now every 15 s
    stored = clients.collection(topology.DEVICE_CODES)
    document = stored.document(device_codes.typed(started["user_code"]))
    found = (await document.get()).to_dict()
    assert found["interval_s"] == 15
    await set_back(started, polled_at=found["polled_at"] - timedelta(seconds=11))
    assert fault_of(await ask(browser, form)) == "slow_down"
    found = (await document.get()).to_dict()
    await set_back(started, polled_at=found["polled_at"] - timedelta(seconds=21))
    assert fault_of(await ask(browser, form)) == "authorization_pending"


async def test_a_refusal_and_the_end_of_time_are_told(
    browser: httpx.AsyncClient, person: Person
) -> None:
    denied, late = await start(browser), await start(browser)
    await sign_in(browser, person)
    assert "Nothing was connected" in (await answer(browser, denied["user_code"], "deny")).text
    assert fault_of(await ask(browser, poll_form(denied))) == "access_denied"
    for value in (denied, {**denied, "user_code": "BBBB-BBBB"}):
        again = await browser.get(f"{PAGE}?user_code={value['user_code']}")
        assert again.status_code == 404
        assert "wrong or too old" in again.text
    stored = clients.collection(topology.DEVICE_CODES)
    reference = stored.document(device_codes.typed(late["user_code"]))
    found = (await reference.get()).to_dict()
    await set_back(late, expires_at=found["expires_at"] - device_codes.LIFE)
    assert fault_of(await ask(browser, poll_form(late))) == "expired_token"
    assert (await browser.get(f"{PAGE}?user_code={late['user_code']}")).status_code == 410


async def test_a_device_code_is_used_once_and_its_second_use_ends_what_came_of_it(
    browser: httpx.AsyncClient, person: Person
) -> None:
    started = await start(browser)
    await sign_in(browser, person)
    await answer(browser, started["user_code"], "allow")
    answers = await asyncio.gather(*(ask(browser, poll_form(started)) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 400, 400, 400]
    (good,) = [each.json() for each in answers if each.status_code == 200]
    form = {"grant_type": "refresh_token", "refresh_token": good["refresh_token"]}
    refused = await ask(browser, {**form, "client_id": THIRD_PARTY})
    assert fault_of(refused) == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "fault", "status"),
    [
        ({"device_code": "BBBBBBBB.x"}, "invalid_grant", 400),
        ({"device_code": "../users/x"}, "invalid_grant", 400),
        ({"device_code": ""}, "invalid_request", 400),
        ({"client_id": PUBLIC}, "unauthorized_client", 400),
        ({"client_id": "nobody"}, "invalid_client", 401),
    ],
)
async def test_another_device_or_app_gets_nothing(
    browser: httpx.AsyncClient, person: Person, changes: dict[str, str], fault: str, status: int
) -> None:
    started = await start(browser)
    assert fault_of(await ask(browser, {**poll_form(started), **changes}), status) == fault
    guessed = started["device_code"][:-1] + "~"
    form = {**poll_form(started), "device_code": guessed}
    assert fault_of(await ask(browser, form)) == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "fault", "status"),
    [
        ({}, "invalid_request", 400),
        ({"client_id": "nobody"}, "invalid_client", 401),
        ({"client_id": CONFIDENTIAL}, "invalid_client", 401),
        ({"client_id": THIRD_PARTY, "scope": "fly"}, "invalid_scope", 400),
        ({"client_id": THIRD_PARTY, "device_id": "a b"}, "invalid_request", 400),
    ],
)
async def test_a_faulty_start_says_what_is_wrong(
    browser: httpx.AsyncClient, person: Person, form: dict[str, str], fault: str, status: int
) -> None:
    response = await browser.post("/accounts/api/device_authorization", data=form)
    assert fault_of(response, status) == fault


async def test_a_confidential_device_authenticates(
    browser: httpx.AsyncClient, person: Person
) -> None:
    auth = (CONFIDENTIAL, SECRET)
    response = await browser.post(
        "/accounts/api/device_authorization", data={"scope": "streaming"}, auth=auth
    )
    started = response.json()
    await sign_in(browser, person)
    await answer(browser, started["user_code"], "allow")
    form = {"grant_type": GRANT, "device_code": started["device_code"]}
    assert (await tokens(browser, form, auth))["scope"] == "streaming"


async def test_guessing_codes_is_slowed_down_whatever_is_entered_in_between(
    browser: httpx.AsyncClient, person: Person
) -> None:
    own = await start(browser)
    await sign_in(browser, person)
    token = form_token_of(await browser.get(PAGE))
    statuses = []
    for number in range(FREE_FAILURES + 1):
        wrong = f"BBBB-BBB{device_codes.LETTERS[number]}"
        for code in (own["user_code"], wrong):
            fields = {"form_token": token, "user_code": code}
            response = await browser.post(PAGE, data=fields)
            statuses.append(response.status_code)
    assert 429 in statuses
    assert statuses.index(429) >= FREE_FAILURES


async def test_a_forged_answer_lets_no_device_in(
    browser: httpx.AsyncClient, person: Person
) -> None:
    started, other = await start(browser), await start(browser)
    await sign_in(browser, person)
    foreign = form_token_of(await browser.get(f"{PAGE}?user_code={other['user_code']}"))
    for token in ("", "1.abc", foreign):
        fields = {"form_token": token, "user_code": started["user_code"], "decision": "allow"}
        assert (await browser.post(PAGE, data=fields)).status_code == 400
    assert fault_of(await ask(browser, poll_form(started))) == "authorization_pending"
