"""Signing in to our own pages (devices, apps)."""

from __future__ import annotations

from shared.accounts import sessions
from shared.accounts.errors import StaleForm, WrongCredentials
from shared.accounts.pages import Page, Redirect, check_form, onward, with_form
from shared.accounts.sessions import Browser
from shared.platform.errors import DomainError, RateLimited


async def show(browser: Browser, query: str) -> Page | Redirect:
    """The sign-in page, from which a person goes on to the page `next`."""
    return await _page(browser, onward.of(query))


async def submit(browser: Browser, query: str, form: dict[str, str]) -> Page | Redirect:
    """The next page, signed in, or this one with what was wrong."""
    to, username = onward.of(query), form.get("username", "")
    try:
        await check_form(form, browser, f"login {to}")
        user = await sessions.check_credentials(username, form.get("password", ""), browser.address)
    except (WrongCredentials, StaleForm, RateLimited) as error:
        return await _page(browser, to, username, error)
    return Redirect(to, await sessions.start(browser, user))


async def _page(
    browser: Browser, to: str, username: str = "", fault: DomainError | None = None
) -> Page:
    return await with_form(
        "sign_in.html",
        browser,
        f"login {to}",
        fault=fault,
        target=await onward.form_target(to),
        client_name=None,
        asks_for=(),
        action=onward.link("login", to),
        cancel=None,
        username=username,
        sign_up=onward.link("signup", to),
    )
