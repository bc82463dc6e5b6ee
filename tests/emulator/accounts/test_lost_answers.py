"""A commit whose answer is lost is tried again: it must be known as one's own, neither done twice
nor taken for a thief's second use."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from google.api_core.exceptions import Aborted

from shared.accounts import service, store
from shared.accounts.work import Work
from shared.platform.ids import random_id
from tests.emulator.accounts.conftest import (
    CALLBACK,
    PASSWORD,
    PUBLIC,
    THIRD_PARTY,
    GetCode,
    Person,
    authorize_url,
    code_form,
    form_token_of,
    query_of,
    send_form,
    sign_in,
    tokens,
)


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The next commit is stored, and its answer lost; the list counts such commits to come."""
    commit, left = store._commit, [0]

    async def commit_and_lose(work: Work) -> None:
        await commit(work)
        if left[0] and work.changes:
            left[0] -= 1
            raise Aborted("lost on the way back")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(store, "_commit", commit_and_lose)
    yield left
    assert left[0] == 0


async def still_good(browser: httpx.AsyncClient, refresh_token: str, client_id: str) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    await tokens(browser, {**form, "client_id": client_id})


async def test_a_code(browser: httpx.AsyncClient, get_code: GetCode, losing: list[int]) -> None:
    form = code_form(await get_code())
    losing[0] = 2
    issued = await tokens(browser, form)
    await still_good(browser, issued["refresh_token"], PUBLIC)


async def test_a_refresh_token(
    browser: httpx.AsyncClient, get_code: GetCode, losing: list[int]
) -> None:
    issued = await tokens(browser, code_form(await get_code()))
    form = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    losing[0] = 2
    renewed = await tokens(browser, {**form, "client_id": PUBLIC})
    await still_good(browser, renewed["refresh_token"], PUBLIC)


async def test_a_consent_and_its_code(
    browser: httpx.AsyncClient, person: Person, losing: list[int]
) -> None:
    await sign_in(browser, person)
    losing[0] = 1
    allowed = await send_form(browser, authorize_url(THIRD_PARTY), decision="allow")
    assert allowed.headers["location"].startswith(CALLBACK)
    await tokens(browser, code_form(query_of(allowed)["code"], THIRD_PARTY))


async def test_a_device(browser: httpx.AsyncClient, person: Person, losing: list[int]) -> None:
    losing[0] = 1
    form = {"client_id": PUBLIC, "scope": "streaming"}
    started = (await browser.post("/accounts/api/device_authorization", data=form)).json()
    await sign_in(browser, person)
    fields = {"user_code": started["user_code"], "decision": "allow"}
    page = f"/accounts/device?user_code={started['user_code']}"
    token = form_token_of(await browser.get(page))
    losing[0] = 1
    done = await browser.post(page, data={"form_token": token, **fields})
    assert "Your device is connected" in done.text
    poll = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": started["device_code"],
        "client_id": PUBLIC,
    }
    losing[0] = 1
    issued = await tokens(browser, poll)
    await still_good(browser, issued["refresh_token"], PUBLIC)


async def test_a_new_person(firestore: str, losing: list[int]) -> None:
    losing[0] = 1
    name = f"ada-{random_id()}".lower()
    made = await service.sign_up(name, PASSWORD, "a@b.example", "DE", "Ada")
    found = await service.find_by_username(name)
    assert found is not None
    assert found.id == made.id
