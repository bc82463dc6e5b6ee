from __future__ import annotations

import asyncio

import httpx
import pytest

from shared import topology
from shared.accounts import service
from shared.accounts.errors import UsernameTaken
from shared.accounts.pages import onward, signup
from shared.accounts.throttle import Throttle
from shared.platform import clients
from shared.platform.errors import InvalidInput, NotFound
from shared.platform.ids import random_id
from tests.emulator.accounts.conftest import (
    PASSWORD,
    Person,
    authorize_url,
    query_of,
    send_form,
    submit,
)


@pytest.fixture(autouse=True)
def a_fresh_throttle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signup, "_throttle", Throttle(free_anywhere=20))


def name() -> str:
    return f"ada-{random_id()}".lower()


def values(**changes: str) -> dict[str, str]:
    return {
        "username": name(),
        "email": "ada@segue.example",
        "password": PASSWORD,
        "country": "FR",
        **changes,
    }


async def test_a_new_person_goes_on_to_the_app_that_brought_them(
    browser: httpx.AsyncClient, person: Person
) -> None:
    link = onward.link("signup", authorize_url())
    assert link.replace("&", "&amp;") in (await browser.get(authorize_url())).text
    typed = values(display_name="Ada L.")
    made = await send_form(browser, link, **typed)
    assert made.status_code == 303, made.text
    assert "code" in query_of(await browser.get(made.headers["location"]))
    user = await service.find_by_username(typed["username"].upper())
    assert user is not None
    assert (user.display_name, user.country, user.tier) == ("Ada L.", "FR", "free")
    assert PASSWORD not in str(user)
    browser.cookies.clear()
    again = await submit(browser, authorize_url(), typed["username"], PASSWORD)
    assert "code" in query_of(again)


async def test_the_app_may_be_redirected_to_by_the_forms_policy(
    browser: httpx.AsyncClient, person: Person
) -> None:
    page = await browser.get(onward.link("signup", authorize_url()))
    assert "form-action 'self' https://app.example;" in page.headers["content-security-policy"]
    own = await browser.get("/accounts/signup")
    assert "form-action 'self';" in own.headers["content-security-policy"]


async def test_faults_stand_at_their_fields_and_what_was_typed_stays(
    browser: httpx.AsyncClient, person: Person
) -> None:
    typed = values(username="A!", email="nobody", password="short", country="QQ")
    response = await send_form(browser, "/accounts/signup", **typed)
    assert response.status_code == 400
    for field in ("username", "email", "password", "country"):
        assert f'id="{field}-fault"' in response.text
        assert f'aria-describedby="{field}-fault"' in response.text
    assert 'value="nobody"' in response.text
    assert "short" not in response.text


async def test_a_name_is_given_once_also_to_many_at_once(
    browser: httpx.AsyncClient, person: Person
) -> None:
    taken = await send_form(browser, "/accounts/signup", **values(username=person.user.username))
    assert "Somebody else has this username." in taken.text
    assert taken.status_code == 400
    wanted = name()
    made = await asyncio.gather(
        *(service.sign_up(wanted, PASSWORD, "a@b.example", "DE", "Ada") for _ in range(6)),
        return_exceptions=True,
    )
    users = [user for user in made if not isinstance(user, BaseException)]
    assert len(users) == 1
    assert sum(isinstance(fault, UsernameTaken) for fault in made) == 5
    found = await service.find_by_username(wanted)
    assert found == users[0]


async def test_a_forged_sign_up_makes_nobody(browser: httpx.AsyncClient, person: Person) -> None:
    typed = values(form_token="1.abc")
    response = await browser.post("/accounts/signup", data=typed)
    assert response.status_code == 400
    assert await service.find_by_username(typed["username"]) is None


async def test_accounts_from_one_address_are_slowed_down(
    browser: httpx.AsyncClient, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signup, "_throttle", Throttle(free_anywhere=1))
    assert (await send_form(browser, "/accounts/signup", **values())).status_code == 303
    slowed = await send_form(browser, "/accounts/signup", **values())
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) >= 1


# --- people with fixed ids ----------------------------------------------------------------------


async def make(username: str, user_id: str | None = None, country: str = "DE") -> str:
    user = await service.create_user(
        username, PASSWORD, "a@b.example", country, "free", "Ada", user_id=user_id
    )
    return user.id


async def test_a_person_with_a_fixed_id_signs_in_by_name(
    browser: httpx.AsyncClient, person: Person
) -> None:
    username, fixed = name(), f"smedjan.{random_id()}"
    assert await make(username, fixed) == fixed
    assert await make(username, fixed, "FR") == fixed  # the same seed twice
    assert await make(username) == fixed  # the name leads to the id
    assert "code" in query_of(await submit(browser, authorize_url(), username, PASSWORD))
    assert (await service.get_user(fixed)).username == username


async def test_a_name_belongs_to_one_id(firestore: str) -> None:
    username = name()
    await make(username)
    with pytest.raises(UsernameTaken):
        await make(username, random_id())
    other, renamed = random_id(), name()
    await make(renamed, other)
    await make(name(), other)  # the name that it had is free again
    await make(renamed, random_id())


async def test_people_who_were_there_before_names_had_documents_sign_in(
    browser: httpx.AsyncClient, person: Person
) -> None:
    reference = clients.collection(topology.USERNAMES).document(person.user.username)
    assert (await reference.get()).exists
    await reference.delete()
    response = await submit(browser, authorize_url(), person.user.username, PASSWORD)
    assert "code" in query_of(response)
    with pytest.raises(UsernameTaken):
        await service.sign_up(person.user.username, PASSWORD, "a@b.example", "DE", "Eve")
    with pytest.raises(UsernameTaken):
        await make(person.user.username, random_id())


@pytest.mark.parametrize("bad", ["", "a/b", "é", "x" * 65, "../x"])
async def test_a_careless_id_is_refused(firestore: str, bad: str) -> None:
    with pytest.raises(InvalidInput, match="user_id"):
        await make(name(), bad)


async def test_people_are_shown_by_many_ids_at_once(firestore: str) -> None:
    ids = [await make(name()) for _ in range(2)]
    first, missing, second = await service.get_users([ids[0], random_id(), ids[1]])
    assert first is not None
    assert second is not None
    assert (first.id, missing, second.id) == (ids[0], None, ids[1])
    assert await service.get_users(["../x", "__x__", ""]) == [None, None, None]
    with pytest.raises(NotFound):
        await service.get_user(random_id())
