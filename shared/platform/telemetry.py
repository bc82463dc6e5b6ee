"""Structured logs as Cloud Logging reads them: one JSON object a line on stderr, without what must
not be kept (`shared.platform.redaction`).

A line that is written while a request is answered names the request's trace (F303). The spans are
Cloud Run's own: it begins a trace for each request that brings none, decides which are kept, and
cannot be told how many (https://cloud.google.com/run/docs/trace). Lines of errors are kept all.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from functools import cache

from shared.platform.redaction import redact, redact_fields
from shared.platform.settings import SettingsError, settings

Headers = Iterable[tuple[bytes, bytes]]

# With this type, Error Reporting takes a line whether or not it holds a stack trace
# (https://cloud.google.com/error-reporting/docs/formatting-error-messages).
REPORTED_ERROR = (
    "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
)
# https://www.w3.org/TR/trace-context/#traceparent-header; all zeros are no id.
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
_SAMPLED = 0x01
_PLAIN = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {
    "message",
    "taskName",
    "asctime",
}
_headers: ContextVar[Headers] = ContextVar("headers", default=())


def correlate(headers: Headers) -> None:
    """From here on, lines of this task name the trace of the request with these ASGI headers. They
    are only read when there is a line to write: most requests write none."""
    _headers.set(headers)


class JsonFormatter(logging.Formatter):
    """One line of JSON with `severity`, `message` and every `extra` field.

    https://cloud.google.com/logging/docs/structured-logging
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "severity": record.levelname,
            "message": redact(record.getMessage()),
            "logger": record.name,
            **redact_fields({k: v for k, v in record.__dict__.items() if k not in _PLAIN}),
            **_trace(),
        }
        if record.exc_info:
            line["stack_trace"] = redact(self.formatException(record.exc_info))
        if record.levelno >= logging.ERROR:
            line["@type"] = REPORTED_ERROR
            if not record.exc_info:  # then it is by the place that errors are told apart
                line["context"] = {
                    "reportLocation": {
                        "filePath": record.pathname,
                        "lineNumber": record.lineno,
                        "functionName": record.funcName,
                    }
                }
        return json.dumps(line, ensure_ascii=False)


def _trace() -> dict[str, object]:
    given = next((value for name, value in _headers.get() if name == b"traceparent"), b"")
    found = _TRACEPARENT.fullmatch(given)
    if found is None:
        return {}
    trace, span, flags = (part.decode() for part in found.groups())
    try:
        name = f"projects/{settings().project}/traces/{trace}"
    except SettingsError:
        name = trace  # what is wrong with the settings must be told, too
    return {
        "logging.googleapis.com/trace": name,
        "logging.googleapis.com/spanId": span,
        "logging.googleapis.com/trace_sampled": bool(int(flags, 16) & _SAMPLED),
    }


@cache
def configure() -> None:
    """Sends logs of this process, INFO and above, to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("httpx", "httpcore", "google", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
