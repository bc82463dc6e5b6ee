"""How long who may keep an answer (F084-F088), and conditional requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

# Catalogue answers may depend on the caller's country, so shared caches keep none of them.
CATALOG = "private, max-age=300"  # F088
BROWSE = "private, max-age=60"
PRIVATE = "private, max-age=0, must-revalidate"  # a person's own data, revalidated by its ETag
NO_STORE = "no-store"


def to_bytes(body: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """`body` as compact JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def etag_of(body: bytes) -> str:
    """A strong ETag of these bytes."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether a request's If-None-Match names `etag` (RFC 9110, 13.1.2: compared weakly)."""
    if not if_none_match:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def respond(
    request: Request,
    body: Mapping[str, Any] | Sequence[Any] | bytes,
    *,
    cache: str = PRIVATE,
    etag: str | None = None,
    status: int = 200,
) -> Response:
    """`body` (JSON, or the bytes of one) with its ETag, or 304 when the client holds it already.

    Pass `etag` where it is known without hashing the body.
    """
    content = body if isinstance(body, bytes) else to_bytes(body)
    headers = {"cache-control": cache, "vary": "authorization"}
    if status == 200 and cache != NO_STORE:
        headers["etag"] = etag or etag_of(content)
        if is_known(headers["etag"], request.headers.get("if-none-match")):
            return Response(status_code=304, headers=headers)
    return Response(content, status, headers, "application/json")
