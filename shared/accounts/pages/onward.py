"""Where a person goes on after signing in: back to one of our own pages, never elsewhere."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote

from shared.accounts import granting, redirects
from shared.accounts.errors import RejectedRequest, UntrustedRequest

HOME = "/accounts/apps"
AUTHORIZE = "/accounts/authorize"
_OURS = re.compile(r"/accounts/(authorize|device|apps)(\?[!-\[\]-~]*)?")  # no space, no backslash
_MAX_LENGTH = 9000


def of(query: str) -> str:
    """The page that `query` names as `next`, checked."""
    try:
        return checked(parse_qs(query).get("next", [""])[0])
    except ValueError:
        return HOME


def checked(onward: str | None) -> str:
    """`onward` if it is one of our pages, else the page that everybody has: this is no open
    redirector (RFC 9700, 4.11)."""
    return onward if onward and len(onward) <= _MAX_LENGTH and _OURS.fullmatch(onward) else HOME


def link(page: str, onward: str) -> str:
    """The address of `page`, from which a person goes on to `onward`."""
    return f"/accounts/{page}?next={quote(onward, safe='')}"


async def form_target(onward: str) -> str:
    """The app to which `onward` may redirect at once, as a source of the policy `form-action`,
    which browsers hold the whole chain of redirects after a form to."""
    if not onward.startswith(f"{AUTHORIZE}?"):
        return ""
    try:
        wanted = await granting.authorization_request(onward.partition("?")[2])
    except RejectedRequest as error:
        return redirects.form_target(error.location)
    except UntrustedRequest:
        return ""
    return redirects.form_target(wanted.redirect_uri)
