from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from emulators.token import _FORM_TOKEN
from functions.accounts.main import app
from shared.accounts import passwords, service
from shared.accounts.models import User
from shared.platform.ids import random_id
from tests import local_settings

CALLBACK = "https://app.example/callback"
SECRET = "a-secret-that-is-random-and-long-enough"
PASSWORD = "correct horse battery"
VERIFIER = "v" * 64
PUBLIC, CONFIDENTIAL = "public-app", "confidential-app"  # ours, which ask for no consent
THIRD_PARTY = "somebody-elses-app"
SCOPES = ("streaming", "user-read-email", "user-read-private", "ugc-track-upload")


@dataclass(frozen=True)
class Person:
    user: User
    password: str = PASSWORD


@pytest.fixture
async def browser(firestore: str, secrets: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with its own cookies, at our front door."""
    transport = httpx.ASGITransport(app)
    base = local_settings.PUBLIC_URL
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client


@pytest.fixture(scope="session")
def cheap_passwords() -> Iterator[None]:
    """Argon2 as it is, save for what makes it slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_TIME_COST", 1)
        patch.setattr(passwords, "_MEMORY_KIB", 64)
        passwords._hasher.cache_clear()
        yield
    passwords._hasher.cache_clear()


@pytest.fixture(scope="session")
async def apps(firestore: str, secrets: str, cheap_passwords: None) -> None:
    """Two apps of ours, one public and one confidential, and one of somebody else."""
    await service.create_client(PUBLIC, "A Public App", [CALLBACK], None, SCOPES, first_party=True)
    await service.create_client(
        CONFIDENTIAL, "An App", [CALLBACK], SECRET, SCOPES, first_party=True
    )
    await service.create_client(THIRD_PARTY, "Their App", [CALLBACK], None, SCOPES)


@pytest.fixture
async def person(browser: httpx.AsyncClient, apps: None) -> Person:
    """A person who has an account; the apps are there."""
    name = f"ada-{random_id()}".lower()
    email = f"{name}@segue.example"
    return Person(await service.create_user(name, PASSWORD, email, "DE", "premium", "Ada"))


def authorize_url(client_id: str = PUBLIC, **changes: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "scope": "streaming user-read-email",
        "state": "the-state",
        "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **changes,
    }
    return f"/accounts/authorize?{urlencode(parameters)}"


async def submit(
    browser: httpx.AsyncClient, url: str, username: str, password: str, **changes: str
) -> httpx.Response:
    fields = {"username": username, "password": password, **changes}
    return await send_form(browser, url, **fields)


def form_token_of(page: httpx.Response) -> str:
    token = _FORM_TOKEN.search(page.text)
    assert token, page.text
    return token[1]


async def send_form(browser: httpx.AsyncClient, url: str, **fields: str) -> httpx.Response:
    """Opens the page and sends its form."""
    token = form_token_of(await browser.get(url))
    return await browser.post(url, data={"form_token": token, **fields})


async def sign_in(browser: httpx.AsyncClient, person: Person) -> None:
    """Signs the person in to the accounts pages."""
    fields = {"username": person.user.username, "password": person.password}
    response = await send_form(browser, "/accounts/login", **fields)
    assert response.status_code == 303, response.text


def query_of(response: httpx.Response) -> dict[str, str]:
    assert response.status_code in (302, 303), response.text
    query = parse_qs(urlsplit(response.headers["location"]).query)
    return {name: value for name, (value,) in query.items()}


GetCode = Callable[..., Awaitable[str]]


@pytest.fixture
def get_code(browser: httpx.AsyncClient, person: Person) -> GetCode:
    """Signs the person in, in a browser that nobody is signed in to; a fresh code."""

    async def get(client_id: str = PUBLIC, **changes: str) -> str:
        browser.cookies.clear()
        url = authorize_url(client_id, **changes)
        return query_of(await submit(browser, url, person.user.username, PASSWORD))["code"]

    return get


def code_form(
    code: str, client_id: str | None = PUBLIC, /, **changes: str | None
) -> dict[str, str]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "client_id": client_id,
        "code_verifier": VERIFIER,
        **changes,
    }
    return {name: value for name, value in form.items() if value is not None}


async def ask(
    browser: httpx.AsyncClient, form: dict[str, str], auth: tuple[str, str] | None = None
) -> httpx.Response:
    return await browser.post("/accounts/api/token", data=form, auth=auth)


async def tokens(
    browser: httpx.AsyncClient, form: dict[str, str], auth: tuple[str, str] | None = None
) -> dict[str, Any]:
    response = await ask(browser, form, auth)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    answer: dict[str, Any] = response.json()
    return answer


def fault_of(response: httpx.Response, status: int = 400) -> str:
    assert response.status_code == status, response.text
    assert response.headers["cache-control"] == "no-store"
    assert set(response.json()) == {"error", "error_description"}
    fault: str = response.json()["error"]
    return fault
