"""Errors as responses, in the Web API's shape `{"error": {"status", "message"}}`.

An error becomes a status in `STATUS_OF` and nowhere else. Starlette alone: event functions, which
need no more, start in half the time that FastAPI's import takes.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from shared.platform import errors

# The most derived class decides; a test walks every subclass of DomainError.
STATUS_OF: dict[type[errors.DomainError], int] = {
    errors.InvalidInput: 400,
    errors.TooLarge: 413,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.PremiumRequired: 403,
    errors.NotInMarket: 403,
    errors.InsufficientScope: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
}


def error_response(
    status: int,
    message: str,
    *,
    reason: str | None = None,
    headers: dict[str, str] | None = None,
    bare: bool = False,
) -> JSONResponse:
    """An error as the Web API shapes it; `reason` only where a program can act on it. `bare` says
    the same once more without the `error` around it, as the document has it of some operations."""
    error: dict[str, Any] = {"status": status, "message": message}
    if reason:
        error["reason"] = reason
    return JSONResponse({"error": error, **(error if bare else {})}, status, headers=headers)


def domain_error_response(error: errors.DomainError, *, bare: bool = False) -> JSONResponse:
    """The response for `error`, by the one table; `bare` as in `error_response`."""
    status = next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
    headers = {"cache-control": "no-store"}
    if isinstance(error, errors.Unauthenticated):
        headers["www-authenticate"] = error.challenge
    if isinstance(error, errors.RateLimited):
        headers["retry-after"] = str(error.retry_after_s)
    return error_response(status, error.message, reason=error.reason, headers=headers, bare=bare)
