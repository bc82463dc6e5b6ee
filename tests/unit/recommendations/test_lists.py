"""Stored lists, and what is said of what stands on them."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.parameters import parse_uri, uri_pattern
from shared.recommendations import lists
from shared.recommendations.due import State
from shared.recommendations.items import ReasonKind, Source, Why
from shared.recommendations.lists import ListedTrack, Made, MadeList, SimilarTrack
from shared.recommendations.reasons import reason_of

WHYS = st.builds(
    Why,
    st.sampled_from(get_args(ReasonKind)),
    st.none() | st.text(max_size=10),
    st.none() | st.text(max_size=10),
)
TRACKS = st.builds(
    ListedTrack,
    st.text(min_size=1, max_size=22),
    st.floats(-10, 10).map(lambda score: round(score, 4)),
    st.sampled_from(get_args(Source)),
    WHYS,
    st.none() | st.floats(0, 2).map(lambda score: round(score, 4)),
)
LISTS = st.builds(
    MadeList,
    st.text(),
    st.text(),
    st.text(),
    st.lists(TRACKS, max_size=5).map(tuple),
    st.lists(st.text(), max_size=3).map(tuple),
)
WHOLE = st.builds(
    Made,
    st.sampled_from(["discover-weekly", "daily-mix", "release-radar"]),
    st.dates().map(lambda day: day.isoformat()),
    st.integers(0, 2**43),
    st.integers(0, 2**43),
    st.text(max_size=16),
    st.text(max_size=30),
    st.lists(LISTS, max_size=3).map(tuple),
    st.lists(st.lists(st.text(), max_size=3).map(tuple), max_size=3).map(tuple),
)


@given(WHOLE)
def test_a_stored_list_is_read_back_as_it_was(made: Made) -> None:
    assert lists.from_bytes(lists.to_bytes(made)) == made
    assert lists.state_from_bytes(lists.state_to_bytes(made.state)) == made.state


def test_thirty_tracks_are_some_kilobytes() -> None:
    why = Why("because_you_played", "a" * 22, "A name of usual length")
    tracks = (ListedTrack("t" * 22, 0.1234, "neighbours", why),) * 30
    made = Made(
        "discover-weekly", "2026-11-23", 1, 1, "f" * 16, "v", (MadeList("i", "n", "d", tracks),)
    )
    assert len(lists.to_bytes(made)) < 5_000


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"format": 2}', b"\xff"])
def test_a_damaged_list_is_said_to_be(damage: bytes) -> None:
    with pytest.raises(ValueError):
        lists.from_bytes(damage)


def test_an_empty_one_says_so() -> None:
    nothing = Made("daily-mix", "2026-11-23", 1, 2, "f", "v", ())
    assert nothing.state == State("2026-11-23", 2, "f", is_empty=True)


@given(st.lists(st.tuples(st.text("abc", min_size=1), st.integers(1, 10**7)), max_size=30))
def test_similar_tracks_are_read_back(pairs: list[tuple[str, int]]) -> None:
    tracks = tuple(SimilarTrack(*pair) for pair in pairs)
    assert lists.similar_from_bytes(lists.similar_to_bytes(tracks)) == tracks


def test_every_reason_has_words_with_and_without_a_subject() -> None:
    for kind in get_args(ReasonKind):
        plain, named = reason_of(Why(kind)), reason_of(Why(kind, "id", "A Name"))
        assert plain.text
        assert plain.uri is None
        assert "{" not in plain.text + named.text
        assert len(plain.text) <= 60
        if named.uri is not None:
            assert "A Name" in named.text
            assert named.uri.startswith("spotify:")


@pytest.mark.parametrize("genre", ["jazz", "indie rock", "R&B / Soul", "música popular"])
def test_the_genre_of_a_reason_can_be_asked_for(genre: str) -> None:
    uri = reason_of(Why("from_your_mix", genre, genre)).uri
    assert uri is not None
    assert re.fullmatch(uri_pattern("track", "genre"), uri)
    assert parse_uri(uri) == ("genre", genre.replace(" ", "_"))


def test_a_reason_speaks_of_what_was_played() -> None:
    reason = reason_of(Why("because_you_played", "x" * 22, "Sinnerman"))
    assert reason.text == "Because you played Sinnerman"
    assert reason.uri == "spotify:track:" + "x" * 22
