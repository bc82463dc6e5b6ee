"""The lines of RFC 9700 (Best Current Practice for OAuth 2.0 Security) that apply to an
authorization server, each by what must not work."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc import jwt

from shared.accounts import service
from shared.platform.auth import AUDIENCE, verify_access_token
from shared.platform.errors import Unauthenticated
from tests import local_settings
from tests.emulator.accounts.conftest import (
    CALLBACK,
    CONFIDENTIAL,
    PASSWORD,
    PUBLIC,
    SECRET,
    THIRD_PARTY,
    GetCode,
    Person,
    ask,
    authorize_url,
    code_form,
    fault_of,
    form_token_of,
    query_of,
    send_form,
    sign_in,
    submit,
    tokens,
)

ISSUER = f"{local_settings.PUBLIC_URL}/accounts"
NATIVE = "native-app"
PAGES = ("authorize", "login", "signup", "device", "apps", "logout")


@pytest.fixture
async def native(person: Person) -> str:
    uris = ["http://127.0.0.1/cb", "http://localhost:3000/cb", "com.example.app:/cb"]
    await service.create_client(NATIVE, "A Native App", uris, None, ["streaming"], first_party=True)
    return NATIVE


# --- 2.1, 4.1: redirects ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK + "/",
        CALLBACK + "?x=1",
        CALLBACK + "#x",
        CALLBACK.upper(),
        CALLBACK.replace("https", "http"),
        CALLBACK.replace("app.example", "app.example.evil.example"),
        CALLBACK.replace("app.example", "sub.app.example"),
        CALLBACK.replace("app.example", "app.example:8443"),
        CALLBACK.replace("app.example", "evil@app.example"),
        CALLBACK.replace("app.example", "app.example@evil.example"),
        CALLBACK.replace("/callback", "/x/../callback"),
        CALLBACK.replace("callback", "c%61llback"),
        CALLBACK + "%00",
        f" {CALLBACK}",
        "//app.example/callback",
        "",
    ],
)
async def test_a_redirect_uri_matches_to_the_letter_or_is_not_followed(
    browser: httpx.AsyncClient, person: Person, uri: str
) -> None:
    for changes in ({}, {"prompt": "none"}, {"response_type": "token"}):
        response = await browser.get(authorize_url(redirect_uri=uri, **changes))
        assert response.status_code == 400
        assert "location" not in response.headers


@pytest.mark.parametrize(
    ("uri", "good"),
    [
        ("http://127.0.0.1:49152/cb", True),
        ("http://127.0.0.1/cb", True),
        ("com.example.app:/cb", True),
        ("http://localhost:3000/cb", True),
        ("http://localhost:3001/cb", False),
        ("http://127.0.0.1:49152/cb2", False),
        ("https://127.0.0.1:49152/cb", False),
        ("http://127.0.0.2:49152/cb", False),
        ("http://127.0.0.1.evil.example:80/cb", False),
        ("http://127.0.0.1:49152@evil.example/cb", False),
        ("com.example.other:/cb", False),
    ],
)
async def test_only_the_port_of_a_loopback_address_is_free(
    browser: httpx.AsyncClient, native: str, uri: str, good: bool
) -> None:
    url = authorize_url(native, redirect_uri=uri, scope="streaming")
    assert (await browser.get(url)).status_code == (200 if good else 400)


async def test_the_code_is_for_the_redirect_uri_that_it_was_sent_to(
    browser: httpx.AsyncClient, native: str, person: Person
) -> None:
    url = authorize_url(native, redirect_uri="http://127.0.0.1:5000/cb", scope="streaming")
    code = query_of(await submit(browser, url, person.user.username, PASSWORD))["code"]
    for uri in ("http://127.0.0.1:5001/cb", "com.example.app:/cb"):
        refused = await ask(browser, code_form(code, native, redirect_uri=uri))
        assert fault_of(refused) == "invalid_grant"
    await tokens(browser, code_form(code, native, redirect_uri="http://127.0.0.1:5000/cb"))


# --- 2.1.1, 4.5, 4.8: PKCE --------------------------------------------------------------------


@pytest.mark.parametrize("client_id", [PUBLIC, CONFIDENTIAL])
@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": "", "code_challenge_method": ""},
        {"code_challenge": ""},
        {"code_challenge_method": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": "short"},
    ],
)
async def test_no_app_gets_a_code_without_pkce_by_s256(
    browser: httpx.AsyncClient, person: Person, client_id: str, changes: dict[str, str]
) -> None:
    url = authorize_url(client_id, **changes)
    answers = [await browser.get(url), await browser.post(url, data={"form_token": "x"})]
    await sign_in(browser, person)
    answers.append(await browser.get(url))
    for response in answers:
        query = query_of(response)
        assert query["error"] == "invalid_request"
        assert "code" not in query


@pytest.mark.parametrize("verifier", [None, "", "w" * 64, "v" * 63, "v" * 65])
async def test_a_code_is_worth_nothing_without_its_verifier(
    browser: httpx.AsyncClient, get_code: GetCode, verifier: str | None
) -> None:
    code, auth = await get_code(CONFIDENTIAL), (CONFIDENTIAL, SECRET)
    form = code_form(code, None, code_verifier=verifier)
    assert fault_of(await ask(browser, form, auth)) in ("invalid_request", "invalid_grant")
    await tokens(browser, code_form(code, None), auth)


async def test_a_code_from_another_session_cannot_be_injected(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    stolen = await get_code(code_challenge="a" * 43)
    assert fault_of(await ask(browser, code_form(stolen))) == "invalid_grant"


# --- 2.1.2, 2.4: what there is not ------------------------------------------------------------


@pytest.mark.parametrize(
    "response_type", ["token", "id_token", "code token", "code id_token", "none", ""]
)
async def test_no_token_comes_from_the_authorization_endpoint(
    browser: httpx.AsyncClient, person: Person, response_type: str
) -> None:
    await sign_in(browser, person)
    response = await browser.get(authorize_url(response_type=response_type))
    assert query_of(response)["error"] in ("unsupported_response_type", "invalid_request")
    assert "access_token" not in response.headers["location"]
    assert "#" not in response.headers["location"]


@pytest.mark.parametrize(
    "grant_type",
    ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "code", 'x"\\é'],
)
async def test_no_other_grant_is_known(
    browser: httpx.AsyncClient, person: Person, grant_type: str
) -> None:
    form = {"grant_type": grant_type, "username": person.user.username, "password": PASSWORD}
    for auth in (None, (CONFIDENTIAL, SECRET)):
        named = form if auth else {**form, "client_id": PUBLIC}
        assert fault_of(await ask(browser, named, auth)) == "unsupported_grant_type"


async def test_the_metadata_promise_none_of_it(browser: httpx.AsyncClient, person: Person) -> None:
    paths = (
        "/accounts/.well-known/oauth-authorization-server",
        "/accounts/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/accounts",
    )
    for path in paths:
        metadata = (await browser.get(path)).json()
        assert metadata["issuer"] == ISSUER
        assert metadata["response_types_supported"] == ["code"]
        assert metadata["code_challenge_methods_supported"] == ["S256"]
        assert not {"password", "implicit"} & set(metadata["grant_types_supported"])
        assert metadata["authorization_response_iss_parameter_supported"] is True


# --- 2.2.1: audience --------------------------------------------------------------------------


async def test_a_token_is_for_our_api_and_no_other(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    token = (await tokens(browser, code_form(await get_code())))["access_token"]
    key = local_settings.signing_key()
    claims = jwt.decode(token, key).claims
    assert claims["aud"] == AUDIENCE
    assert claims["iss"] == ISSUER
    header = {"alg": "ES256", "kid": "test-1", "typ": "at+jwt"}
    for changes in ({"aud": "another-api"}, {"aud": None}, {"iss": "https://evil.example"}):
        other = jwt.encode(header, {**claims, **changes}, key)
        with pytest.raises(Unauthenticated):
            verify_access_token(other)


# --- 2.3, 4.14: refresh tokens ----------------------------------------------------------------


async def test_a_refresh_token_gives_no_more_than_was_granted(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    token = (await tokens(browser, code_form(await get_code(scope="streaming"))))["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": PUBLIC}
    refused = await ask(browser, {**form, "scope": "streaming user-read-email"})
    assert fault_of(refused) == "invalid_scope"


async def test_a_refresh_token_is_for_its_own_app(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    token = (await tokens(browser, code_form(await get_code())))["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    refused = await ask(browser, form, (CONFIDENTIAL, SECRET))
    assert fault_of(refused) == "invalid_grant"
    named = {**form, "client_id": THIRD_PARTY}
    assert fault_of(await ask(browser, named)) == "invalid_grant"
    await tokens(browser, {**form, "client_id": PUBLIC})


# --- 2.5: client authentication ---------------------------------------------------------------


async def test_a_confidential_app_proves_itself_at_every_endpoint(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    code = await get_code(CONFIDENTIAL)
    issued = await tokens(browser, code_form(code, None), (CONFIDENTIAL, SECRET))
    named = {"client_id": CONFIDENTIAL}
    refresh = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    for path, form in (
        ("api/token", refresh),
        ("api/token", {"grant_type": "client_credentials"}),
        ("api/token", {**refresh, "client_secret": "wrong"}),
        ("api/revoke", {"token": issued["refresh_token"]}),
        ("api/introspect", {"token": issued["refresh_token"]}),
        ("api/device_authorization", {}),
    ):
        refused = await browser.post(f"/accounts/{path}", data={**form, **named})
        assert fault_of(refused, 401) == "invalid_client"
    await tokens(browser, refresh, (CONFIDENTIAL, SECRET))


# --- 4.2, 4.3: leaks --------------------------------------------------------------------------


async def test_no_address_leaks_by_a_referrer_and_no_page_loads_from_elsewhere(
    browser: httpx.AsyncClient, person: Person
) -> None:
    responses = [await browser.get(authorize_url()), await browser.get(authorize_url(scope="fly"))]
    await sign_in(browser, person)
    responses.append(await browser.get(authorize_url(THIRD_PARTY)))
    responses += [await browser.get(f"/accounts/{page}") for page in PAGES]
    for response in responses:
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"
        assert not re.search(r'(?:src|action)="https?:', response.text)


async def test_a_token_in_the_address_is_no_token(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    token = (await tokens(browser, code_form(await get_code())))["access_token"]
    url = f"/accounts/api/register?access_token={token}"
    assert (await browser.post(url, json={})).status_code == 401


# --- 4.4: mix-up ------------------------------------------------------------------------------


async def test_every_answer_to_an_app_says_who_gives_it(
    browser: httpx.AsyncClient, person: Person
) -> None:
    denied = authorize_url(THIRD_PARTY)
    answers = [
        await browser.get(authorize_url(scope="fly")),
        await browser.get(authorize_url(prompt="none")),
        await submit(browser, authorize_url(), person.user.username, PASSWORD),
        await browser.get(authorize_url()),
        await send_form(browser, denied, decision="deny"),
        await send_form(browser, denied, decision="allow"),
    ]
    for response in answers:
        query = query_of(response)
        assert query["iss"] == ISSUER
        assert query["state"] == "the-state"


# --- 4.7: cross-site requests -----------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
async def test_no_form_is_taken_from_elsewhere(
    browser: httpx.AsyncClient, person: Person, page: str
) -> None:
    own = f"/accounts/{page}" if page != "authorize" else authorize_url(THIRD_PARTY)
    await sign_in(browser, person)
    cookies = dict(browser.cookies)
    other_form = "/accounts/login" if page == "signup" else "/accounts/signup"
    foreign = form_token_of(await browser.get(other_form))
    fields = {
        "username": person.user.username,
        "password": PASSWORD,
        "decision": "allow",
        "action": "register",
        "name": "X",
        "redirect_uris": CALLBACK,
        "user_code": "BBBB-BBBB",
    }
    for token in (foreign, "", "1.x"):
        refused = await browser.post(own, data={**fields, "form_token": token})
        assert refused.status_code == 400, page
        assert "set-cookie" not in refused.headers or "session" not in refused.headers["set-cookie"]
    assert browser.cookies["segue-session"] == cookies["segue-session"]


# --- 4.11, 4.12: redirectors ------------------------------------------------------------------


@pytest.mark.parametrize("page", ["login", "signup"])
@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_signing_in_leads_nowhere_else(
    browser: httpx.AsyncClient, person: Person, page: str, to: str
) -> None:
    shown = await browser.get(f"/accounts/{page}", params={"next": to})
    assert "evil" not in shown.text
    if page == "login":
        fields = {"username": person.user.username, "password": PASSWORD}
        token = form_token_of(shown)
        signed_in = await browser.post(
            f"/accounts/{page}", params={"next": to}, data={**fields, "form_token": token}
        )
        assert signed_in.headers["location"] == "/accounts/apps"


async def test_no_browser_sends_a_password_on(browser: httpx.AsyncClient, person: Person) -> None:
    signed_in = await submit(browser, authorize_url(), person.user.username, PASSWORD)
    allowed = await send_form(browser, authorize_url(THIRD_PARTY), decision="allow")
    for response in (signed_in, allowed):
        assert response.status_code == 303  # a GET follows, whatever the method was
        assert PASSWORD not in response.headers["location"]


# --- 4.15: an app is no person ----------------------------------------------------------------


async def test_an_app_named_like_a_person_is_not_that_person(
    browser: httpx.AsyncClient, person: Person
) -> None:
    await service.create_client(person.user.id, "Impostor", [CALLBACK], SECRET, [])
    form = {"grant_type": "client_credentials"}
    issued = await tokens(browser, form, (person.user.id, SECRET))
    assert verify_access_token(issued["access_token"]).user_id is None


# --- 4.16: clickjacking -----------------------------------------------------------------------


async def test_no_page_can_be_framed(browser: httpx.AsyncClient, person: Person) -> None:
    pages = [authorize_url(), authorize_url(client_id="nobody"), "/accounts/login"]
    responses = [await browser.get(page) for page in (*pages, "/accounts/signup")]
    await sign_in(browser, person)
    responses += [await browser.get(f"/accounts/{page}") for page in PAGES]
    responses.append(await browser.get(authorize_url(THIRD_PARTY)))
    for response in responses:
        assert urlsplit(str(response.url)).path.startswith("/accounts/")
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert response.headers["x-frame-options"] == "DENY"
        assert "<script" not in response.text
