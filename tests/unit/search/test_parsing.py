"""What a query says."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.errors import InvalidInput
from shared.search.models import Clause, Filters, Scope
from shared.search.parsing import MAX_WORDS, parse
from shared.search.text import name_words


def said(query: str) -> list[str]:
    """Its clauses in short: `-` negated, `scope:`, `"a b"` a phrase, `…` open, `|` or."""
    return [
        ("-" if clause.negated else "")
        + (f"{clause.scope}:" if clause.scope != "any" else "")
        + (" ".join(clause.words).join('""') if len(clause.words) > 1 else clause.words[0])
        + ("…" if clause.open else "")
        for branch in parse(query).branches
        for clause in (*branch, Clause(("|",)))
    ][:-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # words; the last may be a beginning
        ("hello wor", ["hello", "wor…"]),
        ("hello wor ", ["hello", "wor"]),
        ("Beyoncé", ["beyonce…"]),
        ("wham!", ["wham"]),
        ("हिन्दी", ["हिन्दी…"]),
        ("the and of", ["the", "and", "of…"]),
        ("R.E.M", ["r", "e", "m…"]),
        ("宇多田", ["宇多", "多田…"]),
        ("don\u2019t", ["dont…"]),
        # phrases
        ('"so what" miles', ['"so what"', "miles…"]),
        ("“So What”", ['"so what"']),
        ("„so what“ «miles»", ['"so what"', "miles"]),
        ('"so what', ["so", "what…"]),
        ('12" mix 7" edit', ["12", "mix", "7", "edit…"]),
        ('""', ['""']),
        # fields
        ("artist:miles davis", ["artist:miles", "artist:davis"]),
        (
            "artist:miles davis track:so what",
            ["artist:miles", "artist:davis", "name:so", "name:what"],
        ),
        ('ARTIST:"Miles Davis" kind', ['artist:"miles davis"', "kind…"]),
        ("blue album:kind of", ["blue", "album:kind", "album:of"]),
        ('artist:"!!!"', ["artist:!!!"]),
        ("artist:!!!", ["artist:!!!"]),
        ("artist:AC/DC", ["artist:ac", "artist:dc"]),
        ('artist:a "b c" d', ["artist:a", '"b c"', "d…"]),
        ("artist:", ["artist"]),
        ('artist:"', ["artist"]),
        ("artist: miles", ["artist", "miles…"]),
        # operators, in upper case
        ("miles OR coltrane", ["miles", "|", "coltrane…"]),
        ("artist:miles OR coltrane", ["artist:miles", "|", "coltrane…"]),
        ("rock AND roll", ["rock", "roll…"]),
        ("rock or not roll", ["rock", "or", "not", "roll…"]),
        ("drake NOT remix", ["drake", "-remix"]),
        ("drake -remix", ["drake", "-remix"]),
        ('drake -"the remix" x', ["drake", '-"the remix"', "x…"]),
        ("rock NOT ac/dc", ["rock", '-"ac dc"']),
        ("jazz NOT artist:miles davis", ["jazz", '-artist:"miles davis"']),
        ("love NOT genre:rock", ["love", "-rock"]),
        ("a OR NOT b", ["a"]),
        # what is not meant as one
        ("blink-182", ["blink", "182…"]),
        ("song - Remix", ["song", "remix…"]),
        ("mathieu -M-", ["mathieu", "m"]),
        ("-M-", ["m"]),
        ("NOT AFRAID", ["not", "afraid…"]),
        ("love OR", ["love", "or…"]),
        ("OR", ["or…"]),
        ("OR love", ["or", "love…"]),
        ("NOT", ["not…"]),
        ("re:stacks", ["re", "stacks…"]),
        ("2:00 am", ["2", "00", "am…"]),
        ("year:zero", ["year", "zero"]),
        ("tag:old x", ["tag", "old", "x…"]),
        ("!!!", ["!!!"]),
        ("+", ["+"]),
        ("÷ ", ["÷"]),
    ],
)
def test_a_query_is_read_as_it_is_meant(query: str, expected: list[str]) -> None:
    assert said(query) == expected


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        ("year:1999", Filters(years=(1999, 1999))),
        ("year:1990-1999", Filters(years=(1990, 1999))),
        ("year:1999-1990", Filters(years=(1990, 1999))),
        ("genre:jazz", Filters(genres=("jazz",))),
        ('genre:"Hip-Hop" genre:pop', Filters(genres=("hip hop", "pop"))),
        ("isrc:us-s1z-99-00001", Filters(isrc="USS1Z9900001")),
        ("upc:036000291452", Filters(upc="036000291452")),
        ("tag:new", Filters(new=True)),
        ("Tag:HIPSTER", Filters(hipster=True)),
        ("tag:new tag:hipster year:2020", Filters((2020, 2020), new=True, hipster=True)),
    ],
)
def test_filters_alone_are_one_branch_without_clauses(query: str, filters: Filters) -> None:
    parsed = parse(query)
    assert parsed.filters == filters
    assert parsed.branches == ((),)


def test_filters_stand_beside_words_and_hold_for_every_branch() -> None:
    parsed = parse("year:1959 miles OR coltrane tag:new NOT live")
    assert parsed.filters == Filters(years=(1959, 1959), new=True)
    assert [[clause.words for clause in branch] for branch in parsed.branches] == [
        [("miles",)],
        [("coltrane",), ("live",)],
    ]
    assert said("year:1999 NOT live") == ["-live"]


@pytest.mark.parametrize(("field", "scope"), [("artist", "artist"), ("track", "name")])
def test_a_value_is_never_open(field: str, scope: Scope) -> None:
    assert parse(f"{field}:mil").branches == ((Clause(("mil",), scope),),)


def test_a_plain_query_says_so_and_keeps_its_text() -> None:
    parsed = parse("  Kind of  Blue ")
    assert parsed.text == "Kind of  Blue"
    assert parsed.is_plain
    assert parsed.words == ("kind", "of", "blue")
    assert not parse("artist:miles").is_plain


def test_only_the_first_words_count_and_the_last_of_them_is_not_open() -> None:
    parsed = parse(" ".join(f"word{number}" for number in range(40)))
    assert parsed.words == tuple(f"word{number}" for number in range(MAX_WORDS))
    assert not parsed.branches[-1][-1].open
    assert len(parse("a OR " * 40 + "b").branches) == MAX_WORDS
    many = parse("x " + "NOT y " * 40).branches[0]
    assert len(many) == 1 + MAX_WORDS


@pytest.mark.parametrize("query", ["", "   ", "\t\n", "\u200b", "\x00", "\ufeff \u202e"])
def test_a_query_without_a_visible_character_is_refused(query: str) -> None:
    with pytest.raises(InvalidInput, match="letter, digit or sign"):
        parse(query)


PIECES = st.sampled_from(
    [
        '"',
        "artist:",
        "YEAR:",
        "1999",
        "-",
        " ",
        "OR",
        "NOT",
        "AND",
        "“",
        ":",
        "!!!",
        "a",
        "genre:",
        "*",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join)))
def test_any_text_is_a_query_of_folded_words(query: str) -> None:
    if not name_words(query.strip()):
        with pytest.raises(InvalidInput):
            parse(query)
        return
    parsed = parse(query)
    clauses = [clause for branch in parsed.branches for clause in branch]
    assert clauses or parsed.filters != Filters()
    assert len(parsed.words) <= MAX_WORDS
    for clause in clauses:
        assert name_words(" ".join(clause.words)) == list(clause.words)
    assert sum(clause.open for clause in clauses) <= 1
    assert not any(clause.open for clause in clauses[:-1])


@pytest.mark.parametrize(
    "piece",
    ["a ", '"', "artist:", "宇", "ا ", "🎵", "-a ", "OR ", '"a" ', "a-", "year:1-", "\x00a", "﷽"],
)
def test_no_query_of_ten_kilobytes_takes_a_second(piece: str) -> None:
    """Which no query ever may; a millisecond is usual."""
    query = piece * (10_000 // len(piece))
    started = time.process_time()
    parsed = parse(query)
    assert time.process_time() - started < 1.0
    assert len(parsed.words) <= MAX_WORDS
