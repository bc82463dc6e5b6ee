from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.signals import log
from shared.signals.counting import COUNTED, DAY_MS, HOUR_MS, Counts, Timeline, TrackCounts
from shared.signals.features import (
    NEVER_HOURS,
    PAIR_FEATURES,
    PRIOR_PLAYS,
    PRIOR_SKIP_RATE,
    TRACK_FEATURES,
    USER_FEATURES,
    Pairs,
    pair_features,
    track_features,
    user_features,
)
from shared.signals.log import considered, newest_first
from shared.signals.models import Signal
from tests.unit.signals.conftest import NOW_MS, signal

HOUR_S, DAY_S = 3600, 24 * 3600
KINDS = (
    *COUNTED,
    "stop",
    "unsave",
    "playlist_remove",
    "follow",
    "search",
    "share",
    "hide",
    "unhide",
)


def user(*signals: Signal) -> dict[str, float]:
    return user_features(signals, NOW_MS)


def pair(*signals: Signal) -> dict[str, float]:
    return pair_features(signals, "t", ["a"], NOW_MS)


def track(*signals: Signal) -> dict[str, float]:
    return track_features(TrackCounts.of(signals), NOW_MS)


def at_random(chance: random.Random, count: int = 80, days: float = 100) -> list[Signal]:
    return [
        signal(
            chance.choice(KINDS),
            chance.uniform(0, days * DAY_S),
            chance.choice(("t", "x", "y", None)),
            position_ms=chance.choice((None, 1_000, 90_000)),
            session_id=chance.choice("12"),
            device_id=chance.choice(("d", "e", None)),
            subject_uri=chance.choice((None, "spotify:artist:a")),
            suspected=chance.choice((None, None, True)),
        )
        for _ in range(count)
    ]


def test_of_nobody_and_nothing_is_known_what_is_usual() -> None:
    assert tuple(user()) == USER_FEATURES
    assert tuple(track()) == TRACK_FEATURES
    assert tuple(pair()) == PAIR_FEATURES
    assert user()["user_skip_rate_28d"] == pytest.approx(PRIOR_SKIP_RATE)
    assert track()["track_skip_rate_1h"] == pytest.approx(PRIOR_SKIP_RATE)
    assert user()["user_hours_since_play"] == pair()["pair_hours_since_skip"] == NEVER_HOURS
    assert track()["track_trend_7d"] == 1
    assert len({*USER_FEATURES, *TRACK_FEATURES, *PAIR_FEATURES}) == len(
        USER_FEATURES + TRACK_FEATURES + PAIR_FEATURES
    )


@given(st.randoms(use_true_random=False))
def test_every_feature_is_finite_and_in_its_range_in_whatever_order_signals_come(
    chance: random.Random,
) -> None:
    signals = at_random(chance)
    found = user(*signals) | pair(*signals) | track(*signals)
    for name, value in found.items():
        assert math.isfinite(value), name
        if "_rate" in name or name.startswith(("pair_is", "user_search_to", "user_track_ent")):
            assert 0 <= value <= 1, name
        elif name.startswith("user_hour_"):
            assert -1 <= value <= 1, name
        else:
            assert value >= 0, name
    mixed = signals + chance.choices(signals, k=20)
    chance.shuffle(mixed)
    assert user(*mixed) == user(*signals)
    assert pair(*mixed) == pair(*signals)


# --- people -----------------------------------------------------------------------------------


def test_windows_hold_what_is_younger_than_they_are_long() -> None:
    found = user(*(signal("play", ago) for ago in (10, 2 * HOUR_S, 2 * DAY_S, 8 * DAY_S)))
    assert [found[f"user_plays_{window}"] for window in ("1h", "1d", "7d", "28d")] == [1, 2, 3, 4]
    assert user(signal("play", HOUR_S))["user_plays_1h"] == 0
    assert user(signal("play", -60))["user_plays_1h"] == 1  # a device's clock may be ahead


def test_rates_are_drawn_towards_what_is_usual_by_so_many_plays() -> None:
    found = user(signal("play"), signal("skip"), signal("play"), signal("complete"))
    assert found["user_skip_rate_1h"] == pytest.approx(
        (1 + PRIOR_PLAYS * PRIOR_SKIP_RATE) / (2 + PRIOR_PLAYS)
    )
    assert found["user_skip_rate_1h"] + found["user_completion_rate_1h"] == pytest.approx(1)


def test_a_search_led_to_a_play_when_one_followed_soon_and_each_play_is_one_search_s() -> None:
    def share(*signals: Signal) -> float:
        return user(*signals)["user_search_to_play_28d"]

    search, soon = signal("search", 1_000, None), signal("play", 900)
    assert share() == 0.5
    assert share(search, soon) == pytest.approx(2 / 3)
    assert share(search, signal("play", 600)) == pytest.approx(1 / 3)
    assert share(soon, signal("search", 800, None)) == pytest.approx(1 / 3)
    assert share(signal("search", 1_010, None), search, soon) == pytest.approx(2 / 4)
    assert share(search, soon, signal("play", 880)) == pytest.approx(2 / 3)


def test_half_an_hour_without_a_sign_parts_two_sessions() -> None:
    signals = [signal("play", minutes * 60) for minutes in (100, 75, 50, 19)]
    found = user(*signals)
    assert (found["user_sessions_28d"], found["user_plays_per_session_28d"]) == (2, 2)


def test_variety_hours_devices_and_how_far_plays_came() -> None:
    same = user(*(signal("play", 60 * n) for n in range(4)))
    assert (same["user_distinct_tracks_28d"], same["user_track_entropy_28d"]) == (1, 0)
    each = user(*(signal("play", 60 * n, str(n), device_id=str(n % 2)) for n in range(4)))
    assert (each["user_distinct_tracks_28d"], each["user_track_entropy_28d"]) == (4, 1)
    assert each["user_devices_28d"] == 2
    noon = user(signal("play", 30 * 60))  # 12:00 UTC
    assert noon["user_hour_cos"] == pytest.approx(-1)
    assert noon["user_hour_sin"] == pytest.approx(0, abs=1e-9)
    assert noon["user_hours_since_play"] == 0.5
    ends = signal("skip", 1, position_ms=10_000), signal("complete", 2, position_ms=200_000)
    assert user(*ends, signal("play", position_ms=99))["user_heard_s_28d"] == 105


def test_only_so_many_of_each_sort_count_and_none_that_is_too_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signals = [signal("play", n) for n in range(10)] + [signal("save", 100 + n) for n in range(5)]
    old = signal("save", 91 * DAY_S)
    kept = considered([*signals, old], NOW_MS, newest=3)
    assert [one.kind for one in kept] == ["play"] * 3 + ["save"] * 3
    assert old not in considered([*signals, old], NOW_MS)
    hide = signal("hide", 91 * DAY_S)
    assert log.known([*signals, old, hide], NOW_MS)[-1] == hide  # that stands
    assert hide not in considered([hide], NOW_MS)  # but no feature tells of it
    searches = [signal("search", n, None) for n in range(log.NEWEST + 50)]
    held = considered([*searches, *signals], NOW_MS)
    assert sum(one.kind == "search" for one in held) == log.NEWEST_SEARCHES
    assert set(signals) <= set(held)
    many = [signal("play", n) for n in range(log.NEWEST + 50)]
    assert user(*many)["user_plays_1h"] == log.NEWEST


# --- pairs ------------------------------------------------------------------------------------


def test_what_was_said_last_of_a_track_holds() -> None:
    assert pair(signal("save", 9))["pair_is_saved"] == 1
    assert pair(signal("save", 9), signal("unsave", 8))["pair_is_saved"] == 0
    assert pair(signal("save", 7), signal("unsave", 8))["pair_is_saved"] == 1
    there = signal("playlist_add", 9, context_uri="p")
    gone = signal("playlist_remove", 8, context_uri="p")
    other = signal("playlist_add", 9, context_uri="q")
    assert pair(there, gone)["pair_is_in_playlist"] == 0
    assert pair(there, gone, other)["pair_is_in_playlist"] == 1
    follow = signal("follow", 9, None, subject_uri="spotify:artist:a")
    gone = signal("unfollow", 8, None, subject_uri="spotify:artist:a")
    assert pair(follow)["pair_follows_artist"] == 1
    assert pair(follow, gone)["pair_follows_artist"] == 0
    assert pair(signal("hide", 9))["pair_is_hidden"] == 1
    assert pair(signal("hide", 9), signal("unhide", 8))["pair_is_hidden"] == 0
    assert pair(signal("hide", 9, None, subject_uri="spotify:artist:a"))["pair_is_hidden"] == 1


def test_a_pair_is_of_this_track_and_many_are_as_one() -> None:
    signals = at_random(random.Random(5))
    pairs = Pairs(signals, NOW_MS)
    assert set(pairs.tracks()) <= {"t", "x", "y"}
    for one in ("t", "x", "unknown"):
        assert pairs.features(one, ["a"]) == pair_features(signals, one, ["a"], NOW_MS)
    assert pair(signal("play", 9, "x"))["pair_plays_28d"] == 0


# --- tracks -----------------------------------------------------------------------------------


def test_a_window_takes_its_share_of_the_bucket_it_begins_in() -> None:
    # It is half past twelve: an hour ago was in the middle of the bucket from eleven to twelve.
    hours = {NOW_MS // HOUR_MS: Counts(plays=3), NOW_MS // HOUR_MS - 1: Counts(plays=8)}
    days = {NOW_MS // DAY_MS - 7: Counts(skips=48), NOW_MS // DAY_MS + 1: Counts(skips=1)}
    counts = TrackCounts(hours, days)
    assert counts.last_hours(1, NOW_MS).plays == 3 + 8 / 2
    assert counts.last_hours(2, NOW_MS).plays == 11
    assert counts.last_days(7, NOW_MS).skips == pytest.approx(1 + 48 * (1 - 12.5 / 24))


def test_suspected_machines_count_for_no_track() -> None:
    signals = [signal("play", 1, suspected=True), signal("play", 2)]
    assert track(*signals)["track_plays_1h"] == 1


@given(st.randoms(use_true_random=False))
def test_a_timeline_tells_what_the_counts_were_at_any_moment(chance: random.Random) -> None:
    signals = [one for one in at_random(chance, 60, 40) if one.track_id == "t"]
    believed = [one for one in signals if one.kind in COUNTED and not one.suspected]
    times = {kind: [one.ts_ms for one in believed if one.kind == kind] for kind in COUNTED}
    moments = [NOW_MS, NOW_MS + 1, *(one.ts_ms for one in believed[:5])]
    for now_ms in moments:
        before = TrackCounts.of(one for one in signals if one.ts_ms < now_ms)
        then = Timeline(times).at(now_ms)
        assert track_features(then, now_ms) == pytest.approx(track_features(before, now_ms))


@given(st.randoms(use_true_random=False))
def test_counts_of_parts_add_up(chance: random.Random) -> None:
    signals = at_random(chance, 40, 30)
    parts = TrackCounts.of(signals[:20]).plus(TrackCounts.of(signals[20:]))
    assert parts == TrackCounts.of(signals)


def test_one_millisecond_is_ordered_by_event_ids() -> None:
    both = [signal("play", 1, event_id="b"), signal("play", 1, event_id="a")]
    assert [one.event_id for one in newest_first([*both, *both])] == ["a", "b"]
