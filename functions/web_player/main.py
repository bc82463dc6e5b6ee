"""The web player: one page and its hashed assets, read once and served from memory.

The assets are built from `player/` (see `BUILD_COMMAND`) and deployed beside this file, in
`static/`. A request never reaches the file system: it is looked up in what was read, so no path
leads out of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

BUILD_COMMAND = "npm ci && npm run build"

_STATIC = Path(__file__).parent / "static"
_PAGES = frozenset({"/", "/callback"})

# The media edges and the images live on other hosts, which only a manifest names.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' http: https:",
        "media-src 'self' blob: http: https:",
        "connect-src 'self' http: https:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
_ASSET_HEADERS = {
    # Names carry a hash of the content (RFC 8246).
    "cache-control": "public, max-age=31536000, immutable",
    "vary": "accept-encoding",
    "x-content-type-options": "nosniff",
}
_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# By preference; the build leaves these beside each asset worth compressing.
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))

_NOT_BUILT = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Segue</title>
<h1>The web player is not built</h1>
<p>In <code>functions/web_player/player</code>, run <code>{BUILD_COMMAND}</code>,
then load this page again.</p></html>"""


@dataclass(frozen=True, slots=True)
class _Asset:
    content_type: str
    bodies: Mapping[str, bytes]
    """Body by content encoding; `identity` is always there."""


@cache
def _site(static: Path) -> tuple[bytes, Mapping[str, _Asset]]:
    """The page, and assets by request path. Raises FileNotFoundError when nothing is built."""
    page = (static / "index.html").read_bytes()
    assets = {}
    for file in sorted((static / "assets").iterdir()):
        if file.suffix not in _CONTENT_TYPES:
            continue
        bodies = {"identity": file.read_bytes()}
        for encoding, suffix in _ENCODINGS:
            compressed = file.with_name(file.name + suffix)
            if compressed.exists():
                bodies[encoding] = compressed.read_bytes()
        assets[f"/assets/{file.name}"] = _Asset(_CONTENT_TYPES[file.suffix], bodies)
    return page, assets


def _accepted(header: str) -> frozenset[str]:
    """Content codings that an Accept-Encoding header allows (RFC 9110, 12.5.3)."""
    offers = (offer.replace(" ", "").lower().partition(";q=") for offer in header.split(","))
    return frozenset(name for name, _, weight in offers if weight.rstrip("0.") or not weight)


def _asset_response(asset: _Asset, accept_encoding: str) -> Response:
    accepted = _accepted(accept_encoding)
    for encoding, _ in _ENCODINGS:
        if encoding in accepted and encoding in asset.bodies:
            headers = {**_ASSET_HEADERS, "content-encoding": encoding}
            return Response(asset.bodies[encoding], 200, headers, asset.content_type)
    return Response(asset.bodies["identity"], 200, _ASSET_HEADERS, asset.content_type)


@functions_framework.aio.http
async def web_player(request: Request) -> Response:
    """GET / and /callback: the page. GET /assets/…: what it loads."""
    if request.method not in ("GET", "HEAD"):
        return PlainTextResponse("Method not allowed", 405, {"allow": "GET, HEAD"})
    try:
        page, assets = await asyncio.to_thread(_site, _STATIC)
    except FileNotFoundError:
        return HTMLResponse(_NOT_BUILT, 503, {"cache-control": "no-store", "retry-after": "30"})
    path = request.url.path
    if path in _PAGES:
        return HTMLResponse(page, headers=_PAGE_HEADERS)
    if asset := assets.get(path):
        return _asset_response(asset, request.headers.get("accept-encoding", ""))
    return PlainTextResponse("Not found", 404, {"cache-control": "no-store"})
