"""The API's OpenAPI document, and a page to explore it.

`openapi.json` is generated from the handlers (`nox -s openapi`); only its addresses are filled in
here. Everything is read once and served from memory, so no path leads out of the folder.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from shared.platform.caching import etag_of, is_known, to_bytes
from shared.platform.settings import settings

_HERE = Path(__file__).parent
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "cache-control": "public, max-age=0, must-revalidate",
    "referrer-policy": "no-referrer",
    "vary": "accept-encoding",
    "x-content-type-options": "nosniff",
}
_PAGE_HEADERS = {"content-security-policy": _POLICY}
_DOCUMENT_HEADERS = {"access-control-allow-origin": "*"}  # for viewers on other sites


@dataclass(frozen=True, slots=True)
class _File:
    content_type: str
    body: bytes
    compressed: bytes
    etag: str
    headers: dict[str, str]


def _file(content_type: str, body: bytes, headers: dict[str, str]) -> _File:
    return _File(content_type, body, gzip.compress(body, mtime=0), etag_of(body), headers)


@cache
def _files() -> dict[str, _File]:
    """What is served, by path."""
    served = {"/openapi.json": _file("application/json", _document(), _DOCUMENT_HEADERS)}
    for file in (_HERE / "explorer").iterdir():
        if file.suffix in _CONTENT_TYPES:
            path = "/docs" if file.name == "index.html" else f"/docs/{file.name}"
            served[path] = _file(_CONTENT_TYPES[file.suffix], file.read_bytes(), _PAGE_HEADERS)
    return served


def _document() -> bytes:
    """The document with this deployment's addresses."""
    document = json.loads((_HERE / "openapi.json").read_bytes())
    document["servers"] = [{"url": settings().public_url}]
    for scheme in document["components"]["securitySchemes"].values():
        flow = scheme["flows"]["authorizationCode"]
        for name in ("authorizationUrl", "tokenUrl", "refreshUrl"):
            flow[name] = settings().accounts_url + flow[name].removeprefix("/accounts")
    return to_bytes(document)


@functions_framework.aio.http
async def api_docs(request: Request) -> Response:
    """GET /openapi.json: the document. GET /docs and below: the explorer."""
    if request.method not in ("GET", "HEAD"):
        return PlainTextResponse("Method not allowed", 405, {"allow": "GET, HEAD"})
    file = (await asyncio.to_thread(_files)).get(request.url.path.rstrip("/"))
    if file is None:
        return PlainTextResponse("Not found", 404, {"cache-control": "no-store"})
    headers = {**_HEADERS, **file.headers, "etag": file.etag}
    if is_known(file.etag, request.headers.get("if-none-match")):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(file.compressed, 200, headers, file.content_type)
    return Response(file.body, 200, headers, file.content_type)
