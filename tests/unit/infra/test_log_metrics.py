"""Log-based metrics read what the product writes: both sides of one line, which no import joins."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.monitoring import log_metrics
from infra.monitoring.log_filters import exclusions
from shared.history import quality
from shared.history.models import PlaybackEvent
from shared.platform.telemetry import JsonFormatter
from tests import local_settings


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """What is written of an event, as a log entry of the function `events`."""
    caplog.set_level(logging.INFO, logger=quality.__name__)

    def write(type_: str, time_ms: int | None) -> dict[str, Any]:
        event: dict[str, Any] = {
            "event_id": "e",
            "type": type_,
            "track_id": "t" * 22,
            "session_id": "s",
            "position_ms": 0,
            "ts": datetime.now(UTC),
            "user_id": "u",
            "country": "DE",
            "tier": "free",
            "bitrate_kbps": 160,
            "cdn": "made-up",
            "time_to_first_audio_ms": time_ms,
        }
        caplog.clear()
        with local_settings.environment():
            quality.tell([PlaybackEvent(**event)])
            (record,) = caplog.records
            payload = json.loads(JsonFormatter().format(record))
        resource = {"type": "cloud_run_revision", "labels": {"service_name": "events"}}
        return {"resource": resource, "jsonPayload": payload}

    return write


def matches(filter_: str, entry: dict[str, Any]) -> bool:
    """Whether a conjunction of comparisons holds, as Cloud Logging's query language has it: one
    with a field that is absent does not."""
    for comparison in filter_.split(" AND "):
        found = re.fullmatch(r'([\w.]+)(=|>=)(?:"([^"]*)"|(\d+))', comparison)
        assert found is not None, comparison
        path, operator, text, digits = found.groups()
        value: Any = entry
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            return False
        wanted = text if digits is None else int(digits)
        if not (value == wanted if operator == "=" else value >= wanted):
            return False
    return True


@pytest.mark.parametrize(
    ("type_", "time_ms", "counted"),
    [
        ("play_started", 499, {"playback_starts", "time", "bitrate"}),
        ("play_started", 500, {"playback_starts", "playback_starts_slow", "time", "bitrate"}),
        ("play_started", None, {"bitrate"}),
        ("qoe", None, {"playback_disturbances"}),
    ],
)
def test_a_line_is_counted_by(
    lines: Any, type_: str, time_ms: int | None, counted: set[str]
) -> None:
    short = {"playback_time_to_first_audio": "time", "playback_bitrate": "bitrate"}
    entry = lines(type_, time_ms)
    found = {
        short.get(metric.name, metric.name)
        for metric in log_metrics.LOG_METRICS
        if matches(metric.filter, entry)
    }
    assert found == counted


def test_the_values_are_where_the_metrics_take_them_from(lines: Any) -> None:
    entry = lines("play_started", 212)
    values = {
        metric.field: entry["jsonPayload"][metric.field.removeprefix("jsonPayload.")]
        for metric in log_metrics.LOG_METRICS
        if metric.field
    }
    assert values == {
        "jsonPayload.time_to_first_audio_ms": 212,
        "jsonPayload.bitrate_kbps": 160,
    }
    assert entry["jsonPayload"]["cdn"] == quality.OTHER_CDN


def test_lines_that_are_counted_are_not_kept(lines: Any) -> None:
    filter_, _ = exclusions(0.05)["playback-quality"]
    assert matches(filter_, lines("play_started", 212))
