"""Log lines as Cloud Logging, Error Reporting and Cloud Trace read them."""

from __future__ import annotations

import asyncio
import contextvars
import io
import json
import logging
from typing import Any

import pytest
from fastapi import Request, Response
from starlette.types import Message, Scope

from shared.platform import telemetry
from shared.platform.events import on_object
from shared.platform.hot import HotRoutes
from shared.platform.http import bridge, create_app
from shared.platform.telemetry import JsonFormatter, correlate
from tests import local_settings

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01".encode()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    telemetry.configure()  # once in a process: what makes an app would do it later
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    log = logging.getLogger()
    monkeypatch.setattr(log, "handlers", [handler])
    monkeypatch.setattr(log, "level", logging.INFO)
    return stream


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def line(level: int = logging.INFO, *, trace: bytes | None = None, **more: Any) -> dict[str, Any]:
    """The line of one call, written where nothing else has set a request."""

    def write() -> dict[str, Any]:
        if trace is not None:
            correlate([(b"host", b"x"), (b"traceparent", trace)])
        record = logging.getLogger("shared.test").makeRecord(
            "shared.test", level, "/app/shared/test.py", 7, "asked by %s", ("a@b.example",),
            more.get("exc_info"), "ask", more.get("extra"),
        )  # fmt: skip
        made: dict[str, Any] = json.loads(JsonFormatter().format(record))
        return made

    return contextvars.Context().run(write)


def test_message_and_fields_are_told_without_what_must_not_be_kept() -> None:
    made = line(extra={"topic": "t", "n": 3, "client_ip": "203.0.113.7", "why": "x@y.example"})
    assert made == {
        "severity": "INFO",
        "message": "asked by [email]",
        "logger": "shared.test",
        "topic": "t",
        "n": 3,
        "client_ip": "[redacted]",
        "why": "[email]",
    }


def test_an_exception_is_reported_with_its_stack_trace() -> None:
    try:
        raise ValueError("no account of ada@example.com")
    except ValueError as error:
        made = line(logging.ERROR, exc_info=(ValueError, error, error.__traceback__))
    assert made["@type"] == telemetry.REPORTED_ERROR
    assert made["stack_trace"].startswith("Traceback (most recent call last):")
    assert made["stack_trace"].endswith("ValueError: no account of [email]")
    assert "context" not in made


def test_an_error_without_one_is_reported_with_its_place() -> None:
    made = line(logging.ERROR)
    assert made["@type"] == telemetry.REPORTED_ERROR
    assert made["context"]["reportLocation"] == {
        "filePath": "/app/shared/test.py",
        "lineNumber": 7,
        "functionName": "ask",
    }


def test_a_warning_is_no_error() -> None:
    assert "@type" not in line(logging.WARNING)


@pytest.mark.parametrize(("flags", "sampled"), [(b"01", True), (b"00", False), (b"03", True)])
def test_a_line_names_the_trace_of_its_request(flags: bytes, sampled: bool) -> None:
    made = line(trace=PARENT[:-2] + flags)
    assert made["logging.googleapis.com/trace"] == (
        f"projects/{local_settings.PROJECT}/traces/{TRACE}"
    )
    assert made["logging.googleapis.com/spanId"] == SPAN
    assert made["logging.googleapis.com/trace_sampled"] is sampled


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"00-" + b"0" * 32 + b"-" + SPAN.encode() + b"-01",
        b"00-" + TRACE.encode() + b"-" + b"0" * 16 + b"-01",
        b"ff-" + TRACE.encode() + b"-" + SPAN.encode() + b"-01",
        PARENT.upper(),
        PARENT[:-1],
        b'x"}\n{' + PARENT,
    ],
)
def test_what_is_no_traceparent_is_passed_over(given: bytes) -> None:
    assert not [name for name in line(trace=given) if name.startswith("logging.googleapis.com")]


def test_without_settings_a_line_is_written_all_the_same(settings_env: Any) -> None:
    settings_env.delenv("SEGUE_PROJECT")
    from shared.platform.settings import settings

    settings.cache_clear()
    try:
        assert line(trace=PARENT)["logging.googleapis.com/trace"] == TRACE
    finally:
        settings.cache_clear()


async def _call(answer: Any, path: str, trace: bytes) -> None:
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"traceparent", trace)],
        "server": ("test", 80),
        "scheme": "http",
        "root_path": "",
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        await asyncio.sleep(0)

    response: Response = await answer(Request(scope, receive))
    await response(scope, receive, send)


async def test_concurrent_requests_keep_their_traces_apart(written: io.StringIO) -> None:
    app = create_app("catalog")

    @app.get("/told/{who}")
    async def told(who: str) -> None:
        await asyncio.sleep(0.01 if who == "first" else 0)
        logging.getLogger("shared.test").info(who)

    hot = HotRoutes(app)

    async def bridged(_: Request) -> Response:
        return bridge(app)

    one, other = (PARENT.replace(b"0af7", part) for part in (b"1111", b"2222"))
    await asyncio.gather(
        asyncio.create_task(_call(bridged, "/told/first", one)),
        asyncio.create_task(_call(hot.answer, "/told/second", other)),
    )
    found = {made["message"]: made["logging.googleapis.com/trace"][-32:] for made in lines(written)}
    assert found == {"first": f"1111{TRACE[4:]}", "second": f"2222{TRACE[4:]}"}


async def test_a_hot_route_names_its_trace(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def authenticated(_: Request, __: object) -> None:
        return None

    monkeypatch.setattr("shared.platform.hot.authenticate", authenticated)
    hot = HotRoutes(create_app("catalog"))

    @hot.get("/hot", path="/hot")
    async def answer(_: Request, __: object) -> Response:
        logging.getLogger("shared.test").info("hot")
        return Response()

    await asyncio.create_task(_call(hot.answer, "/hot", PARENT))
    assert {made["logging.googleapis.com/trace"][-32:] for made in lines(written)} == {TRACE}


async def test_an_event_names_its_trace(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def verified(_: str | None) -> None:
        logging.getLogger("shared.test").info("verified")

    monkeypatch.setattr("shared.platform.events.verify_service_token", verified)

    async def handle(_: object) -> None:
        raise AssertionError("not an object")

    await asyncio.create_task(_call(on_object(handle), "/", PARENT))
    assert {made["logging.googleapis.com/trace"][-32:] for made in lines(written)} == {TRACE}
