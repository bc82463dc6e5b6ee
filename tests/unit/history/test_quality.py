"""What the logs are told of playback, and what not."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.history import quality
from shared.history.models import PlaybackEvent
from shared.platform.settings import settings
from shared.platform.telemetry import JsonFormatter


def event(**changes: Any) -> PlaybackEvent:
    fields: dict[str, Any] = {
        "event_id": "event-1",
        "type": "play_started",
        "track_id": "t" * 22,
        "session_id": "session-1",
        "device_id": "device-1",
        "position_ms": 0,
        "ts": datetime.now(UTC),
        "user_id": "user-1",
        "country": "DE",
        "tier": "free",
        "context_uri": "spotify:album:abc",
        "bitrate_kbps": 160,
        "time_to_first_audio_ms": 212,
        "cdn": settings().cdns[0].name,
        **changes,
    }
    return PlaybackEvent(**fields)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.INFO, logger=quality.__name__)

    def tell(*events: PlaybackEvent) -> list[dict[str, Any]]:
        caplog.clear()
        quality.tell(events)
        return [json.loads(JsonFormatter().format(record)) for record in caplog.records]

    return tell


def test_a_start_tells_time_bitrate_and_cdn_and_nobody(told: Any) -> None:
    (line,) = told(event())
    assert line == {
        "severity": "INFO",
        "message": "playback quality",
        "logger": "shared.history.quality",
        "event": "play_started",
        "time_to_first_audio_ms": 212,
        "bitrate_kbps": 160,
        "cdn": settings().cdns[0].name,
    }


def test_a_disturbance_is_told_and_what_was_not_measured_is_left_out(told: Any) -> None:
    (line,) = told(event(type="qoe", time_to_first_audio_ms=None, bitrate_kbps=None, cdn=None))
    assert line["event"] == "qoe"
    assert not {"time_to_first_audio_ms", "bitrate_kbps", "cdn"} & set(line)


def test_ordinary_events_write_nothing(told: Any) -> None:
    kinds = ("progress", "paused", "resumed", "seeked", "completed", "skipped", "stopped")
    assert told(*(event(type=kind) for kind in kinds)) == []


def test_machines_and_late_reports_are_passed_over(told: Any) -> None:
    late = datetime.now(UTC) - quality.FRESH - timedelta(seconds=1)
    assert told(event(suspected=True), event(ts=late)) == []


def test_a_made_up_cdn_makes_no_time_series_of_its_own(told: Any) -> None:
    assert [line["cdn"] for line in told(event(cdn="a-1"), event(cdn="a-2"))] == ["other"] * 2
