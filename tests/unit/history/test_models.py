from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.history.models import Batch, PlaybackEvent, ReportedEvent, from_ms, to_ms
from shared.topology import PLAYBACK_EVENTS, PLAYBACK_EVENTS_TABLE

NOW = datetime.now(UTC)
SCHEMA = Path(__file__).parents[3] / "shared/schemas/playback_event.proto"


def event(**changes: Any) -> dict[str, Any]:
    made = {
        "event_id": "e-1",
        "type": "play_started",
        "track_id": "t" * 22,
        "session_id": "s-1",
        "position_ms": 0,
        "ts": NOW.isoformat(),
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def faults(body: object) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        Batch.model_validate(body)
    return [(fault["loc"], fault["msg"]) for fault in caught.value.errors()]


def test_model_schema_and_warehouse_agree() -> None:
    text = re.sub(r"//.*", "", SCHEMA.read_text())
    (message,) = re.findall(rf"message {PLAYBACK_EVENTS.schema} {{(.*?)}}", text, re.DOTALL)
    declared = re.findall(r"optional (\w+) (\w+) = (\d+);", message)
    assert [int(number) for *_, number in declared] == list(range(1, len(declared) + 1))
    warehouse = {
        "STRING": "string",
        "INTEGER": "int64",
        "TIMESTAMP": "string",
        "BOOLEAN": "bool",
    }
    metadata = {"subscription_name", "message_id", "publish_time", "attributes"}
    columns = {
        column.name: warehouse[column.type]
        for column in PLAYBACK_EVENTS_TABLE.columns
        if column.name not in metadata
    }
    assert {name: kind for kind, name, _ in declared} == columns
    assert set(PlaybackEvent.model_fields) == set(columns)


def test_an_events_json_survives_the_way_there_and_back() -> None:
    made = PlaybackEvent(
        **ReportedEvent.model_validate(event(cdn="google")).model_dump(),
        user_id="u",
        country="DE",
        tier="free",
    )
    text = made.model_dump_json(exclude_none=True)
    assert PlaybackEvent.model_validate_json(text) == made
    assert "bitrate_kbps" not in text


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_are_exact(moment_ms: int) -> None:
    assert to_ms(from_ms(moment_ms)) == moment_ms


def test_a_time_may_be_told_either_way() -> None:
    moment_ms = to_ms(NOW)
    told = [
        NOW.isoformat(),
        NOW.astimezone(timezone(timedelta(hours=-7))).isoformat(),
        NOW.isoformat().replace("+00:00", "Z"),
        moment_ms,
    ]
    read = [ReportedEvent.model_validate(event(ts=ts)).ts for ts in told]
    assert {to_ms(ts) for ts in read} == {moment_ms}
    assert all(ts.microsecond % 1000 == 0 for ts in read)


@pytest.mark.parametrize(
    ("ts", "says"),
    [
        ("yesterday", "RFC 3339"),
        ("1700000000", "RFC 3339"),
        ("2026-01-01T00:00:00", "timezone"),
        ("2026-13-01T00:00:00Z", "month"),
        (True, "RFC 3339"),
        (1.5, "RFC 3339"),
        ([], "RFC 3339"),
        (10**30, "out of range"),
        pytest.param(to_ms(NOW - timedelta(days=91)), "more than 90 days old", id="91 days ago"),
        pytest.param(int(NOW.timestamp()), "more than 90 days old", id="seconds by mistake"),
        pytest.param(
            to_ms(NOW + timedelta(hours=2)), "more than 5 minutes in the future", id="ahead"
        ),
        (-(10**16), "out of range"),
    ],
)
def test_an_impossible_time_is_refused_with_its_reason(ts: object, says: str) -> None:
    ((where, message),) = faults({"events": [event(), event(ts=ts)]})
    assert where == ("events", 1, "ts")
    assert says in message


def test_a_device_may_have_been_offline_and_its_clock_fast() -> None:
    for ts in (NOW - timedelta(days=89), NOW + timedelta(minutes=4)):
        Batch.model_validate({"events": [event(ts=ts.isoformat())]})


@pytest.mark.parametrize(
    "changes",
    [
        {"event_id": None},
        {"event_id": ""},
        {"event_id": "a#b"},
        {"event_id": "x" * 65},
        {"type": "danced"},
        {"track_id": "short"},
        {"track_id": "t" * 21 + "#"},
        {"session_id": None},
        {"session_id": "a\n"},
        {"position_ms": -1},
        {"position_ms": "soon"},
        {"position_ms": 10**9},
        {"bitrate_kbps": 0},
        {"time_to_first_audio_ms": -1},
        {"context_uri": "https://evil.example/"},
        {"cdn": "A CDN"},
        {"device_id": "d" * 65},
    ],
)
def test_a_bad_field_is_named_with_its_event(changes: dict[str, Any]) -> None:
    ((where, _),) = faults({"events": [event(), event(), event(**changes)]})
    assert where == ("events", 2, next(iter(changes)))


@pytest.mark.parametrize("body", [{}, {"events": []}, {"events": [event()] * 101}, [], None])
def test_a_batch_has_1_to_100_events(body: object) -> None:
    assert faults(body)


def test_what_a_player_says_about_the_person_is_not_kept() -> None:
    read = ReportedEvent.model_validate(event(user_id="another", tier="premium", country="US"))
    assert set(read.model_dump()) & {"user_id", "tier", "country"} == set()
