"""The pages that a person sees. A module here is the page of its name below `/accounts/`: `show` is
its GET, `submit` its form.

Every page forbids to be framed, to run anything and to send its form elsewhere than here (and on
to the app that asked); no address of a page leaks by a referrer.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from shared.accounts import forms, tokens
from shared.accounts.sessions import Browser
from shared.platform.errors import DomainError
from shared.platform.settings import settings

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent.parent / "templates"


@dataclass(frozen=True, slots=True)
class Page:
    """A page to show; `fault` is what went wrong with the form before it, if anything did."""

    html: str
    headers: dict[str, str]
    fault: DomainError | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where the browser goes on, by GET, and the cookie that it gets."""

    location: str
    cookie: str | None = None


class Screen(Protocol):
    """A page's module."""

    async def show(self, browser: Browser, query: str) -> Page | Redirect:
        """The page for the query string `query`."""

    async def submit(self, browser: Browser, query: str, form: dict[str, str]) -> Page | Redirect:
        """What follows from its form."""


def screen(name: str) -> Screen:
    """The page `/accounts/<name>`."""
    return cast(Screen, import_module(f"{__name__}.{name}"))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


async def with_form(
    template: str,
    browser: Browser,
    bound_to: str,
    *,
    fault: DomainError | None = None,
    target: str = "",
    **shown: Any,
) -> Page:
    """The page `template` with a form that only `browser` can send, only for `bound_to`. `target`
    is a source to which the answer to the form may redirect."""
    nonce = secrets.token_urlsafe(16)
    cookie = forms.cookie_for(browser.form_cookie)
    html = (
        _environment()
        .get_template(template)
        .render(
            nonce=nonce,
            form_token=forms.form_token(await tokens.form_key(), cookie, bound_to),
            fault=fault.message if fault else None,
            **shown,
        )
    )
    headers = _headers(nonce, f"'self' {target}".strip())
    headers["set-cookie"] = forms.set_cookie(settings().accounts_url, cookie)
    return Page(html, headers, fault)


async def check_form(form: dict[str, str], browser: Browser, bound_to: str) -> None:
    """Raises StaleForm unless the form was made for this browser and for `bound_to`."""
    token = form.get("form_token", "")
    forms.check(token, await tokens.form_key(), browser.form_cookie, bound_to)


def failure(error: DomainError) -> Page:
    """A page for a request that can be sent back to nobody."""
    nonce = secrets.token_urlsafe(16)
    html = _environment().get_template("failure.html").render(nonce=nonce, message=error.message)
    return Page(html, _headers(nonce, "'none'"), error)


def _headers(nonce: str, form_action: str) -> dict[str, str]:
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; "
        f"form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
