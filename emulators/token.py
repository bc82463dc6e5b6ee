"""Signs in as an app does, by HTTP alone, and prints the tokens.

python -m emulators.token --user U --password P --scope "streaming" --accounts-url URL
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import secrets
import sys
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

CLIENT_ID = "segue-web-player"
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]*)"')
_FAULT = re.compile(r'role="alert"[^>]*>(.*?)</p>', re.DOTALL)


class SignInError(RuntimeError):
    """The sign-in did not give a token; the message is what the server said."""


def mint(
    accounts_url: str,
    username: str,
    password: str,
    client_id: str,
    redirect_uri: str,
    scope: str,
    client_secret: str | None = None,
) -> dict[str, Any]:
    """The token endpoint's answer (`access_token`, `refresh_token`, `expires_in`, `scope`) after
    authorization code and PKCE. Raises SignInError, or httpx.HTTPError when nobody answers."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    state = secrets.token_urlsafe(12)
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": scope,
            "state": state,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
    )
    with httpx.Client(timeout=30, trust_env=False) as browser:
        url = f"{accounts_url}/authorize?{query}"
        page = browser.get(url)
        form_token = _FORM_TOKEN.search(page.text)
        if form_token is None:
            raise SignInError(_said(page))
        fields = {"form_token": unescape(form_token[1]), "username": username, "password": password}
        answer = browser.post(url, data=fields)
        if answer.status_code in (302, 303) and answer.headers["location"].startswith("/accounts/"):
            answer = _allow(browser, httpx.URL(url).join(answer.headers["location"]))
        if answer.status_code not in (302, 303):
            raise SignInError(_said(answer))
        back = parse_qs(urlsplit(answer.headers["location"]).query)
        if "code" not in back or back.get("state") != [state] or back.get("iss") != [accounts_url]:
            raise SignInError(_said(answer))
        form = {
            "grant_type": "authorization_code",
            "code": back["code"][0],
            "redirect_uri": redirect_uri,
            "client_id": client_id,
            "code_verifier": verifier,
        }
        if client_secret:
            form["client_secret"] = client_secret
        issued = browser.post(f"{accounts_url}/api/token", data=form)
    if issued.status_code != 200:
        raise SignInError(_said(issued))
    tokens: dict[str, Any] = issued.json()
    return tokens


def _allow(browser: httpx.Client, url: httpx.URL) -> httpx.Response:
    """Allows what an app that is not ours asks for, unless that was allowed before."""
    page = browser.get(url)
    form_token = _FORM_TOKEN.search(page.text)
    if form_token is None:
        return page
    fields = {"form_token": unescape(form_token[1]), "decision": "allow"}
    return browser.post(url, data=fields)


def _said(answer: httpx.Response) -> str:
    if location := answer.headers.get("location"):
        back = parse_qs(urlsplit(location).query)
        return ": ".join(back.get("error", []) + back.get("error_description", [])) or location
    fault = _FAULT.search(answer.text)
    said = unescape(fault[1]).strip() if fault else answer.text[:500]
    return f"{answer.status_code}: {said}"


def main() -> None:
    """Prints the access token and the refresh token, one a line, or all of it with `--json`."""
    parser = argparse.ArgumentParser(description="Signs in to a running Segue; prints its tokens.")
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--scope", default="", help="scopes, separated by spaces")
    parser.add_argument("--accounts-url", default="http://127.0.0.1:8080/accounts")
    parser.add_argument("--client-id", default=CLIENT_ID)
    parser.add_argument("--client-secret", help="for a client that has one")
    parser.add_argument("--redirect-uri", help="by default the web player's")
    parser.add_argument("--json", action="store_true", help="print the whole answer")
    wanted = parser.parse_args()
    accounts_url = wanted.accounts_url.rstrip("/")
    redirect_uri = wanted.redirect_uri or f"{accounts_url.removesuffix('/accounts')}/callback"
    try:
        tokens = mint(
            accounts_url,
            wanted.user,
            wanted.password,
            wanted.client_id,
            redirect_uri,
            wanted.scope,
            wanted.client_secret,
        )
    except (SignInError, httpx.HTTPError) as error:
        sys.exit(f"no token: {error}")
    if wanted.json:
        print(json.dumps(tokens))
    else:
        print(f"access_token: {tokens['access_token']}")
        print(f"refresh_token: {tokens['refresh_token']}")


if __name__ == "__main__":
    main()
