from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.platform import ids

PARTS = st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4)


@given(PARTS)
def test_the_same_parts_have_the_same_id(parts: list[str]) -> None:
    assert ids.content_id(*parts) == ids.content_id(*parts)
    assert ids.is_id(ids.content_id(*parts))


@given(PARTS, PARTS)
def test_other_parts_have_another(one: list[str], other: list[str]) -> None:
    assert (ids.content_id(*one) == ids.content_id(*other)) == (one == other)


def test_an_id_stays_what_it_is_in_every_release() -> None:
    assert ids.content_id("track", "abc") == "3zYac26p29dXVIHC01mEF7"


def test_where_one_part_ends_matters() -> None:
    assert ids.content_id("ab", "c") != ids.content_id("a", "bc")


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_the_order_of_numbers_is_that_of_their_ids(one: int, other: int) -> None:
    assert (ids.encode(one) < ids.encode(other)) == (one < other)


def test_the_largest_number_fits() -> None:
    assert len(ids.encode(2**128 - 1)) == ids.ID_LENGTH


def test_random_ids_differ_and_are_not_sequential() -> None:
    made = [ids.random_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert made != sorted(made)
    assert all(ids.is_id(one) for one in made)


def test_what_is_no_id() -> None:
    for text in ("", "a" * 21, "a" * 23, "a" * 21 + "_", "a" * 21 + "é", "a" * 22 + "\n"):
        assert not ids.is_id(text)
