"""What the training reads out of the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from shared.recommendations.training.log import Log, sessions
from shared.signals.models import Signal, SignalKind

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_MS = int((NOON + timedelta(hours=6)).timestamp() * 1000)


def signal(
    number: int,
    kind: SignalKind,
    track_id: str,
    minutes: float,
    *,
    user_id: str = "ann",
    position_ms: int | None = None,
    suspected: bool = False,
) -> Signal:
    return Signal(
        event_id=f"e{number}",
        user_id=user_id,
        kind=kind,
        ts=NOON + timedelta(minutes=minutes),
        track_id=track_id,
        session_id=f"s{track_id}-{minutes:.0f}",
        position_ms=position_ms,
        suspected=True if suspected else None,
    )


def play(number: int, track_id: str, minutes: float, **more: object) -> list[Signal]:
    """A play to its end."""
    return [
        signal(number, "play", track_id, minutes, **more),  # type: ignore[arg-type]
        signal(number + 500, "complete", track_id, minutes, position_ms=180_000, **more),  # type: ignore[arg-type]
    ]


def test_half_an_hour_of_silence_ends_a_session() -> None:
    heard = [*play(1, "a", 0), *play(2, "b", 4), *play(3, "c", 35), *play(4, "d", 38)]
    assert [one.track_ids for one in sessions(heard)] == [("a", "b"), ("c", "d")]


def test_what_was_skipped_at_once_was_not_heard_and_what_was_skipped_late_was() -> None:
    heard = [
        *play(1, "a", 0),
        signal(2, "play", "b", 4),
        signal(3, "skip", "b", 4, position_ms=4_000),
        signal(4, "play", "c", 5),
        signal(5, "skip", "c", 5, position_ms=90_000),
        *play(6, "a", 8),
        *play(7, "a", 11),
    ]
    assert [one.track_ids for one in sessions(heard)] == [("a", "c", "a")]


def test_a_machine_teaches_nobody_anything() -> None:
    log = Log()
    log.add("bot", [*play(1, "a", 0, user_id="bot", suspected=True)], NOW_MS)
    assert not log.people
    assert not log.plays
    assert not log.sessions


def test_the_matrix_holds_who_likes_what_of_the_tracks_that_still_are() -> None:
    log = Log()
    log.add("ann", [*play(1, "a", 0), *play(2, "gone", 4)], NOW_MS)
    log.add("bob", play(1, "gone", 0, user_id="bob"), NOW_MS)
    log.add("cid", [*play(1, "b", 0, user_id="cid"), *play(2, "a", 5, user_id="cid")], NOW_MS)

    found = log.interactions(["a", "b", "c"])

    assert found.user_ids == ("ann", "cid")
    assert found.item_ids == ("a", "b", "c")
    assert (found.matrix.toarray() > 0).tolist() == [[True, False, False], [True, True, False]]
    assert found.matrix.dtype == np.float32
    assert log.plays == {"a": 2, "b": 1, "gone": 2}
