"""The page on which a person makes an account."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.accounts import countries, service, sessions
from shared.accounts.errors import StaleForm, UsernameTaken
from shared.accounts.pages import Page, Redirect, check_form, onward, with_form
from shared.accounts.sessions import Browser
from shared.accounts.throttle import Throttle
from shared.platform.errors import DomainError, InvalidInput, RateLimited

_USERNAME = re.compile(r"(?!\.+$|__.*__$)[a-z0-9_.-]{3,30}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_throttle = Throttle(free_anywhere=20)  # accounts from one address


class FaultyFields(InvalidInput):
    """Values that cannot be accepted; `faults` says why, by field."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("Please look at the fields that are marked.")
        self.faults = faults


def faults_of(form: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the values of the form, by field; nothing when all are good."""
    faults = {}
    if not _USERNAME.fullmatch(_username(form)):
        faults["username"] = "Use 3 to 30 letters, digits, dots, hyphens or underscores."
    email = form.get("email", "").strip()
    if len(email) > 254 or not email.isprintable() or not _EMAIL.fullmatch(email):
        faults["email"] = "This does not look like an email address."
    try:
        service.check_password(form.get("password", ""))
    except InvalidInput:
        faults["password"] = "Use at least 8 characters."
    else:
        if form["password"].lower() in (_username(form), email.lower()):
            faults["password"] = "Use something that is not your name or address."
    if form.get("country") not in countries.NAMES:
        faults["country"] = "Choose a country."
    name = form.get("display_name", "").strip()
    if len(name) > 60 or not (name or "-").isprintable():
        faults["display_name"] = "Use at most 60 printable characters."
    return faults


def _username(form: Mapping[str, str]) -> str:
    return form.get("username", "").strip().lower()


async def show(browser: Browser, query: str) -> Page | Redirect:
    """The page, from which a person goes on to the page `next`."""
    return await _page(browser, onward.of(query), {})


async def submit(browser: Browser, query: str, form: dict[str, str]) -> Page | Redirect:
    """The next page, with the new person signed in, or this one with what was wrong."""
    to = onward.of(query)
    try:
        await check_form(form, browser, f"signup {to}")
        if faults := faults_of(form):
            raise FaultyFields(faults)
        _throttle.attempt(None, browser.address)
        name = _username(form)
        user = await service.sign_up(
            name,
            form["password"],
            form["email"].strip(),
            form["country"],
            form.get("display_name", "").strip() or name,
        )
    except UsernameTaken:
        fault = FaultyFields({"username": "Somebody else has this username."})
        return await _page(browser, to, form, fault)
    except (FaultyFields, StaleForm, RateLimited) as error:
        return await _page(browser, to, form, error)
    return Redirect(to, await sessions.start(browser, user))


async def _page(
    browser: Browser, to: str, form: Mapping[str, str], fault: DomainError | None = None
) -> Page:
    return await with_form(
        "sign_up.html",
        browser,
        f"signup {to}",
        fault=fault,
        target=await onward.form_target(to),
        action=onward.link("signup", to),
        sign_in=to if to.startswith(onward.AUTHORIZE) else onward.link("login", to),
        values={name: form.get(name, "") for name in ("username", "email", "display_name")},
        country=form.get("country", ""),
        countries=countries.offered(),
        faults=fault.faults if isinstance(fault, FaultyFields) else {},
    )
