"""What is learned from is what was known before each play, and what is asked with later."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from shared.recommendations.items import Item, Scored, Why
from shared.recommendations.ranking.examples import Example, Examples, example_of
from shared.recommendations.ranking.features import GROUPS, MISSING, RANKING_FEATURES
from shared.recommendations.ranking.impressions import Impression, Screens
from shared.recommendations.ranking.ranker import Context, features_of
from shared.recommendations.taste import drawn
from shared.signals.counting import Timeline
from shared.signals.features import track_features
from shared.signals.models import Signal, SignalKind
from shared.signals.training import rows_of

NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = int(NOW.timestamp()) // 86_400
PLAIN = Screens()


def item_of(track_id: str) -> Item | None:
    """Tracks `t0`..`t19` of four artists and two genres, four minutes long."""
    if not track_id.startswith("t"):
        return None
    number = int(track_id[1:])
    return Item(
        track_id,
        track_id,
        (f"a{number % 4}",),
        ("Artist",),
        f"l{number % 4}",
        (f"g{number % 2}",),
        track_id,
        240_000,
        released_on=TODAY - 100 - number,
    )


def signal(kind: SignalKind, track_id: str | None, at: datetime, **changes: object) -> Signal:
    made: dict[str, object] = {
        "event_id": f"{kind}-{track_id}-{int(at.timestamp() * 1000)}",
        "user_id": "u",
        "kind": kind,
        "ts": at,
        "track_id": track_id,
        "session_id": f"s{at:%Y%m%d}",
        **changes,
    }
    return Signal.model_validate(made)


def play(
    track_id: str, at: datetime, ending: SignalKind, heard_s: int, **changes: object
) -> list[Signal]:
    end = at + timedelta(seconds=heard_s)
    return [
        signal("play", track_id, at, **changes),
        signal(ending, track_id, end, position_ms=heard_s * 1000, **changes),
    ]


def history(seed: int, plays: int = 60) -> list[Signal]:
    """Some weeks of somebody's plays, saves and follows."""
    chance = random.Random(seed)
    found: list[Signal] = []
    at = NOW - 20 * DAY
    for _ in range(plays):
        at += timedelta(minutes=chance.choice([4, 5, 90, 700]))
        track_id = f"t{chance.randrange(20)}"
        ending: SignalKind = chance.choice(["skip", "complete"])
        found += play(track_id, at, ending, chance.choice([10, 100, 200]))
        if chance.random() < 0.2:
            found.append(signal("save", track_id, at + timedelta(seconds=201)))
    found.append(signal("follow", None, NOW - 19 * DAY, subject_uri="spotify:artist:a1"))
    return found


def timelines_of(signals: Sequence[Signal]) -> dict[str, Timeline]:
    moments: dict[str, dict[SignalKind, list[int]]] = {}
    for one in signals:
        if one.track_id:
            moments.setdefault(one.track_id, {}).setdefault(one.kind, []).append(one.ts_ms)
    return {track_id: Timeline(times) for track_id, times in moments.items()}


ARTISTS = {f"t{number}": (f"a{number % 4}",) for number in range(20)}


def examples_of(signals: Sequence[Signal], screens: Screens = PLAIN) -> list[Example]:
    rows = rows_of(signals, timelines_of(signals), ARTISTS, 0, random.Random(1), most=1_000)
    made = [example_of(row, screens, item_of) for row in rows]
    return [one for one in made if one is not None]


def value(example: Example, name: str) -> float:
    return float(example.features[RANKING_FEATURES.index(name)])


def test_the_future_is_in_no_example() -> None:
    """Whatever happens from a play on changes nothing that is learned from the plays up to it."""
    signals = history(1)
    whole = {one.ts_ms: one for one in examples_of(signals)}
    assert len(whole) > 50
    for cut in sorted(whole)[5::9]:
        # Up to this play with its end, and then another life.
        known = [one for one in signals if one.ts_ms <= cut + 200_000]
        other = [one for one in history(2) if one.ts_ms > cut + 300_000]
        for one in examples_of([*known, *other]):
            if one.ts_ms <= cut:
                np.testing.assert_array_equal(one.features, whole[one.ts_ms].features)
                assert one.completed == whole[one.ts_ms].completed


def test_how_a_play_ends_is_not_among_what_is_known_of_it() -> None:
    before = history(3, 20)
    at = NOW - DAY
    skipped = examples_of([*before, *play("t3", at, "skip", 5)])[-1]
    heard = examples_of([*before, *play("t3", at, "complete", 240)])[-1]
    assert (skipped.skipped, skipped.completed) == (True, False)
    assert (heard.skipped, heard.completed) == (False, True)
    np.testing.assert_array_equal(skipped.features, heard.features)


def test_a_list_asks_with_the_same_features_as_were_learned_from() -> None:
    signals = history(4)
    timelines = timelines_of(signals)
    not_alike = {*GROUPS["retrieval"], "is_recommended"}
    alike = [at for at, name in enumerate(RANKING_FEATURES) if name not in not_alike]
    for example, row in zip(
        examples_of(signals),
        rows_of(signals, timelines, ARTISTS, 0, random.Random(1), most=1_000),
        strict=True,
    ):
        now_ms, item = example.ts_ms, item_of(row.track_id)
        assert item is not None
        taste = drawn("u", row.before, now_ms).taste
        tracks = {item.track_id: track_features(timelines[item.track_id].at(now_ms), now_ms)}
        candidate = Scored(1, item, 0.7, "collaborative", Why("listeners_like_you"))
        context = Context(now_ms, item_of, row.before)
        (asked,) = features_of(taste, [candidate], context, tracks)
        np.testing.assert_allclose(asked[alike], example.features[alike])


def test_a_skip_is_one_before_half_of_the_track() -> None:
    """Or within half a minute, where its length is not known."""
    at = NOW - DAY
    cases = [
        ("t1", "skip", 10, True),
        ("t1", "skip", 119, True),
        ("t1", "skip", 121, False),
        ("x1", "skip", 29, True),
        ("x1", "skip", 31, False),
        ("t1", "complete", 240, False),
    ]
    for track_id, ending, heard_s, expected in cases:
        (made,) = examples_of(play(track_id, at, ending, heard_s))  # type: ignore[arg-type]
        assert made.skipped == expected
        assert made.completed == (ending == "complete")


def test_what_was_not_judged_teaches_nothing() -> None:
    at = NOW - DAY
    assert examples_of(play("t1", at, "stop", 100)) == []
    assert examples_of([signal("play", "t1", at)]) == []


def test_how_a_track_was_shown_is_known_and_how_it_was_not_is_missing() -> None:
    at = NOW - DAY
    at_ms = int(at.timestamp() * 1000)
    screens = Screens([Impression(at_ms - 1_000, ("t2 0.3000 popular", "t1 0.7500 neighbours"))])
    context = {"context_uri": "segue:shelf:for-you"}
    (shown,) = examples_of(play("t1", at, "complete", 240, **context), screens)
    assert value(shown, "retrieval_score") == 0.75
    assert value(shown, "source_neighbours") == 1
    assert value(shown, "source_popular") == 0
    assert value(shown, "place") == 1
    assert value(shown, "is_recommended") == 1
    (other,) = examples_of(play("t5", at, "complete", 240, context_uri="segue:album:x"), screens)
    assert np.isnan(value(other, "retrieval_score"))
    assert np.isnan(value(other, "place"))
    assert value(other, "source_neighbours") == 0
    assert value(other, "is_recommended") == 0


def test_what_is_known_of_a_track_and_a_moment_is_told() -> None:
    before = [
        *play("t1", NOW - 2 * DAY, "complete", 240),
        *play("t5", NOW - 2 * DAY + timedelta(minutes=10), "complete", 240),
        *play("t2", NOW - 2 * DAY + timedelta(minutes=20), "complete", 240),
    ]
    sunday = NOW
    made = examples_of([*before, *play("t9", sunday, "skip", 10)])[-1]
    # t1, t5 and t9 are by one artist, and one more track is of another; all as surely liked.
    assert value(made, "artist_affinity") == pytest.approx(2 / 3, abs=0.01)
    assert value(made, "genre_affinity") == pytest.approx(2 / 3, abs=0.01)
    assert value(made, "age_days") == 109
    assert value(made, "duration_s") == 240
    assert value(made, "hour_cos") == pytest.approx(np.cos(2 * np.pi * 20 / 24))
    assert value(made, "hour_match") == pytest.approx(1, abs=0.01)
    assert value(made, "is_weekend") == 1
    (unknown,) = examples_of(play("x1", NOW - DAY, "skip", 10))
    assert np.isnan(value(unknown, "age_days"))
    assert value(unknown, "artist_affinity") == 0


def test_columns_hold_the_examples() -> None:
    made = examples_of(history(5, 10))
    columns = Examples.of(made)
    assert len(columns) == 10
    np.testing.assert_array_equal(columns.features[3], made[3].features)
    assert columns.users.tolist() == ["u"] * 10
    later = columns.only(columns.ts_ms > made[4].ts_ms)
    assert len(later) == 5
    assert np.array_equal(later.completed, columns.completed[5:])
    assert MISSING != MISSING
