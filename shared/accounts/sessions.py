"""Who is signed in to the accounts pages in a browser: a random cookie, and a document under its
hash that can be deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request

from shared.accounts import forms, passwords, service, store
from shared.accounts.errors import WrongCredentials
from shared.accounts.models import SignInSession, User
from shared.accounts.requests import caller_address
from shared.accounts.throttle import Throttle
from shared.platform.settings import settings

SESSION_LIFE = timedelta(days=14)
throttle = Throttle()


@dataclass(frozen=True, slots=True)
class Browser:
    """What a request tells about its browser: the cookies that it holds and its address."""

    form_cookie: str | None
    session_cookie: str | None
    address: str


def browser_of(request: Request) -> Browser:
    """The browser that sends `request`."""
    url = settings().accounts_url
    peer = request.client.host if request.client else None
    return Browser(
        request.cookies.get(forms.cookie_name(url)),
        request.cookies.get(cookie_name(url)),
        caller_address(request.headers.get("x-forwarded-for"), peer),
    )


def cookie_name(accounts_url: str) -> str:
    """The session cookie's name; over https the `__Host-` prefix keeps siblings from setting it."""
    return "__Host-segue-session" if accounts_url.startswith("https:") else "segue-session"


def set_cookie(value: str, life: timedelta) -> str:
    """The Set-Cookie header that gives the session cookie to a browser, or (no life) takes it."""
    url = settings().accounts_url
    secure = "; Secure" if url.startswith("https:") else ""
    attributes = f"Path=/; Max-Age={int(life.total_seconds())}; HttpOnly; SameSite=Lax{secure}"
    return f"{cookie_name(url)}={value}; {attributes}"


async def person(browser: Browser) -> User | None:
    """The person who is signed in."""
    if not browser.session_cookie:
        return None
    session = await store.session(passwords.digest(browser.session_cookie))
    if session is None or session.expires_at <= datetime.now(UTC):
        return None
    return await store.user(session.user_id)


async def check_credentials(username: str, password: str, address: str) -> User:
    """The person who signs in.

    Raises WrongCredentials for an unknown person and for a wrong password alike, and RateLimited
    after repeated failures for `username` or from `address`.
    """
    name = username.strip().lower()[:100]
    throttle.attempt(name, address)
    user = await service.find_by_username(name)
    if not await passwords.verify_password(user.password_hash if user else None, password):
        raise WrongCredentials("The username or the password is wrong.")
    assert user is not None
    throttle.succeeded(name, address)
    return user


async def start(browser: Browser, user: User) -> str:
    """The Set-Cookie header of a new session; the browser's old one ends, so that no cookie which
    somebody planted becomes worth anything."""
    if browser.session_cookie:
        await store.delete_session(passwords.digest(browser.session_cookie))
    cookie = passwords.new_secret()
    session = SignInSession(user_id=user.id, expires_at=datetime.now(UTC) + SESSION_LIFE)
    await store.put_session(passwords.digest(cookie), session)
    return set_cookie(cookie, SESSION_LIFE)


async def end(browser: Browser) -> str:
    """Ends the browser's session; the Set-Cookie header that takes its cookie away."""
    if browser.session_cookie:
        await store.delete_session(passwords.digest(browser.session_cookie))
    return set_cookie("", timedelta(0))
