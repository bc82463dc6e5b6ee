"""Signing the browser out."""

from __future__ import annotations

from shared.accounts import sessions
from shared.accounts.errors import StaleForm
from shared.accounts.pages import Page, Redirect, check_form, with_form
from shared.accounts.sessions import Browser
from shared.platform.errors import DomainError

_SIGN_IN = "/accounts/login"


async def show(browser: Browser, query: str) -> Page | Redirect:
    """The page that asks whether to sign out."""
    return await _page(browser)


async def submit(browser: Browser, query: str, form: dict[str, str]) -> Page | Redirect:
    """The sign-in page, with the session over."""
    user = await sessions.person(browser)
    try:
        await check_form(form, browser, f"logout {user.id if user else ''}")
    except StaleForm as error:
        return await _page(browser, error)
    return Redirect(_SIGN_IN, await sessions.end(browser))


async def _page(browser: Browser, fault: DomainError | None = None) -> Page | Redirect:
    user = await sessions.person(browser)
    if user is None:
        return Redirect(_SIGN_IN)
    return await with_form(
        "sign_out.html", browser, f"logout {user.id}", fault=fault, user_name=user.display_name
    )
