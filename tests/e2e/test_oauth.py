"""OAuth against the running local cloud, by HTTP alone, as apps and people use it."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from emulators import seed
from tests.unit.accounts.prover import Prover
from tests.whole_cloud import WholeCloud

CALLBACK = "http://127.0.0.1:49152/callback"
SCOPE = "user-read-private user-read-email"
VERIFIER = secrets.token_urlsafe(48)
PASSWORD = "correct horse battery"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
Registered = tuple[httpx.Client, str, dict[str, Any]]


def _send(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    page = browser.get(path)
    token = re.search(r'name="form_token" value="([^"]*)"', page.text)
    assert token, page.text
    return browser.post(path, data={"form_token": unescape(token[1]), **fields})


def _query(response: httpx.Response) -> dict[str, str]:
    assert response.status_code in (302, 303), response.text
    found = parse_qs(urlsplit(response.headers["location"]).query)
    return {name: value for name, (value,) in found.items()}


def _authorize_path(client_id: str, **changes: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "state": "s",
        "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **changes,
    }
    return f"/accounts/authorize?{urlencode(parameters)}"


def _code_form(code: str, client_id: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "client_id": client_id,
        "code_verifier": VERIFIER,
    }


def _get_me(cloud: WholeCloud, authorization: str, *proofs: str) -> httpx.Response:
    headers = [("authorization", authorization), *(("dpop", proof) for proof in proofs)]
    return httpx.get(f"{cloud.url}/v1/me", headers=headers, timeout=30, trust_env=False)


@pytest.fixture
def registered(whole_cloud: WholeCloud) -> Any:
    """The browser of a person who has just signed up, their name, and a public app of theirs."""
    with httpx.Client(base_url=whole_cloud.url, timeout=30, trust_env=False) as browser:
        username = f"ada-{secrets.token_hex(6)}"
        made = _send(
            browser,
            "/accounts/signup",
            username=username,
            email=f"{username}@segue.example",
            password=PASSWORD,
            country="FR",
            display_name="Ada",
        )
        assert made.status_code == 303, made.text
        page = _send(
            browser,
            "/accounts/apps",
            action="register",
            name="My App",
            kind="public",
            redirect_uris="http://127.0.0.1/callback",
        )
        client_id = re.search(r'<code id="client_id">([^<]+)</code>', page.text)
        assert client_id, page.text
        query = _query(_send(browser, _authorize_path(client_id[1]), decision="allow"))
        assert query["iss"] == whole_cloud.cloud.accounts_url
        issued = browser.post("/accounts/api/token", data=_code_form(query["code"], client_id[1]))
        assert issued.status_code == 200, issued.text
        yield browser, client_id[1], issued.json()


def test_a_new_person_allows_a_new_app_and_it_reads_their_profile(
    whole_cloud: WholeCloud, registered: Registered
) -> None:
    browser, client_id, issued = registered
    me = _get_me(whole_cloud, f"Bearer {issued['access_token']}")
    assert me.status_code == 200, me.text
    assert (me.json()["display_name"], me.json()["country"]) == ("Ada", "FR")
    assert me.json()["product"] == "free"
    assert "code" in _query(browser.get(_authorize_path(client_id)))  # consent is remembered
    again = _authorize_path(client_id, show_dialog="True")
    assert "Allow My App?" in browser.get(again).text


def test_a_refresh_token_that_comes_twice_ends_its_family(registered: Registered) -> None:
    browser, client_id, issued = registered
    form = {"grant_type": "refresh_token", "client_id": client_id}
    first = {**form, "refresh_token": issued["refresh_token"]}
    second = browser.post("/accounts/api/token", data=first)
    assert second.status_code == 200
    for token in (issued["refresh_token"], second.json()["refresh_token"]):
        refused = browser.post("/accounts/api/token", data={**form, "refresh_token": token})
        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_grant"


def test_a_code_that_comes_twice_takes_its_tokens_back(registered: Registered) -> None:
    browser, client_id, _ = registered
    form = _code_form(_query(browser.get(_authorize_path(client_id)))["code"], client_id)
    issued = browser.post("/accounts/api/token", data=form)
    assert browser.post("/accounts/api/token", data=form).json()["error"] == "invalid_grant"
    refresh = {
        "grant_type": "refresh_token",
        "client_id": client_id,
        "refresh_token": issued.json()["refresh_token"],
    }
    assert browser.post("/accounts/api/token", data=refresh).status_code == 400


def test_a_bound_token_works_at_the_api_with_its_key_alone_and_each_proof_once(
    whole_cloud: WholeCloud, registered: Registered
) -> None:
    browser, client_id, _ = registered
    prover, url = Prover(), f"{whole_cloud.url}/v1/me"
    code = _query(browser.get(_authorize_path(client_id)))["code"]
    proof = prover.prove("POST", f"{whole_cloud.cloud.accounts_url}/api/token")
    issued = browser.post(
        "/accounts/api/token", data=_code_form(code, client_id), headers={"dpop": proof}
    )
    assert issued.json()["token_type"] == "DPoP", issued.text
    token = issued.json()["access_token"]
    good = prover.prove("GET", url, token)
    assert _get_me(whole_cloud, f"DPoP {token}", good).status_code == 200
    for _ in range(4):  # the workers share nothing but the store
        replayed = _get_me(whole_cloud, f"DPoP {token}", good)
        assert replayed.status_code == 401
        assert replayed.headers["www-authenticate"].startswith("DPoP ")
    for authorization, proofs in (
        (f"Bearer {token}", []),
        (f"DPoP {token}", []),
        (f"DPoP {token}", [Prover().prove("GET", url, token)]),
        (f"DPoP {token}", [prover.prove("GET", f"{url}/playlists", token)]),
    ):
        assert _get_me(whole_cloud, authorization, *proofs).status_code == 401


def test_a_device_is_let_in_by_its_person(whole_cloud: WholeCloud, registered: Registered) -> None:
    browser, client_id, _ = registered
    form = {"client_id": client_id, "scope": SCOPE, "device_id": "tv-1"}
    started = browser.post("/accounts/api/device_authorization", data=form).json()
    poll = {
        "grant_type": DEVICE_GRANT,
        "device_code": started["device_code"],
        "client_id": client_id,
    }
    assert browser.post("/accounts/api/token", data=poll).json()["error"] == "authorization_pending"
    assert browser.post("/accounts/api/token", data=poll).json()["error"] == "slow_down"
    page = urlsplit(started["verification_uri_complete"])
    answer = {"user_code": started["user_code"], "decision": "allow"}
    assert "connected" in _send(browser, f"{page.path}?{page.query}", **answer).text
    issued = browser.post("/accounts/api/token", data=poll)
    assert issued.status_code == 200, issued.text
    me = _get_me(whole_cloud, f"Bearer {issued.json()['access_token']}")
    assert me.status_code == 200


def test_a_confidential_app_asks_about_and_revokes_its_own_tokens(whole_cloud: WholeCloud) -> None:
    auth = (seed.DEMO_CLIENT, seed.DEMO_CLIENT_SECRET)
    with httpx.Client(base_url=whole_cloud.url, timeout=30, trust_env=False) as app:
        form = {"grant_type": "client_credentials"}
        token = app.post("/accounts/api/token", data=form, auth=auth).json()["access_token"]
        own = app.post("/accounts/api/introspect", data={"token": token}, auth=auth).json()
        assert own["active"] is True
        foreign = {"token": whole_cloud.token()}
        answer = app.post("/accounts/api/introspect", data=foreign, auth=auth)
        assert answer.json() == {"active": False}


def test_every_discovery_document_is_where_it_is_looked_for(whole_cloud: WholeCloud) -> None:
    issuer = whole_cloud.cloud.accounts_url
    for path in (
        "/accounts/.well-known/oauth-authorization-server",
        "/accounts/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/accounts",
    ):
        metadata = httpx.get(f"{whole_cloud.url}{path}", trust_env=False).json()
        assert metadata["issuer"] == issuer
        assert httpx.get(metadata["jwks_uri"], trust_env=False).json()["keys"]


def test_no_redirect_but_the_registered_no_challenge_but_s256(whole_cloud: WholeCloud) -> None:
    with httpx.Client(base_url=whole_cloud.url, timeout=30, trust_env=False) as browser:
        evil = _authorize_path(seed.DEMO_CLIENT, redirect_uri="https://evil.example/")
        refused = browser.get(evil)
        assert refused.status_code == 400
        assert "location" not in refused.headers
        for changes in ({"code_challenge": ""}, {"code_challenge_method": "plain"}):
            query = _query(browser.get(_authorize_path(seed.DEMO_CLIENT, **changes)))
            assert query["error"] == "invalid_request"
            assert query["iss"] == whole_cloud.cloud.accounts_url
