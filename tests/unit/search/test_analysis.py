"""What is indexed of a document and what ranking keeps."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.search.analysis import (
    MAX_DESCRIPTION_CHARS,
    MAX_NAME_CHARS,
    card,
    folded_genre,
    release_day,
    terms,
)
from shared.search.models import ItemType, SearchDocument
from shared.search.text import phonetic

SONG = SearchDocument(
    type="track",
    id="1",
    name="Bye Bye Bye (feat. P!nk) - Live",
    artists=("*NSYNC", "AC/DC"),
    artist_ids=("a", "b"),
    aliases=("In Sync",),
    album="No Strings Attached & More",
    description="The boys are back",
    popularity=80,
    release_date="2000-01",
    genres=("Boy Band", "R&B", "r&b"),
)


def test_names_keep_their_order_and_repetitions_for_phrases() -> None:
    found = terms(SONG)
    assert found.name == ("bye", "bye", "bye", "feat", "p", "nk", "live")
    assert found.artists == ("nsync", "ac", "dc", "acdc")
    assert found.album == ("no", "strings", "attached", "more")


def test_every_word_is_there_once_with_aliases_other_spellings_and_the_description() -> None:
    every = terms(SONG).every
    assert len(every) == len(set(every))
    assert {"bye", "nsync", "strings", "sync", "pink", "acdc", "and", "boys"} <= set(every)


def test_beginnings_are_of_names_artists_and_their_spellings_but_not_of_the_album() -> None:
    grams = terms(SONG).grams
    assert {"b", "by", "bye", "ns", "acd", "pin", "sy"} <= set(grams)
    assert not {"str", "boy"} & set(grams)
    assert len(grams) == len(set(grams))


def test_exact_names_are_the_whole_its_core_and_their_spellings() -> None:
    assert set(terms(SONG).exact) == {"byebyebyefeatpnklive", "byebyebyefeatpinklive", "byebyebye"}


@pytest.mark.parametrize(
    ("kind", "by_alias"), [("artist", True), ("playlist", True), ("track", False), ("album", False)]
)
def test_an_alias_is_an_exact_name_of_what_it_names(kind: ItemType, by_alias: bool) -> None:
    found = terms(SearchDocument(type=kind, id="1", name="Ye", aliases=("Kanye West",)))
    assert ("kanyewest" in found.exact) is by_alias
    assert "kanye" in found.every


def test_sounds_and_stems_are_of_the_name_and_the_artists() -> None:
    found = terms(
        SearchDocument(
            type="track", id="1", name="Summer Nights", artists=("Shakira",), album="Running Dogs"
        )
    )
    assert found.phonetic == tuple(map(phonetic, ("summer", "nights", "shakira")))
    assert "night" in found.stems["en"]
    assert not {"run", "dog"} & set(found.stems["en"])


def test_a_name_of_signs_is_one_word() -> None:
    found = terms(SearchDocument(type="album", id="1", name="÷", artists=("!!!",)))
    assert found.name == ("÷",)
    assert found.artists == ("!!!", "chk")
    assert found.exact == ("÷",)
    assert {"÷", "!!!", "chk"} <= set(found.every)


def test_long_names_and_descriptions_are_cut() -> None:
    found = terms(
        SearchDocument(
            type="playlist",
            id="1",
            name="a" * (MAX_NAME_CHARS - 1) + " late",
            description="b" * (MAX_DESCRIPTION_CHARS - 1) + " tail",
        )
    )
    assert "late" not in found.every
    assert "tail" not in found.every


def test_a_card_has_the_words_that_ranking_compares() -> None:
    made = card(SONG)
    assert made.key == SONG.key
    assert made.name_words == terms(SONG).name
    assert made.core_words == ("bye", "bye", "bye")
    assert made.maker_words == ("nsync", "ac", "dc")
    assert {"sync", "pink", "acdc", "and", "strings", "boys"} <= set(made.other_words)
    assert made.exact == terms(SONG).exact
    assert made.genres == ("boy band", "r&b")
    assert (made.popularity, made.artist_ids) == (80, ("a", "b"))


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("1970", "1970-01-01"),
        ("2000-02", "2000-02-01"),
        ("1999-12-31", "1999-12-31"),
        ("1887", "1887-01-01"),
    ],
)
def test_a_release_day_is_the_earliest_that_the_date_allows(text: str, iso: str) -> None:
    assert release_day(text) == date.fromisoformat(iso).toordinal()


@pytest.mark.parametrize("text", ["", "0000", "soon", "1999-13", "1999-02-30", "1-2-3-4", "²"])
def test_what_is_no_date_has_no_day(text: str) -> None:
    assert release_day(text) == 0


@pytest.mark.parametrize("genre", ["Hip-Hop", "hip hop", "HIP  HOP", "hip_hop "])
def test_genres_are_compared_folded(genre: str) -> None:
    assert folded_genre(genre) == "hip hop"


@given(
    st.builds(
        SearchDocument,
        type=st.sampled_from(["track", "artist", "episode"]),
        id=st.just("1"),
        name=st.text(max_size=60),
        artists=st.tuples(st.text(max_size=30)),
        aliases=st.tuples(st.text(max_size=30)),
        album=st.text(max_size=30),
        description=st.text(max_size=60),
        release_date=st.text(max_size=10),
        genres=st.tuples(st.text(max_size=20)),
    )
)
def test_any_document_can_be_indexed_and_no_term_has_a_space(document: SearchDocument) -> None:
    found, made = terms(document), card(document)
    every = [
        *(found.name + found.artists + found.album + found.every + found.grams + found.exact),
        *(found.phonetic + made.core_words + made.other_words),
    ]
    assert all(term and not any(char.isspace() for char in term) for term in every)
    assert set(found.name + found.artists + found.album) <= set(found.every)
    assert set(made.name_words + made.maker_words + made.other_words) == set(found.every)
