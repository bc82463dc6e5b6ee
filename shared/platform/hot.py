"""The few GET requests that make up most of the traffic, answered without FastAPI's machinery.

    hot = HotRoutes(app)

    @hot.get("/v1/tracks/{id}", path=r"/v1/tracks/([0-9A-Za-z]{22})", query=r"")
    async def get_track(request: Request, caller: Principal, track_id: str) -> Response: ...

    @functions_framework.aio.http
    async def catalog(request: Request) -> Response:
        return await hot.answer(request)

Matching, solving dependencies and building three layers of middleware costs several times what a
warm answer does. A hot route is a second door to what a route of the app answers, for requests
whose path and query have exactly the given form; every other request, from browsers' preflights
to bad parameters, goes to the app. Token, rate limit and scopes are checked by the same code.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from fastapi.security import SecurityScopes
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from shared.platform import telemetry
from shared.platform.caching import PRIVATE, is_known
from shared.platform.errors import DomainError
from shared.platform.http import authenticate, bridge
from shared.platform.responses import domain_error_response

Handler = Callable[..., Awaitable[Response]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Hot:
    path: re.Pattern[str]
    query: re.Pattern[bytes]
    needed: SecurityScopes
    route: Any  # what the rate limit asks for the path template
    handle: Handler


def respond_packed(
    request: Request, body: bytes, packed: bytes | None, *, etag: str, cache: str = PRIVATE
) -> Response:
    """`body` (JSON), or `packed`, the same gzipped, for clients that take it; 304 when the client
    holds either of them. Each has a strong ETag of its own."""
    packed_etag = f'{etag[:-1]}-gzip"'
    headers = {"cache-control": cache, "vary": "authorization, accept-encoding", "etag": etag}
    if packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body = packed
        headers |= {"etag": packed_etag, "content-encoding": "gzip"}
    known = request.headers.get("if-none-match")
    if known and (is_known(etag, known) or is_known(packed_etag, known)):
        headers.pop("content-encoding", None)
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


class HotRoutes:
    """Hot routes in front of `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._routes: list[_Hot] = []

    def get(
        self, template: str, *, path: str, query: str = "", scopes: Sequence[str] = ()
    ) -> Callable[[Handler], Handler]:
        """Answers GETs whose path and raw query string match these patterns whole. The handler
        gets the request, the caller, and the groups of both, first the path's: text, or None for
        one that is not there."""

        def add(handle: Handler) -> Handler:
            self._routes.append(
                _Hot(
                    re.compile(path),
                    re.compile(query.encode()),
                    SecurityScopes(list(scopes)),
                    SimpleNamespace(path=template),
                    handle,
                )
            )
            return handle

        return add

    async def answer(self, request: Request) -> Response:
        """The answer of a hot route, or of the app."""
        scope = request.scope
        telemetry.correlate(scope["headers"])
        if scope["method"] == "GET":
            for hot in self._routes:
                path = hot.path.fullmatch(scope["path"])
                if path is None:
                    continue
                query = hot.query.fullmatch(scope["query_string"])
                if query is None or _is_a_browsers(scope["headers"]):
                    break
                scope["route"] = hot.route
                try:
                    caller = await authenticate(request, hot.needed)
                    groups = (one and one.decode() for one in query.groups())
                    answer = await hot.handle(request, caller, *path.groups(), *groups)
                    answer.headers.add_vary_header("Origin")  # as the app's middleware says
                    return answer
                except DomainError as error:
                    return domain_error_response(error)
                except Exception:
                    _log.warning("a hot route failed; the app answers", exc_info=True)
                    del scope["route"]
                    break
        return bridge(self._app)


def _is_a_browsers(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether the answer needs headers for another origin, which are the app's to add."""
    return any(name == b"origin" for name, _ in headers)
