from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.history import taste
from shared.history.models import Play

NOW_MS = 1_800_000_000_000
DAY_MS = 24 * 3600 * 1000


def a_play(track_id: str, days_ago: float) -> Play:
    moment = NOW_MS - int(days_ago * DAY_MS)
    return Play(event_id=f"{track_id}{days_ago}", track_id=track_id, played_at_ms=moment)


def test_a_play_weighs_half_after_a_half_life() -> None:
    scores = taste.track_scores([a_play("a", 0), a_play("b", 30)], "medium_term", NOW_MS)
    assert scores == pytest.approx({"a": 1.0, "b": 0.5})


def test_last_weeks_song_beats_last_months_habit_in_the_short_term_alone() -> None:
    plays = [a_play("new", 1), *(a_play("habit", 27) for _ in range(4))]
    best = {
        range_: taste.ranked(taste.track_scores(plays, range_, NOW_MS))[0]
        for range_ in ("short_term", "long_term")
    }
    assert best == {"short_term": "new", "long_term": "habit"}


def test_a_range_reaches_no_further_back_than_it_says() -> None:
    plays = [a_play("a", 27.9), a_play("b", 28.1), a_play("c", 90.1)]
    assert set(taste.track_scores(plays, "short_term", NOW_MS)) == {"a"}
    assert set(taste.track_scores(plays, "long_term", NOW_MS)) == {"a", "b"}


def test_a_clock_that_is_ahead_counts_as_now() -> None:
    assert taste.track_scores([a_play("a", -1)], "short_term", NOW_MS) == {"a": 1.0}


def test_an_artist_scores_with_every_track_that_they_are_on() -> None:
    scores = {"t1": 2.0, "t2": 1.0, "gone": 9.0}
    artists = {"t1": ["x"], "t2": ["x", "y"]}
    assert taste.artist_scores(scores, artists) == {"x": 3.0, "y": 1.0}


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 100), max_size=20))
def test_a_ranking_is_total_and_the_same_each_time(scores: dict[str, float]) -> None:
    best = taste.ranked(scores)
    assert set(best) == set(scores)
    assert best == taste.ranked(dict(reversed(scores.items())))
    values = [scores[one] for one in best]
    assert values == sorted(values, reverse=True)
