from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.history import keys
from shared.history.keys import Cursor

NOW_MS = 1_800_000_000_000
MOMENTS = st.integers(0, keys.LAST_MS)
IDS = st.from_regex(r"\A[0-9A-Za-z._:-]{1,64}\Z")
PLAYS = st.lists(st.tuples(st.integers(1000, 1010), st.sampled_from("abc")), unique=True)


@given(MOMENTS, IDS)
def test_a_key_holds_moment_and_event(moment_ms: int, event_id: str) -> None:
    assert keys.parse(keys.row_key("user", moment_ms, event_id)) == (moment_ms, event_id)


@given(MOMENTS, MOMENTS, IDS, IDS)
def test_the_newest_play_is_the_first_row(one: int, other: int, a: str, b: str) -> None:
    if one > other:
        assert keys.row_key("user", one, a) < keys.row_key("user", other, b)


def test_users_are_apart_and_no_key_is_sequential() -> None:
    start, end = keys.key_range("user", 0, None, None)
    assert start <= keys.row_key("user", NOW_MS, "e") < end
    for other in ("user1", "use", "users", "user#"):
        assert not start <= keys.row_key(other, NOW_MS, "e") < end
    assert keys.row_key("user", NOW_MS, "e").startswith(b"user#")


@given(PLAYS, st.integers(999, 1011), st.integers(999, 1011), st.integers(999, 1011))
def test_a_range_holds_what_is_between_the_cursors(
    plays: list[tuple[int, str]], oldest: int, before: int, after: int
) -> None:
    start, end = keys.key_range("u", oldest, Cursor(before), Cursor(after))
    found = {play for play in plays if start <= keys.row_key("u", *play) < end}
    assert found == {play for play in plays if oldest <= play[0] and after < play[0] < before}


@given(PLAYS, st.integers(1000, 1010), st.sampled_from("abc"))
def test_a_cursor_that_names_a_play_parts_those_of_one_millisecond(
    plays: list[tuple[int, str]], moment_ms: int, event_id: str
) -> None:
    cursor, at = Cursor(moment_ms, event_id), keys.row_key("u", moment_ms, event_id)
    rows = [keys.row_key("u", *play) for play in plays]
    start, end = keys.key_range("u", 0, cursor, None)
    older = {row for row in rows if start <= row < end}
    start, end = keys.key_range("u", 0, None, cursor)
    newer = {row for row in rows if start <= row < end}
    assert older == {row for row in rows if row > at}
    assert newer == {row for row in rows if row < at}
