"""Signs a simulated person in through the accounts pages, as a browser does, and up where nobody
has that name: authorization code with PKCE, by HTTP alone."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx

from shared.simulation.api import patiently

SCOPES = (
    "streaming",
    "user-follow-modify",
    "user-follow-read",
    "user-library-modify",
    "user-library-read",
    "user-personalized",
    "user-read-private",
    "user-read-recently-played",
    "user-top-read",
    "playlist-modify-private",
    "playlist-modify-public",
    "playlist-read-private",
)
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]*)"')
_FAULT = re.compile(r'(?:role="alert"|class="wrong")[^>]*>(.*?)</', re.DOTALL)
_WENT_ON = (302, 303)


class SignInFailed(RuntimeError):
    """No token; the message is what the server said, and what to do."""


@dataclass(frozen=True, slots=True)
class App:
    """The app that people sign in to; `redirect_uri` must be one of its own."""

    accounts_url: str
    client_id: str
    redirect_uri: str
    client_secret: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in; the rest is for signing up."""

    username: str
    password: str
    country: str = "US"
    display_name: str = ""

    @property
    def email(self) -> str:
        """An address that nobody has (RFC 2606)."""
        return f"{self.username}@listeners.example"


async def sign_in(app: App, account: Account) -> str:
    """A new access token. Raises SignInFailed, or httpx.HTTPError when nobody answers."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    query = urlencode(
        {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uri,
            "scope": " ".join(SCOPES),
            "state": verifier[:12],
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
    )
    async with httpx.AsyncClient(timeout=30, trust_env=False) as browser:
        pages = _Pages(browser, app)
        authorize = f"{app.accounts_url}/authorize?{query}"
        answer = await pages.submit(
            authorize, {"username": account.username, "password": account.password}
        )
        if answer.status_code not in _WENT_ON:  # unknown, or the password is wrong
            answer = await _sign_up(pages, app, account, query)
        code = await pages.code(answer)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": app.redirect_uri,
            "client_id": app.client_id,
            "code_verifier": verifier,
            **({"client_secret": app.client_secret} if app.client_secret else {}),
        }
        token_url = f"{app.accounts_url}/api/token"
        issued = await patiently(lambda: browser.post(token_url, data=form))
    if issued.status_code != 200:
        raise SignInFailed(_said(issued))
    return str(issued.json()["access_token"])


async def _sign_up(pages: _Pages, app: App, account: Account, query: str) -> httpx.Response:
    onward = quote(f"{urlsplit(app.accounts_url).path}/authorize?{query}", safe="")
    fields = {
        "username": account.username,
        "password": account.password,
        "email": account.email,
        "country": account.country,
        "display_name": account.display_name,
    }
    answer = await pages.submit(f"{app.accounts_url}/signup?next={onward}", fields)
    if answer.status_code not in _WENT_ON:
        raise SignInFailed(
            f"{account.username} can neither sign in nor up ({_said(answer)}); "
            "if the name is taken, give its --password or another --prefix"
        )
    return answer


class _Pages:
    """A browser on the accounts pages."""

    def __init__(self, browser: httpx.AsyncClient, app: App) -> None:
        self._browser, self._app = browser, app

    async def submit(self, url: str, fields: Mapping[str, str]) -> httpx.Response:
        """The answer to the form at `url`."""
        page = await patiently(lambda: self._browser.get(url))
        token = _FORM_TOKEN.search(page.text)
        if token is None:
            raise SignInFailed(_said(page))
        form = {"form_token": unescape(token[1]), **fields}
        return await patiently(lambda: self._browser.post(url, data=form))

    async def code(self, answer: httpx.Response) -> str:
        """The code that is found by following redirects, and allowing the app what it asks for."""
        for _ in range(5):
            where = httpx.URL(str(answer.url)).join(answer.headers["location"])
            if str(where).startswith(self._app.redirect_uri):
                back = parse_qs(where.query.decode())
                if "code" not in back:
                    raise SignInFailed(": ".join(v[0] for v in back.values()))
                return back["code"][0]
            target = str(where)
            answer = await patiently(lambda to=target: self._browser.get(to))  # type: ignore[misc]
            if answer.status_code not in _WENT_ON:
                answer = await self.submit(target, {"decision": "allow"})
            if answer.status_code not in _WENT_ON:
                break
        raise SignInFailed(_said(answer))


def _said(answer: httpx.Response) -> str:
    fault = _FAULT.search(answer.text)
    said = unescape(fault[1]).strip() if fault else answer.text[:300]
    return f"{answer.status_code}: {said}"
