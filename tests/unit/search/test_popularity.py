"""Plays from search move popularity, within bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.search.popularity import MOST_AT_LEAST, boosted

POPULARITY = st.integers(0, 100)
PLAYS = st.integers(0, 10**9)


@given(POPULARITY, PLAYS, PLAYS)
def test_it_stays_in_its_range_and_is_never_less_than_before(
    popularity: int, plays: int, most: int
) -> None:
    assert popularity <= boosted(popularity, plays, most) <= 100


@given(POPULARITY, PLAYS, PLAYS, PLAYS)
def test_more_plays_never_give_less(popularity: int, some: int, more: int, most: int) -> None:
    few, many = sorted((some, more))
    assert boosted(popularity, few, most) <= boosted(popularity, many, most)


@given(POPULARITY, POPULARITY, PLAYS, PLAYS)
def test_it_never_turns_an_order_round(one: int, other: int, plays: int, most: int) -> None:
    low, high = sorted((one, other))
    assert boosted(low, plays, most) <= boosted(high, plays, most)


@given(POPULARITY, PLAYS)
def test_no_plays_change_nothing(popularity: int, most: int) -> None:
    assert boosted(popularity, 0, most) == popularity


def test_the_most_played_comes_half_the_way_and_a_handful_of_plays_is_no_hit() -> None:
    assert boosted(0, 5_000, 5_000) == 50
    assert boosted(40, 5_000, 5_000) == 70
    assert boosted(0, 3, 3) == 10  # were it measured by itself alone, it would be 50
    assert boosted(0, 30, MOST_AT_LEAST) == 25  # as far in a logarithm as 1,000 from 30
