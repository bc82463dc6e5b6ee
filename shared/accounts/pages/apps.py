"""The developer's page: their apps, and how to register one."""

from __future__ import annotations

from shared.accounts import developer_apps, sessions
from shared.accounts.errors import StaleForm
from shared.accounts.models import Client, User
from shared.accounts.pages import Page, Redirect, check_form, onward, with_form
from shared.accounts.sessions import Browser
from shared.platform.errors import Conflict, DomainError, InvalidInput, NotFound
from shared.platform.settings import settings


async def show(browser: Browser, query: str) -> Page | Redirect:
    """The person's apps."""
    user = await sessions.person(browser)
    return await _apps(browser, user) if user else Redirect(onward.link("login", onward.HOME))


async def submit(browser: Browser, query: str, form: dict[str, str]) -> Page | Redirect:
    """The person's apps after `action`: `register`, `rotate` or `delete`. A new secret is on this
    answer and never again."""
    user = await sessions.person(browser)
    if user is None:
        return Redirect(onward.link("login", onward.HOME))
    try:
        await check_form(form, browser, f"apps {user.id}")
        match form.get("action"):
            case "register":
                client, secret = await developer_apps.register_app(
                    user.id,
                    form.get("name", ""),
                    form.get("redirect_uris", "").split(),
                    confidential=form.get("kind") != "public",
                )
                return await _apps(browser, user, told=(client, secret))
            case "rotate":
                told = await developer_apps.rotate_secret(user.id, form.get("client_id", ""))
                return await _apps(browser, user, told=told)
            case "delete":
                await developer_apps.delete_app(user.id, form.get("client_id", ""))
                return Redirect(onward.HOME)
            case _:
                raise InvalidInput("action must be register, rotate or delete.")
    except (StaleForm, InvalidInput, NotFound, Conflict) as error:
        return await _apps(browser, user, form, error)


async def _apps(
    browser: Browser,
    user: User,
    form: dict[str, str] | None = None,
    fault: DomainError | None = None,
    told: tuple[Client, str | None] | None = None,
) -> Page:
    typed = form or {}
    return await with_form(
        "apps.html",
        browser,
        f"apps {user.id}",
        fault=fault,
        user_name=user.display_name,
        apps=await developer_apps.apps_of(user.id),
        told=told[0] if told else None,
        secret=told[1] if told else None,
        values={name: typed.get(name, "") for name in ("name", "redirect_uris")},
        accounts_url=settings().accounts_url,
    )
