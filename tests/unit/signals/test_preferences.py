from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.signals.listening import AT_ONCE_MS, listens
from shared.signals.models import Signal
from shared.signals.preferences import HALF_LIFE_MS, confidences, heard, hidden, recent
from tests.unit.signals.conftest import NOW_MS, signal

DAY_S = 24 * 3600


def sure(*signals: Signal) -> float:
    return confidences(signals, NOW_MS).get("t", 0.0)


def test_a_play_of_today_is_one_and_more_makes_it_surer_but_ever_less_so() -> None:
    assert sure(signal("play")) == pytest.approx(1)
    plays = [sure(*(signal("play") for _ in range(n))) for n in range(1, 6)]
    gains = [more - less for less, more in pairwise(plays)]
    assert gains == sorted(gains, reverse=True)
    assert min(gains) > 0


def test_each_kind_of_liking_adds() -> None:
    play = signal("play")
    for kind in ("complete", "save", "playlist_add", "share", "play"):
        assert sure(play, signal(kind)) > sure(play)


def test_a_half_life_halves_what_was_said() -> None:
    old = sure(*(signal("play", HALF_LIFE_MS / 1000) for _ in range(2)))
    assert old == pytest.approx(sure(signal("play")))


def test_a_skip_takes_its_play_back_and_one_at_once_another_too() -> None:
    late = signal("skip", position_ms=AT_ONCE_MS)
    at_once = signal("skip", position_ms=AT_ONCE_MS - 1)
    play = signal("play")
    assert sure(play, late) == 0
    assert sure(play, signal("play"), late) == pytest.approx(sure(play))
    assert sure(play, signal("play"), at_once) == 0
    assert sure(play, signal("play"), signal("play"), at_once) == pytest.approx(sure(play))


def test_what_was_taken_back_was_never_said_whatever_the_order_it_comes_in() -> None:
    save, unsave, again = signal("save", 30), signal("unsave", 20), signal("save", 10)
    assert sure(unsave, save) == sure(save, unsave) == 0
    assert sure(again, save, unsave) == pytest.approx(sure(again))


def test_a_playlist_takes_back_its_own_addition_alone() -> None:
    mine = signal("playlist_add", 30, context_uri="spotify:playlist:a")
    other = signal("playlist_add", 30, context_uri="spotify:playlist:b")
    gone = signal("playlist_remove", 20, context_uri="spotify:playlist:a")
    assert sure(mine, gone) == 0
    assert sure(mine, other, gone) == pytest.approx(sure(other))


def test_what_is_hidden_is_not_liked() -> None:
    assert sure(signal("save"), signal("hide")) == 0
    artist = signal("hide", track=None, subject_uri="spotify:artist:a")
    assert hidden([signal("hide"), artist, signal("skip", track="x")]) == {"t", "a"}


def test_what_is_hidden_and_taken_back_is_as_it_was() -> None:
    hide, unhide, again = signal("hide", 30), signal("unhide", 20), signal("hide", 10)
    assert hidden([hide, unhide]) == hidden([unhide, hide]) == frozenset()
    assert hidden([again, hide, unhide]) == {"t"}
    assert sure(signal("save"), hide, unhide) == sure(signal("save"))
    other = signal("unhide", 20, track=None, subject_uri="spotify:artist:a")
    assert hidden([hide, other]) == {"t"}


def test_what_is_next_to_nothing_is_nothing() -> None:
    assert confidences([signal("play", 200 * DAY_S)], NOW_MS) == {}


@given(st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_changes_anything(chance: random.Random) -> None:
    kinds = ["play", "skip", "complete", "save", "unsave", "playlist_add", "playlist_remove"]
    signals = [
        signal(chance.choice(kinds), chance.uniform(0, 60 * DAY_S), chance.choice("abc"))
        for _ in range(30)
    ]
    found = confidences(signals, NOW_MS)
    assert all(confidence > 0 for confidence in found.values())
    mixed = signals + chance.choices(signals, k=10)
    chance.shuffle(mixed)
    assert confidences(mixed, NOW_MS) == pytest.approx(found)
    assert recent(mixed) == recent(signals)


def test_heard_is_whatever_was_begun_and_when_last() -> None:
    signals = [
        signal("play", 50, "a"),
        signal("skip", 40, "a", position_ms=1_000),
        signal("save", 5, "b"),
    ]
    assert heard(signals) == {"a": NOW_MS - 40_000}


def test_recent_are_the_played_without_those_that_were_skipped_at_once() -> None:
    signals = [
        signal("play", 60, "a", session_id="1"),
        signal("play", 50, "b", session_id="2"),
        signal("skip", 45, "b", session_id="2", position_ms=5_000),
        signal("play", 40, "c", session_id="3"),
        signal("skip", 5, "c", session_id="3", position_ms=35_000),
        signal("play", 3, "a", session_id="4"),
    ]
    assert recent(signals) == ("a", "c")
    assert recent(signals, 1) == ("a",)


def test_an_ending_belongs_to_the_last_play_of_its_track_in_its_session() -> None:
    signals = [
        signal("play", 60, session_id="1"),
        signal("complete", 50, session_id="1", position_ms=200_000),
        signal("play", 40, session_id="1"),
        signal("skip", 35, session_id="1", position_ms=5_000),
        signal("stop", 34, session_id="1", position_ms=6_000),
        signal("play", 30, session_id="2"),
        signal("complete", 20, "other", session_id="2"),
    ]
    random.Random(1).shuffle(signals)
    found = [(one.ending, one.heard_ms, one.is_skipped_at_once) for one in listens(signals)]
    assert found == [(None, None, False), ("skip", 5_000, True), ("complete", 200_000, False)]


def test_a_completed_play_stays_so_whatever_the_player_says_after_it() -> None:
    for later in ("skip", "stop"):
        (one,) = listens(
            [signal("play", 60), signal("complete", 50, position_ms=9), signal(later, 40)]
        )
        assert (one.ending, one.heard_ms) == ("complete", 9)
