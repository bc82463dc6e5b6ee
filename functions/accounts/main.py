"""Sign-in, tokens and the caller's profile."""

from __future__ import annotations

from typing import Any

import functions_framework.aio
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from shared.accounts import errors as faults
from shared.accounts import render, requests, service, sign_in_form, tokens
from shared.platform.errors import DomainError, RateLimited
from shared.platform.http import Caller, bridge, create_app
from shared.platform.responses import domain_error_response
from shared.platform.settings import settings

app = create_app("accounts")
ANYONE = {"access-control-allow-origin": "*"}  # apps in a browser on another origin
NOT_STORED = {"cache-control": "no-store", "pragma": "no-cache", **ANYONE}
AN_HOUR = {"cache-control": "public, max-age=3600", **ANYONE}


@app.exception_handler(faults.OAuthError)
async def oauth_error(_: Request, error: faults.OAuthError) -> Response:
    headers = dict(NOT_STORED)
    if isinstance(error, faults.InvalidClient) and error.basic:
        headers["www-authenticate"] = 'Basic realm="segue"'
    body = {"error": error.code, "error_description": error.message}
    return JSONResponse(body, domain_error_response(error).status_code, headers=headers)


@app.exception_handler(faults.RejectedRequest)
async def back_to_the_app(_: Request, error: faults.RejectedRequest) -> Response:
    return RedirectResponse(error.location, 302, headers=NOT_STORED)


@app.exception_handler(faults.UntrustedRequest)
async def failure_page(_: Request, error: faults.UntrustedRequest) -> Response:
    from shared.accounts import pages

    html, headers = pages.failure(error.message)
    return HTMLResponse(html, domain_error_response(error).status_code, headers=headers)


@app.get("/accounts/authorize")
async def show_sign_in(request: Request) -> Response:
    return await _page(request)


@app.post("/accounts/authorize")
async def sign_in(request: Request) -> Response:
    wanted = await service.authorization_request(request.url.query)
    form = requests.parse_form(request.headers.get("content-type", ""), await request.body())
    username = form.get("username", "")
    address = requests.caller_address(
        request.headers.get("x-forwarded-for"), request.client and request.client.host
    )
    try:
        sign_in_form.check(
            form.get("form_token", ""), await tokens.form_key(), _cookie(request), wanted.query
        )
        location = await service.sign_in(wanted, username, form.get("password", ""), address)
    except (faults.WrongCredentials, faults.StaleForm, RateLimited) as error:
        return await _page(request, username, error)
    return RedirectResponse(location, 302, headers=NOT_STORED)


def _cookie(request: Request) -> str | None:
    return request.cookies.get(sign_in_form.cookie_name(settings().accounts_url))


async def _page(request: Request, username: str = "", error: DomainError | None = None) -> Response:
    from shared.accounts import pages

    wanted = await service.authorization_request(request.url.query)
    fault = error.message if error else None
    html, headers = await pages.sign_in(wanted, _cookie(request), username, fault)
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(error.retry_after_s)
    status = domain_error_response(error).status_code if error else 200
    return HTMLResponse(html, status, headers=headers)


@app.post("/accounts/api/token")
async def token(request: Request) -> Response:
    form = requests.parse_form(request.headers.get("content-type", ""), await request.body())
    issued = await service.issue_tokens(request.headers.get("authorization"), form)
    return JSONResponse(issued.model_dump(exclude_none=True), headers=NOT_STORED)


@app.post("/accounts/logout")
async def logout(request: Request) -> Response:
    form = requests.parse_form(request.headers.get("content-type", ""), await request.body())
    await service.revoke(request.headers.get("authorization"), form)
    return JSONResponse({}, headers=NOT_STORED)


@app.get("/accounts/.well-known/jwks.json")
async def keys() -> Response:
    return JSONResponse(settings().token_jwks, headers=AN_HOUR)


@app.get("/accounts/.well-known/openid-configuration")
@app.get("/accounts/.well-known/oauth-authorization-server")
async def metadata() -> Response:
    return JSONResponse(render.metadata(settings().accounts_url), headers=AN_HOUR)


@app.get("/v1/me")
async def me(caller: Caller) -> dict[str, Any]:
    user = await service.get_user(caller.require_user())
    return render.profile(user, caller.scopes, settings().public_url)


@functions_framework.aio.http
async def accounts(request: Request) -> Response:
    return bridge(app)
