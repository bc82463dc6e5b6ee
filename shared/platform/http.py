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
import re
import sys
from functools import cache, lru_cache
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.models import OAuth2 as OAuth2Model
from fastapi.openapi.models import OAuthFlows as OAuthFlowsModel
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared import topology
from shared.platform import errors, telemetry
from shared.platform.auth import Principal, principal_of
from shared.platform.caching import respond
from shared.platform.errors import InsufficientScope
from shared.platform.idempotency import once
from shared.platform.rate_limits import SUSPECTED_SHARE, admit
from shared.platform.responses import domain_error_response, error_response
from shared.platform.shapes import ErrorBody
from shared.topology import RateClass

__all__ = [
    "Caller",
    "answers",
    "authenticate",
    "authenticate_any",
    "bridge",
    "create_app",
    "once",
    "respond",
]

# FastAPI asks of every route's types whether they are Pydantic 1's, and imports that to know. It
# takes a failed import for a no, which spares each cold start 60 ms.
sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]

_PLACES = ("query", "path", "body", "header")
PREFLIGHT_KEPT_S = 86_400
_PARAMETER = re.compile(r"\{[^}]*\}")
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


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = "Service not found" if error.status_code == 404 else str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods_of(request))
    return error_response(error.status_code, message, headers=headers)


def _methods_of(request: Request) -> list[str]:
    """What the path takes: each method is a route of its own, and Starlette tells of the first."""
    app: FastAPI = request.app
    routes = [route for route in app.routes if isinstance(route, Route)]
    matching = (one for one in routes if one.matches(request.scope)[0] is not Match.NONE)
    first = next(matching, None)
    return sorted(
        method
        for route in routes
        if first is not None and route.path == first.path
        for method in route.methods or ()
    )


async def _on_crash(request: Request, error: Exception) -> Response:
    request.scope[_CRASH_ANSWERED] = True
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(500, "Something went wrong on our side; please try again.")


class _CrossOrigin(CORSMiddleware):
    """Lets pages of any origin call what lies below `below`."""

    def __init__(self, app: ASGIApp, below: str) -> None:
        super().__init__(
            app,
            allow_origins=["*"],
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["ETag", "Idempotent-Replayed", "Location", "Retry-After"],
            max_age=PREFLIGHT_KEPT_S,
        )
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(self._below):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def create_app(name: str, *, cross_origin_below: str = "/") -> FastAPI:
    """The FastAPI app of the topology's function `name`, with the platform's errors and no
    interactive docs of its own (all functions share one document).

    Pages of any origin may call what lies below `cross_origin_below`, because what opens it is a
    token, never a cookie.
    """
    telemetry.configure()
    app = FastAPI(
        title=f"Segue {name}",
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
    app.add_middleware(_CrossOrigin, below=cross_origin_below)
    return app


class _Authentication(SecurityBase):
    """FastAPI dependency: the caller, whose token carries the scopes that the route declares
    (`Security(authenticate, scopes=[...])`), all of them or any, and whose window of the route's
    rate class has room.

    Raises Unauthenticated, RateLimited or InsufficientScope.
    """

    model = OAuth2Model(flows=OAuthFlowsModel())  # the document fills in the addresses

    def __init__(self, *, any_of: bool) -> None:
        self._any_of = any_of
        self.scheme_name = "segue_any" if any_of else "segue"  # emulators/api_document.py reads it

    async def __call__(self, request: Request, needed: SecurityScopes) -> Principal:
        caller = await principal_of(request)
        await admit(
            caller.user_id or f"app:{caller.client_id}",
            _rate_class(request),
            share=SUSPECTED_SHARE if caller.suspected else 1.0,
        )
        missing = [scope for scope in needed.scopes if scope not in caller.scopes]
        if missing and not (self._any_of and len(missing) < len(needed.scopes)):
            words = "one of" if self._any_of else "these scopes"
            raise InsufficientScope(
                f"Insufficient client scope; it needs {words}: {' '.join(needed.scopes)}"
            )
        return caller


authenticate = _Authentication(any_of=False)
authenticate_any = _Authentication(any_of=True)

Caller = Annotated[Principal, Security(authenticate)]
"""A caller with any valid token."""


def _rate_class(request: Request) -> RateClass:
    """The class that the topology gives the route, by its path template and method."""
    route = request.scope.get("route")  # none where a function answers without FastAPI
    return _rate_class_of(request.method, route.path if route else request.scope["path"])


@lru_cache(1024)
def _rate_class_of(method: str, path: str) -> RateClass:
    return _rate_classes().get((method, _PARAMETER.sub("{}", path)), RateClass.STANDARD)


@cache
def _rate_classes() -> dict[tuple[str, str], RateClass]:
    return {
        (method, _PARAMETER.sub("{}", route.path)): route.rate_class
        for function in topology.HTTP_FUNCTIONS
        for route in function.routes
        for method in ((*route.methods, "HEAD") if "GET" in route.methods else route.methods)
    }


ERRORS = {
    400: "The request is malformed or a value is out of range",
    401: "Bad or expired token",
    403: "The token lacks a scope, or the account or market does not allow it",
    404: "No such resource, or not visible to the caller",
    405: "The method is not allowed here",
    409: "The current state does not allow it",
    410: "The resource has expired",
    413: "The body is too large",
    415: "The media type of the body is not accepted",
    429: "The rate limit is exceeded; `Retry-After` says for how many seconds",
    503: "A dependency does not answer; worth another try",
}


def answers(model: Any, *errors: int, status: int = 200, **also: Any) -> dict[int | str, Any]:
    """The `responses` of a route for its documentation: `model` (None: no body) at `status`, what
    every route behind a token may answer, and the error statuses named. `also` goes to FastAPI's
    description of the success as it is (`description`, `content`, `headers`)."""
    success: dict[str, Any] = {"description": "Success", **also}
    if model is not None:
        success["model"] = model
    documented: dict[int | str, Any] = {status: success}
    for error in sorted({400, 401, 403, 429, *errors}):
        documented[error] = {"description": ERRORS[error], "model": ErrorBody}
    documented[429]["headers"] = {
        "Retry-After": {"description": "seconds", "schema": {"type": "integer", "minimum": 1}}
    }
    return documented


class _Bridge(Response):
    """A response that hands the request's ASGI scope to an app, which then answers it.

    The framework calls the entry point before anything of the body is read, so the app sees the
    request whole and may stream both ways.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        telemetry.correlate(scope["headers"])
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
