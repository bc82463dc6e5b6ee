"""The document and its explorer, as the entry point serves them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from emulators import api_document
from shared import topology
from tests.local_settings import PUBLIC_URL, environment


@pytest.fixture(scope="module")
def function() -> Iterator[ModuleType]:
    entry = topology.ENTRIES["api_docs"]
    assert isinstance(entry, topology.HttpFunction)
    with environment():
        yield api_document.load(entry)


async def ask(function: ModuleType, path: str, method: str = "GET", **headers: str) -> Response:
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()],
    }
    answer = await function.api_docs(Request(scope))
    assert isinstance(answer, Response)
    return answer


async def test_the_document_names_this_deployments_addresses(function: ModuleType) -> None:
    answer = await ask(function, "/openapi.json")
    document = json.loads(bytes(answer.body))
    assert document["servers"] == [{"url": PUBLIC_URL}]
    flow = document["components"]["securitySchemes"]["segue"]["flows"]["authorizationCode"]
    assert flow["authorizationUrl"] == f"{PUBLIC_URL}/accounts/authorize"
    assert flow["tokenUrl"] == f"{PUBLIC_URL}/accounts/api/token"
    committed = json.loads(api_document.TARGET.read_text())
    assert document["paths"] == committed["paths"]


async def test_an_unchanged_document_is_not_sent_again(function: ModuleType) -> None:
    etag = (await ask(function, "/openapi.json")).headers["etag"]
    again = await ask(function, "/openapi.json", if_none_match=etag)
    assert (again.status_code, again.body) == (304, b"")


async def test_it_is_compressed_for_those_who_accept_that(function: ModuleType) -> None:
    plain = await ask(function, "/openapi.json")
    small = await ask(function, "/openapi.json", accept_encoding="br, gzip")
    assert small.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(small.body)) == plain.body
    assert len(small.body) * 4 < len(plain.body)


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
async def test_the_explorer_loads_from_here_alone(function: ModuleType, path: str) -> None:
    page = await ask(function, path)
    text = bytes(page.body).decode()
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    parts = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert all(part.startswith(("/", "#")) for part in parts)
    for part in parts:
        if part.startswith("/docs/"):
            assert (await ask(function, part)).status_code == 200, part


async def test_nothing_else_is_served(function: ModuleType) -> None:
    for path in ("/docs/main.py", "/docs/../main.py", "/docs/none.js", "/docs/index.html", "/x"):
        assert (await ask(function, path)).status_code == 404, path
    assert (await ask(function, "/docs", method="POST")).status_code == 405
