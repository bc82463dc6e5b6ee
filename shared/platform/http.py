"""HTTP functions: a FastAPI app behind a functions-framework entry point.

    app = create_app("catalog")

    @app.get("/v1/tracks/{track_id}")
    async def get_track(track_id: TrackId, caller: Caller) -> Track: ...

    @functions_framework.aio.http
    async def catalog(request: Request) -> Response:
        return bridge(app)

Errors are raised as `DomainError`s and become responses in `shared.platform.responses`.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import SecurityScopes
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.platform import errors, telemetry
from shared.platform.auth import Principal, bearer_token, verify_access_token
from shared.platform.errors import InsufficientScope
from shared.platform.responses import domain_error_response, error_response

# FastAPI asks of every route's types whether they are Pydantic 1's, and imports that to know. It
# takes a failed import for a no, which spares each cold start 60 ms.
sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]

_PLACES = ("query", "path", "body", "header")
_CRASH_ANSWERED = "segue.crash_answered"
_log = logging.getLogger(__name__)


async def _on_domain_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.DomainError)
    return domain_error_response(error)


async def _on_invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = []
    for detail in error.errors():
        if detail["type"] == "json_invalid":
            return error_response(400, "Malformed JSON in the request body.")
        where = ".".join(str(part) for part in detail["loc"] if part not in _PLACES)
        faults.append(f"{where}: {detail['msg']}")
    return error_response(400, "; ".join(faults))


async def _on_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = "Service not found" if error.status_code == 404 else str(error.detail)
    return error_response(error.status_code, message, headers=dict(error.headers or {}))


async def _on_crash(request: Request, error: Exception) -> Response:
    request.scope[_CRASH_ANSWERED] = True
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(500, "Something went wrong on our side; please try again.")


def create_app(title: str) -> FastAPI:
    """A FastAPI app with the platform's errors and no interactive docs of its own."""
    telemetry.configure()
    return FastAPI(
        title=f"Segue {title}",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={
            errors.DomainError: _on_domain_error,
            RequestValidationError: _on_invalid_request,
            HTTPException: _on_http_exception,
            Exception: _on_crash,
        },
    )


async def authenticate(request: Request, needed: SecurityScopes) -> Principal:
    """FastAPI dependency: `Security(authenticate, scopes=["streaming"])`. All of the scopes are
    needed. Raises Unauthenticated or InsufficientScope."""
    principal = verify_access_token(bearer_token(request))
    missing = [scope for scope in needed.scopes if scope not in principal.scopes]
    if missing:
        raise InsufficientScope(f"Insufficient client scope; it needs: {' '.join(missing)}")
    return principal


Caller = Annotated[Principal, Depends(authenticate)]
"""A caller with any valid token."""


class _Bridge(Response):
    """A response that hands the request's ASGI scope to an app, which then answers it.

    The framework calls the entry point before anything of the body is read, so the app sees the
    request whole and may stream both ways.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        scope = dict(scope)
        if len(path) > 1 and path.endswith("/"):  # clients such as spotipy append one
            scope["path"] = path.rstrip("/")
        try:
            await self._app(scope, receive, send)
        except Exception:
            # Starlette raises again what its handler has answered and logged; the framework
            # would answer a second time.
            if _CRASH_ANSWERED not in scope:
                raise


def bridge(app: ASGIApp) -> Response:
    """The response by which `app` answers the current request."""
    return _Bridge(app)
