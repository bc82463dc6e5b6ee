"""The page and its assets, as the entry point serves them from what was built."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from starlette.requests import Request
from starlette.responses import Response

MAIN = Path(__file__).parents[3] / "functions/web_player/main.py"


@pytest.fixture
def function() -> Iterator[ModuleType]:
    spec = spec_from_file_location("web_player_main", MAIN)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def built(function: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    assets = tmp_path / "static/assets"
    assets.mkdir(parents=True)
    (tmp_path / "static/index.html").write_text("<title>Segue</title>")
    (tmp_path / "static/secret.js").write_text("not an asset")
    (assets / "index-abc.js").write_text("plain")
    (assets / "index-abc.js.br").write_bytes(b"brotli")
    (assets / "index-abc.js.gz").write_bytes(b"gzip")
    (assets / "icon-abc.svg").write_text("<svg/>")
    monkeypatch.setattr(function, "_STATIC", tmp_path / "static")
    return function


async def ask(
    function: ModuleType, path: str, *, method: str = "GET", accept_encoding: str = ""
) -> Response:
    headers = [(b"accept-encoding", accept_encoding.encode())] if accept_encoding else []
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "server": ("testserver", 80),
        "path": path,
        "query_string": b"",
        "headers": headers,
    }
    response = await function.web_player(Request(scope))
    assert isinstance(response, Response)
    return response


@pytest.mark.parametrize("path", ["/", "/callback"])
async def test_the_page_is_revalidated_and_runs_only_its_own_scripts(
    built: ModuleType, path: str
) -> None:
    page = await ask(built, path)
    assert page.status_code == 200
    assert page.body == b"<title>Segue</title>"
    assert page.headers["cache-control"] == "no-cache"
    policy = page.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("accepts", "body", "encoding"),
    [
        ("", b"plain", None),
        ("gzip, deflate, br", b"brotli", "br"),
        ("gzip", b"gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", b"gzip", "gzip"),
        ("identity", b"plain", None),
    ],
)
async def test_an_asset_comes_in_the_best_encoding_that_is_accepted(
    built: ModuleType, accepts: str, body: bytes, encoding: str | None
) -> None:
    asset = await ask(built, "/assets/index-abc.js", accept_encoding=accepts)
    assert asset.body == body
    assert asset.headers.get("content-encoding") == encoding
    assert asset.headers["content-type"] == "text/javascript; charset=utf-8"
    assert asset.headers["vary"] == "accept-encoding"
    assert "immutable" in asset.headers["cache-control"]


async def test_an_asset_that_was_not_compressed_comes_as_it_is(built: ModuleType) -> None:
    asset = await ask(built, "/assets/icon-abc.svg", accept_encoding="br")
    assert asset.body == b"<svg/>"
    assert asset.headers["content-type"] == "image/svg+xml"
    assert "content-encoding" not in asset.headers


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../secret.js",
        "/assets/..%2fsecret.js",
        "/assets//etc/passwd",
        "/assets/",
        "/assets/index-abc.js.br",
        "/secret.js",
        "/elsewhere",
    ],
)
async def test_no_path_leads_to_a_file_that_is_no_asset(built: ModuleType, path: str) -> None:
    assert (await ask(built, path)).status_code == 404


async def test_an_asset_is_served_from_memory_once_read(built: ModuleType) -> None:
    await ask(built, "/")
    (built._STATIC / "assets/index-abc.js").unlink()
    assert (await ask(built, "/assets/index-abc.js")).body == b"plain"


async def test_only_reading_is_allowed(built: ModuleType) -> None:
    refused = await ask(built, "/", method="POST")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, HEAD"


async def test_an_unbuilt_player_says_how_to_build_it_until_it_is_built(
    function: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function, "_STATIC", tmp_path)
    page = await ask(function, "/")
    assert page.status_code == 503
    assert function.BUILD_COMMAND.encode() in page.body
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("built")
    assert (await ask(function, "/")).status_code == 200
