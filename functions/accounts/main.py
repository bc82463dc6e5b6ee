"""Sign-in, sign-up, consent, devices, developers' apps, and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import functions_framework.aio
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from shared.abuse import service as abuse
from shared.accounts import errors as faults
from shared.accounts import granting, registration, render, requests, sessions
from shared.platform.errors import RateLimited
from shared.platform.http import Caller, bridge, create_app
from shared.platform.responses import domain_error_response
from shared.platform.settings import settings

if TYPE_CHECKING:
    from shared.accounts import pages

# No page but ours may read the pages that people sign in on (RFC 9700, 2.6).
app = create_app("accounts", cross_origin_below="/accounts/api/")
ANYONE = {"access-control-allow-origin": "*"}  # apps in a browser on another origin
NOT_STORED = {"cache-control": "no-store", "pragma": "no-cache"}
ANSWER = {**NOT_STORED, **ANYONE}
FORM = ["GET", "POST"]
AN_HOUR = {"cache-control": "public, max-age=3600", **ANYONE}


@app.exception_handler(faults.OAuthError)
async def oauth_error(_: Request, error: faults.OAuthError) -> Response:
    headers = dict(ANSWER)
    if isinstance(error, faults.InvalidClient) and error.basic:
        headers["www-authenticate"] = 'Basic realm="segue"'
    body = {"error": error.code, "error_description": error.message}
    return JSONResponse(body, domain_error_response(error).status_code, headers=headers)


@app.exception_handler(faults.RejectedRequest)
async def back_to_the_app(request: Request, error: faults.RejectedRequest) -> Response:
    return _onward(request, error.location)


@app.exception_handler(faults.UntrustedRequest)
async def failure_page(_: Request, error: faults.UntrustedRequest) -> Response:
    from shared.accounts import pages

    return _page(pages.failure(error))


# --- for people -------------------------------------------------------------------------------


@app.api_route("/accounts/authorize", methods=FORM, include_in_schema=False)
@app.api_route("/accounts/login", methods=FORM, include_in_schema=False)
@app.api_route("/accounts/signup", methods=FORM, include_in_schema=False)
@app.api_route("/accounts/device", methods=FORM, include_in_schema=False)
@app.api_route("/accounts/apps", methods=FORM, include_in_schema=False)
@app.api_route("/accounts/logout", methods=FORM, include_in_schema=False)
async def page(request: Request) -> Response:
    from shared.accounts import pages

    name, query = request.url.path.rpartition("/")[2], request.url.query
    browser = sessions.browser_of(request)
    if request.method == "GET":
        shown = await pages.screen(name).show(browser, query)
    else:
        form = await _form(request)
        if name == "logout" and "token" in form:  # what revocation was called at first
            return _answer(await granting.answer("revoke", _authorization(request), form))
        shown = await pages.screen(name).submit(browser, query, form)
    if isinstance(shown, pages.Redirect):
        return _onward(request, shown.location, shown.cookie)
    return _page(shown)


def _page(shown: pages.Page) -> Response:
    status = domain_error_response(shown.fault).status_code if shown.fault else 200
    headers = dict(shown.headers)
    if isinstance(shown.fault, RateLimited):
        headers["retry-after"] = str(shown.fault.retry_after_s)
    return HTMLResponse(shown.html, status, headers=headers)


def _onward(request: Request, location: str, cookie: str | None = None) -> Response:
    # After a form 303, so that no browser sends the password on (RFC 9700, 4.12).
    headers = {**NOT_STORED, "referrer-policy": "no-referrer"}
    if cookie:
        headers["set-cookie"] = cookie
    return RedirectResponse(location, 302 if request.method == "GET" else 303, headers=headers)


def _authorization(request: Request) -> str | None:
    return request.headers.get("authorization")


async def _form(request: Request) -> dict[str, str]:
    return requests.parse_form(request.headers.get("content-type", ""), await request.body())


# --- for programs -----------------------------------------------------------------------------


@app.post("/accounts/api/token")
async def token(request: Request) -> Response:
    form, proof = await _form(request), await requests.proven_key(request)
    issued = await granting.issue_tokens(
        _authorization(request), form, proof, is_suspected=abuse.is_suspected
    )
    return _answer(issued)


@app.post("/accounts/api/device_authorization")
@app.post("/accounts/api/revoke")
@app.post("/accounts/api/introspect")
async def endpoint(request: Request) -> Response:
    name, form = request.url.path.rpartition("/")[2], await _form(request)
    return _answer(await granting.answer(name, _authorization(request), form))


@app.post("/accounts/api/register", status_code=201)
async def register(request: Request, caller: Caller) -> Response:
    return _answer(await registration.register(caller, await request.body()), 201)


@app.get("/accounts/.well-known/jwks.json")
async def keys() -> Response:
    return JSONResponse(settings().token_jwks, headers=AN_HOUR)


@app.get("/accounts/.well-known/openid-configuration")
@app.get("/accounts/.well-known/oauth-authorization-server")
@app.get("/.well-known/oauth-authorization-server/accounts")
async def metadata() -> Response:
    return JSONResponse(render.metadata(settings().accounts_url), headers=AN_HOUR)


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(body, status, headers=ANSWER)


@functions_framework.aio.http
async def accounts(request: Request) -> Response:
    return bridge(app)
