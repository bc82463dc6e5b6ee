from __future__ import annotations

import random

import pytest

from shared.signals.counting import COUNTED, Timeline, TrackCounts
from shared.signals.features import pair_features, track_features, user_features
from shared.signals.models import Signal
from shared.signals.training import rows_of
from tests.unit.signals.conftest import NOW_MS, signal


def world() -> list[Signal]:
    chance = random.Random(7)
    signals = []
    for number in range(60):
        track, session = chance.choice("tx"), str(number)
        ago = 50_000 - number * 700
        signals.append(signal("play", ago, track, session_id=session))
        ending = chance.choice(("skip", "complete", None))
        if ending:
            signals.append(signal(ending, ago - 100, track, session_id=session, position_ms=100))
    chance.shuffle(signals)
    return signals


def timelines(signals: list[Signal]) -> dict[str, Timeline]:
    return {
        track: Timeline(
            {
                kind: [one.ts_ms for one in signals if (one.track_id, one.kind) == (track, kind)]
                for kind in COUNTED
            }
        )
        for track in "tx"
    }


def test_each_ended_play_has_the_features_of_just_before_it() -> None:
    signals = world()
    rows = list(rows_of(signals, timelines(signals), {"t": ["a"]}, 0, random.Random(1)))
    assert len(rows) == sum(one.kind in ("skip", "complete") for one in signals)
    assert [row.listen.play.ts_ms for row in rows] == sorted(row.listen.play.ts_ms for row in rows)
    for row in rows:
        now_ms = row.listen.play.ts_ms
        before = [one for one in signals if one.ts_ms < now_ms]
        of_track = TrackCounts.of(one for one in before if one.track_id == row.track_id)
        artists = ["a"] if row.track_id == "t" else []
        assert row.user == user_features(before, now_ms)
        assert row.track == pytest.approx(track_features(of_track, now_ms))
        assert row.pair == pair_features(before, row.track_id, artists, now_ms)
        assert {one.event_id for one in row.before} == {one.event_id for one in before}


def test_nothing_that_comes_at_or_after_a_play_changes_its_row() -> None:
    signals = world()
    rows = list(rows_of(signals, timelines(signals), {}, 0, random.Random(1)))
    middle = rows[len(rows) // 2]
    now_ms = middle.listen.play.ts_ms
    ends = {one.listen.play.session_id for one in (middle,)}
    # The future is another one, but for how this play ends.
    other = [one for one in signals if one.ts_ms <= now_ms or one.session_id in ends] + [
        signal("save", 0, "t"),
        signal("play", (NOW_MS - now_ms) / 1000, "x"),
    ]
    again = {
        row.listen.play.event_id: row
        for row in rows_of(other, timelines(other), {}, 0, random.Random(1))
    }
    assert again[middle.listen.play.event_id] == middle


def test_nobody_has_more_rows_than_is_said_and_the_same_seed_draws_the_same() -> None:
    signals = world()
    lines = timelines(signals)

    def drawn(seed: int) -> list[str]:
        rows = rows_of(signals, lines, {}, 0, random.Random(seed), most=5)
        return [row.listen.play.event_id for row in rows]

    assert len(drawn(1)) == 5
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    since_ms = NOW_MS - 10_000_000
    recent = list(rows_of(signals, lines, {}, since_ms, random.Random(1)))
    assert recent
    assert all(row.listen.play.ts_ms >= since_ms for row in recent)
