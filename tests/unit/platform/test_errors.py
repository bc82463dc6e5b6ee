from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

import shared
from shared.platform import errors
from shared.platform.http import create_app
from shared.platform.responses import STATUS_OF, domain_error_response


def every_error(kind: type[errors.DomainError] = errors.DomainError) -> Iterator[type]:
    for found in pkgutil.walk_packages(shared.__path__, "shared."):
        if found.name.endswith(".errors"):
            importlib.import_module(found.name)
    for below in kind.__subclasses__():
        yield below
        yield from every_error(below)


@pytest.mark.parametrize("kind", sorted(set(every_error()), key=lambda kind: kind.__name__))
def test_every_error_has_a_status(kind: type[errors.DomainError]) -> None:
    error = kind.__new__(kind)
    error.message, error.retry_after_s = "what to do", 3  # type: ignore[attr-defined]
    response = domain_error_response(error)
    assert 400 <= response.status_code < 600
    body = json.loads(response.body)["error"]
    assert (body["status"], body["message"]) == (response.status_code, "what to do")


def test_the_table_holds_no_status_twice_over() -> None:
    for kind in STATUS_OF:
        assert issubclass(kind, errors.DomainError)


def test_what_a_program_needs_stands_in_the_headers_and_the_reason() -> None:
    limited = domain_error_response(errors.RateLimited("slow down", 7))
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert domain_error_response(errors.Unauthenticated("x")).headers["www-authenticate"]
    premium = json.loads(domain_error_response(errors.PremiumRequired("x")).body)["error"]
    assert premium["reason"] == "PREMIUM_REQUIRED"


@pytest.fixture
def app() -> FastAPI:
    app = create_app("test")

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("a secret detail")

    @app.get("/number")
    async def number(limit: int) -> int:
        return limit

    @app.post("/body")
    async def body(value: dict[str, int]) -> dict[str, int]:
        return value

    @app.get("/gone")
    async def gone() -> None:
        raise errors.Gone("It is over.")

    return app


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "says"),
    [
        ("GET", "/crash", None, 500, "Something went wrong"),
        ("GET", "/number?limit=x", None, 400, "limit"),
        ("GET", "/number", None, 400, "limit"),
        ("GET", "/nowhere", None, 404, "Service not found"),
        ("DELETE", "/number", None, 405, ""),
        ("POST", "/body", "{", 400, "Malformed JSON"),
        ("GET", "/gone", None, 410, "It is over."),
    ],
)
async def test_every_failure_has_the_web_apis_shape(
    app: FastAPI, method: str, path: str, content: str | None, status: int, says: str
) -> None:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://segue.test") as client:
        headers = {"content-type": "application/json"}
        response = await client.request(method, path, content=content, headers=headers)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["status"] == status
    assert says in error["message"]
    assert "secret detail" not in response.text
