from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from shared.history.models import PlaybackEvent
from shared.history.signals import signal_of
from shared.signals.log import KIND_OF_EVENT, OF_PLAYERS
from shared.signals.models import Signal, SignalKind
from shared.signals.subjects import subject
from shared.topology import LISTENER_SIGNALS, LISTENER_SIGNALS_TABLE

SCHEMA = Path(__file__).parents[3] / "shared/schemas/listener_signal.proto"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_model_schema_and_warehouse_agree() -> None:
    text = re.sub(r"//.*", "", SCHEMA.read_text())
    (message,) = re.findall(rf"message {LISTENER_SIGNALS.schema} {{(.*?)}}", text, re.DOTALL)
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
        for column in LISTENER_SIGNALS_TABLE.columns
        if column.name not in metadata
    }
    assert {name: kind for kind, name, _ in declared} == columns
    assert set(Signal.model_fields) == set(columns)


@given(st.integers(0, 4_000_000_000_000))
def test_a_moment_survives_in_milliseconds(ms: int) -> None:
    ts = EPOCH + timedelta(milliseconds=ms)
    signal = Signal(event_id="e", user_id="u", kind="play", ts=ts)
    assert signal.ts_ms == ms
    assert Signal.model_validate_json(signal.model_dump_json()) == signal


def test_only_tracks_have_a_field_of_their_own() -> None:
    assert subject("spotify:track:x") == {"track_id": "x"}
    assert subject("spotify:artist:x") == {"subject_uri": "spotify:artist:x"}


def reported(event: str, **fields: object) -> PlaybackEvent:
    return PlaybackEvent.model_validate(
        {
            "event_id": "e",
            "type": event,
            "user_id": "u",
            "track_id": "t" * 22,
            "session_id": "s",
            "device_id": "d",
            "position_ms": 9_000,
            "ts": "2026-11-22T12:00:00.123Z",
            "country": "DE",
            "tier": "premium",
            "context_uri": "spotify:album:x",
            **fields,
        }
    )


def test_a_player_s_report_is_a_signal_where_it_tells_of_a_taste() -> None:
    skipped = signal_of(reported("skipped", suspected=True))
    assert skipped == Signal(
        event_id="e",
        user_id="u",
        kind="skip",
        ts=datetime(2026, 11, 22, 12, 0, 0, 123_000, tzinfo=UTC),
        track_id="t" * 22,
        session_id="s",
        device_id="d",
        position_ms=9_000,
        country="DE",
        context_uri="spotify:album:x",
        suspected=True,
    )
    played = signal_of(reported("play_started", country=""))
    assert played is not None
    assert (played.kind, played.position_ms, played.country) == ("play", None, None)
    for nothing in ("progress", "paused", "resumed", "seeked", "qoe"):
        assert signal_of(reported(nothing)) is None


def test_what_players_send_is_known_everywhere() -> None:
    assert frozenset(KIND_OF_EVENT.values()) == OF_PLAYERS
    assert set(get_args(SignalKind)) > OF_PLAYERS
