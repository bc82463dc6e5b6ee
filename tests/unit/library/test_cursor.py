from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.library.cursor import Cursor
from shared.library.models import SavedItem, moment
from shared.platform.errors import InvalidInput
from shared.platform.ids import ALPHABET

ids = st.text(ALPHABET, min_size=22, max_size=22)
moments = st.datetimes(timezones=st.just(UTC))
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@given(ids, moments, st.integers(0, 2**32 - 1))
def test_a_cursor_comes_back_as_it_was(item_id: str, added_at: datetime, offset: int) -> None:
    cursor = Cursor(SavedItem(item_id, added_at), offset)
    text = cursor.encode()
    assert Cursor.decode(text) == cursor
    assert text.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=80))
def test_anything_else_is_refused(text: str) -> None:
    with suppress(InvalidInput):
        assert Cursor.decode(text).encode() == text


def test_a_cursor_that_was_cut_is_refused() -> None:
    text = Cursor(SavedItem("a" * 22, NOW), 3).encode()
    for wrong in (text[:-1], text[4:], text + "AAAA", ""):
        with pytest.raises(InvalidInput):
            Cursor.decode(wrong)


@given(st.datetimes(timezones=st.timezones() | st.none()))
def test_nothing_is_saved_in_the_future(said: datetime) -> None:
    taken = moment(said, NOW)
    assert taken.tzinfo is UTC
    assert taken <= NOW


def test_a_moment_without_a_time_zone_is_utc() -> None:
    assert moment(datetime(2020, 1, 2), NOW) == datetime(2020, 1, 2, tzinfo=UTC)


def test_the_edges_of_the_calendar_are_taken() -> None:
    assert moment(datetime.fromisoformat("0001-01-01T00:00:00+14:00"), NOW).year == 1
    assert moment(datetime.fromisoformat("9999-12-31T23:59:59-12:00"), NOW) == NOW
