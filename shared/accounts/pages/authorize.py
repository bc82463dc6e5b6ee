"""The page on which a person signs in to an app and allows what it asks for."""

from __future__ import annotations

import re

from shared.accounts import granting, redirects, sessions
from shared.accounts.authorization import AuthorizationRequest
from shared.accounts.errors import RejectedRequest, StaleForm, WrongCredentials
from shared.accounts.models import User
from shared.accounts.pages import Page, Redirect, check_form, onward, with_form
from shared.accounts.scopes import SCOPES
from shared.accounts.sessions import Browser
from shared.platform.errors import DomainError, RateLimited
from shared.platform.settings import settings

_PROMPT = re.compile(r"(^|&)prompt=[^&]*")


async def show(browser: Browser, query: str) -> Page | Redirect:
    """The sign-in page, the page that asks for consent, or at once the way back to the app.
    Raises UntrustedRequest, RejectedRequest."""
    wanted = await granting.authorization_request(query)
    user = await sessions.person(browser)
    if user is None or wanted.prompt == "login":
        if wanted.prompt == "none":
            raise _reject(wanted, "login_required", "The person must sign in")
        return await _sign_in(wanted, browser)
    must_ask = wanted.show_dialog or wanted.prompt == "consent"
    if not must_ask and await granting.has_consent(wanted, user):
        return Redirect(await granting.allow(wanted, user))
    if wanted.prompt == "none":
        raise _reject(wanted, "consent_required", "The person must be asked")
    return await _consent(wanted, browser, user)


async def submit(browser: Browser, query: str, form: dict[str, str]) -> Page | Redirect:
    """What follows from a form of this page: the way back to the app, or the page once more with
    what was wrong."""
    wanted = await granting.authorization_request(query)
    if "decision" in form:
        return await _decided(wanted, browser, form)
    username = form.get("username", "")
    try:
        await check_form(form, browser, query)
        user = await sessions.check_credentials(username, form.get("password", ""), browser.address)
    except (WrongCredentials, StaleForm, RateLimited) as error:
        return await _sign_in(wanted, browser, username, error)
    cookie = await sessions.start(browser, user)
    if wanted.client.first_party:
        return Redirect(await granting.allow(wanted, user), cookie)
    again = _PROMPT.sub("", query).strip("&")  # or `prompt=login` would ask for ever
    return Redirect(f"{onward.AUTHORIZE}?{again}", cookie)


async def _decided(
    wanted: AuthorizationRequest, browser: Browser, form: dict[str, str]
) -> Page | Redirect:
    user = await sessions.person(browser)
    if user is None:
        return await _sign_in(wanted, browser)
    try:
        await check_form(form, browser, _bound(wanted, user))
    except StaleForm as error:
        return await _consent(wanted, browser, user, error)
    if form["decision"] == "allow":
        return Redirect(await granting.allow(wanted, user))
    return Redirect(granting.deny(wanted))


def _bound(wanted: AuthorizationRequest, user: User) -> str:
    return f"consent {user.id} {wanted.query}"


def _reject(wanted: AuthorizationRequest, code: str, message: str) -> RejectedRequest:
    return RejectedRequest(message, wanted.answer(settings().accounts_url, code, message))


async def _sign_in(
    wanted: AuthorizationRequest,
    browser: Browser,
    username: str = "",
    fault: DomainError | None = None,
) -> Page:
    return await with_form(
        "sign_in.html",
        browser,
        wanted.query,
        fault=fault,
        target=redirects.form_target(wanted.redirect_uri),
        client_name=wanted.client.name,
        asks_for=[SCOPES[scope] for scope in wanted.scopes],
        action=f"?{wanted.query}",
        cancel=granting.deny(wanted),
        username=username or wanted.login_hint,
        sign_up=onward.link("signup", f"{onward.AUTHORIZE}?{wanted.query}"),
    )


async def _consent(
    wanted: AuthorizationRequest, browser: Browser, user: User, fault: DomainError | None = None
) -> Page:
    query = _PROMPT.sub("", wanted.query).strip("&")
    return await with_form(
        "consent.html",
        browser,
        _bound(wanted, user),
        fault=fault,
        target=redirects.form_target(wanted.redirect_uri),
        client_name=wanted.client.name,
        asks_for=[SCOPES[scope] for scope in wanted.scopes],
        action=f"?{wanted.query}",
        user_name=user.display_name,
        another=f"?{query}&prompt=login",
    )
