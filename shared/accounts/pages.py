"""The pages that a person sees: sign-in, and what went wrong before there was an app to tell."""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.accounts import redirects, sign_in_form, tokens
from shared.accounts.authorization import AuthorizationRequest
from shared.accounts.scopes import SCOPES
from shared.platform.settings import settings

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


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


async def sign_in(
    request: AuthorizationRequest, held_cookie: str | None, username: str, fault: str | None
) -> tuple[str, dict[str, str]]:
    """The sign-in page and its headers, for a browser that holds `held_cookie`. `fault` is told
    above the form, `username` filled in."""
    nonce, issuer = secrets.token_urlsafe(16), settings().accounts_url
    cookie = sign_in_form.cookie_for(held_cookie)
    cancel = redirects.with_parameters(
        request.redirect_uri,
        error="access_denied",
        error_description="The person did not sign in",
        state=request.state,
        iss=issuer,
    )
    html = (
        _environment()
        .get_template("sign_in.html")
        .render(
            nonce=nonce,
            client_name=request.client.name,
            asks_for=[SCOPES[scope] for scope in request.scopes],
            action=f"?{request.query}",
            cancel=cancel,
            form_token=sign_in_form.form_token(await tokens.form_key(), cookie, request.query),
            username=username or request.login_hint,
            fault=fault,
        )
    )
    headers = _headers(nonce, f"'self' {redirects.form_target(request.redirect_uri)}")
    return html, headers | {"set-cookie": sign_in_form.set_cookie(issuer, cookie)}


def failure(message: str) -> tuple[str, dict[str, str]]:
    """A page for a request that can be sent back to nobody, and its headers."""
    nonce = secrets.token_urlsafe(16)
    html = _environment().get_template("failure.html").render(nonce=nonce, message=message)
    return html, _headers(nonce, "'none'")


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
