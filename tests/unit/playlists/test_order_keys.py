"""Order keys: always room between two, never long."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.platform.ids import ALPHABET
from shared.playlists.order_keys import (
    HEAD_DIGITS,
    LONGEST,
    WIDEST,
    is_crowded,
    keys_between,
    respaced,
)

KEYS = st.text(ALPHABET, min_size=HEAD_DIGITS, max_size=14).filter(lambda key: key.strip("0"))


def inserted(keys: list[str], at: int, count: int) -> int:
    """Inserts `count` keys before index `at` as an edit does; how many others were rewritten."""
    new = keys_between(keys[at - 1] if at else None, keys[at] if at < len(keys) else None, count)
    if not is_crowded(new):
        keys[at:at] = new
        return 0
    start, found = respaced(keys, at, count)
    rewritten = len(found) - count
    assert start <= at <= start + rewritten
    keys[start : start + rewritten] = found
    return rewritten


def assert_in_order(keys: list[str]) -> None:
    assert all(a < b for a, b in pairwise(keys))


@given(
    st.lists(KEYS, min_size=2, max_size=2, unique_by=lambda key: key.rstrip("0")),
    st.integers(1, 200),
)
def test_there_are_as_many_keys_between_two_as_are_wanted(ends: list[str], count: int) -> None:
    low, high = sorted(ends)
    found = keys_between(low, high, count)
    assert len(found) == count
    assert_in_order([low, *found, high])


@given(st.one_of(st.none(), KEYS), st.integers(1, 100))
def test_an_open_end_takes_as_many_keys_as_are_wanted(end: str | None, count: int) -> None:
    assert_in_order([*([end] if end else []), *keys_between(end, None, count)])
    assert_in_order([*keys_between(None, end, count), *([end] if end else [])])


def test_no_keys_are_wanted() -> None:
    assert keys_between(None, None, 0) == []


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 5)), max_size=60))
def test_inserts_anywhere_keep_the_order(steps: list[tuple[float, int]]) -> None:
    keys: list[str] = []
    for where, count in steps:
        inserted(keys, round(where * len(keys)), count)
        assert_in_order(keys)


def test_appending_and_prepending_never_make_a_key_longer() -> None:
    keys = keys_between(None, None, 1)
    for _ in range(3_000):
        inserted(keys, len(keys), 1)
        inserted(keys, 0, 1)
    assert_in_order(keys)
    assert {len(key) for key in keys} == {HEAD_DIGITS}


@pytest.mark.parametrize("pattern", ["same", "after the last", "closing in"])
@pytest.mark.parametrize("surrounding", [0, 40, 500])
def test_inserting_at_one_place_for_ever_keeps_keys_short_at_a_small_price(
    pattern: str, surrounding: int
) -> None:
    keys = keys_between(None, None, 2 * surrounding + 2)
    low, inserts, rewritten = surrounding + 1, 1_500, 0
    for number in range(inserts):
        at = low
        if pattern == "after the last":
            at = low + number
        elif pattern == "closing in":
            at = low + (number + 1) // 2
        cost = inserted(keys, at, 1)
        assert cost <= WIDEST
        rewritten += cost
    assert_in_order(keys)
    assert max(map(len, keys)) <= LONGEST
    assert rewritten <= 3 * inserts  # so even the worst pattern costs four writes on average


def test_a_full_head_still_leaves_room_at_the_end() -> None:
    last = "z" * HEAD_DIGITS
    assert_in_order([last, *keys_between(last, None, 10)])
    first = "0" * (HEAD_DIGITS - 1) + "1"
    assert_in_order([*keys_between(None, first, 10), first])
