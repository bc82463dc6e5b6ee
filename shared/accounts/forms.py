"""The token of our forms: it proves that the form was ours, for this browser and this request.

The browser holds a random cookie; the form holds a time and an HMAC over that cookie, what the
form is about (`bound_to`: its page, the authorization request, who is signed in) and the time.
A foreign site can neither read the cookie nor make the HMAC.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time

from shared.accounts.errors import StaleForm

FORM_LIFE_S = 1800
COOKIE_LIFE_S = 3600
_COOKIE = re.compile(r"[A-Za-z0-9_-]{32}")


def cookie_name(accounts_url: str) -> str:
    """The cookie's name; over https the `__Host-` prefix keeps siblings from setting it."""
    return "__Host-segue-sign-in" if accounts_url.startswith("https:") else "segue-sign-in"


def cookie_for(held: str | None) -> str:
    """The value of the cookie: what the browser holds, or a fresh one. Anything that we did not
    make is replaced, as it would be repeated in a header."""
    return held if held and _COOKIE.fullmatch(held) else secrets.token_urlsafe(24)


def set_cookie(accounts_url: str, cookie: str) -> str:
    """The Set-Cookie header that gives `cookie` to the browser."""
    secure = "; Secure" if accounts_url.startswith("https:") else ""
    attributes = f"Path=/; Max-Age={COOKIE_LIFE_S}; HttpOnly; SameSite=Lax{secure}"
    return f"{cookie_name(accounts_url)}={cookie}; {attributes}"


def form_token(key: bytes, cookie: str, bound_to: str, now_s: float | None = None) -> str:
    """The token for a form that is about `bound_to`."""
    issued = str(int(time.time() if now_s is None else now_s))
    return f"{issued}.{_mac(key, cookie, bound_to, issued)}"


def check(
    token: str, key: bytes, cookie: str | None, bound_to: str, now_s: float | None = None
) -> None:
    """Raises StaleForm unless `token` was made for this cookie and this request, at most half an
    hour ago."""
    issued, _, mac = token.partition(".")
    well_formed = issued.isascii() and issued.isdecimal() and len(issued) <= 12
    if cookie and well_formed:
        now_s = time.time() if now_s is None else now_s
        expected = _mac(key, cookie, bound_to, issued).encode()
        ours = hmac.compare_digest(mac.encode("utf-8", "replace"), expected)
        if ours and -60 <= now_s - int(issued) <= FORM_LIFE_S:
            return
    raise StaleForm("This page was open for too long. Please try once more.")


def _mac(key: bytes, cookie: str, bound_to: str, issued: str) -> str:
    parts = [part.encode("utf-8", "replace") for part in (issued, cookie, bound_to)]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.new(key, message, "sha256").hexdigest()
