"""The judged queries themselves."""

from __future__ import annotations

from collections import Counter

import pytest

from shared.search.models import SearchDocument
from tests.relevance import catalogue, generating, judging
from tests.relevance.judging import FILES, KINDS, Query

SHAPE_OF_YOU = SearchDocument(
    type="track",
    id="1",
    name="Shape of You - Acoustic",
    artists=("Ed Sheeran",),
    album="÷ (Deluxe)",
)


def test_there_are_hundreds_of_queries_and_many_by_hand() -> None:
    assert len(judging.read()) >= 450
    assert len(judging.read(FILES[:1])) >= 120
    assert {one.kind for one in judging.read()} == set(KINDS)


def test_no_query_is_asked_twice_for_the_same_meaning() -> None:
    twice = [one for one, count in Counter(judging.read()).items() if count > 1]

    assert not twice


def test_every_query_has_a_right_answer_in_the_catalogue() -> None:
    documents = catalogue.documents()
    lost = [
        one
        for one in judging.read()
        for kind in one.types
        if not any(one.accepts(document) for document in documents[kind])
    ]

    assert not lost


def test_the_halves_are_about_equal() -> None:
    halves = Counter(one.half for one in judging.read())

    assert 0.4 < halves["tune"] / halves.total() < 0.6


def test_the_generator_makes_what_is_committed() -> None:
    assert generating.queries() == judging.read(FILES[1:])


def test_a_version_of_the_song_is_right() -> None:
    assert Query("exact", "shape of you", title="Shape of You").accepts(SHAPE_OF_YOU)
    assert Query("album", "divide", album="÷", artist="ed sheeran").accepts(SHAPE_OF_YOU)


@pytest.mark.parametrize(
    "query",
    [
        Query("exact", "shape", title="Shape"),
        Query("title+artist", "shape of you sia", title="Shape of You", artist="Sia"),
        Query("album", "multiply", album="x"),
    ],
)
def test_another_song_artist_or_album_is_wrong(query: Query) -> None:
    assert not query.accepts(SHAPE_OF_YOU)


@pytest.mark.parametrize(
    ("name", "song"),
    [
        ("Mood (Remix) feat. Justin Bieber", "mood"),
        ("Virtual Insanity - Remastered", "virtual insanity"),
        ("Waka Waka (Africa) [The (TM) Song] (feat. Freshlyground)", "waka waka"),
        ("Đông Kiếm Em", "dong kiem em"),
        ("÷", "÷"),
        ("(Untitled)", "untitled"),
    ],
)
def test_a_song_is_known_by_its_bare_title(name: str, song: str) -> None:
    assert judging.song(name) == song
