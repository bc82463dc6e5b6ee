"""The page on which a person lets a device in (RFC 8628, 3.3)."""

from __future__ import annotations

from shared.accounts import device_codes, granting, sessions
from shared.accounts.authorization import parse_query
from shared.accounts.errors import StaleForm
from shared.accounts.models import User
from shared.accounts.pages import Page, Redirect, check_form, onward, with_form
from shared.accounts.scopes import SCOPES
from shared.accounts.sessions import Browser
from shared.accounts.throttle import Throttle
from shared.platform.errors import DomainError, Gone, NotFound, RateLimited

PAGE = "/accounts/device"
_throttle = Throttle()  # a user code is short enough to guess, if one may guess (5.1)


async def show(browser: Browser, query: str) -> Page | Redirect:
    """The page that asks for the code, or (with `user_code` in the query) whether to let its device
    in. The person always sees the code, to compare it with the device's (5.4)."""
    user = await sessions.person(browser)
    if user is None:
        return Redirect(onward.link("login", onward.checked(f"{PAGE}?{query}" if query else PAGE)))
    typed = parse_query(query).get("user_code")
    return await _asked(browser, user, typed) if typed else await _entry(browser, user)


async def submit(browser: Browser, query: str, form: dict[str, str]) -> Page | Redirect:
    """What follows from a form of this page: the question, or that the device was answered."""
    user = await sessions.person(browser)
    if user is None:
        return Redirect(onward.link("login", PAGE))
    typed = form.get("user_code", "")
    decision = form.get("decision")
    try:
        if decision is None:
            await check_form(form, browser, f"device {user.id}")
            return await _asked(browser, user, typed)
        user_code = device_codes.typed(typed)
        await check_form(form, browser, f"device {user.id} {user_code}")
        allowed = decision == "allow"
        client = await granting.answer_device(user, typed, allowed=allowed)
    except (StaleForm, NotFound, Gone) as error:
        return await _entry(browser, user, typed, error)
    return await with_form(
        "device_done.html", browser, "done", client_name=client.name, allowed=allowed
    )


async def _asked(browser: Browser, user: User, typed: str) -> Page:
    try:
        _throttle.attempt(user.id, browser.address)
        user_code, code, client = await granting.waiting_device(typed)
    except (NotFound, Gone, RateLimited) as error:
        return await _entry(browser, user, typed, error)
    # Not `succeeded`: who guesses could enter a code of their own in between.
    _throttle.withdraw(user.id, browser.address)
    return await with_form(
        "device_confirm.html",
        browser,
        f"device {user.id} {user_code}",
        user_code=device_codes.shown(user_code),
        client_name=client.name,
        user_name=user.display_name,
        asks_for=[SCOPES[scope] for scope in code.scopes],
    )


async def _entry(
    browser: Browser, user: User, typed: str = "", fault: DomainError | None = None
) -> Page:
    return await with_form(
        "device.html",
        browser,
        f"device {user.id}",
        fault=fault,
        typed=typed[:20],
        user_name=user.display_name,
    )
