"""Plans as Spanner's SQL, and words as its tokens."""

from __future__ import annotations

import re
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.search.models import Filters, Plan, Slot, Word
from shared.search.spanner import queries, tokens
from shared.search.spanner.queries import Queries, Statement
from shared.search.text import edge_grams

TODAY = date(2026, 6, 15)
words = st.text(min_size=1, max_size=12).filter(
    lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text)
)


def plan(*slots: Slot, **changes: object) -> Plan:
    return Plan(branches=(slots,), **changes)  # type: ignore[arg-type]


def asked(made: Plan) -> Queries:
    return Queries("track", made, TODAY)


@given(words)
def test_a_token_has_letters_alone(word: str) -> None:
    assert re.fullmatch("[a-z]+", tokens.token(word))


@given(words, words)
def test_different_words_have_different_tokens(one: str, other: str) -> None:
    assert (tokens.token(one) == tokens.token(other)) is (one == other)


@given(words, words)
def test_a_beginning_has_a_beginning_of_the_token_and_nothing_else_has(
    one: str, other: str
) -> None:
    assert tokens.token(one + other).startswith(tokens.token(one))
    assert tokens.token(other).startswith(tokens.token(one)) is other.startswith(one)


def test_latin_words_stay_legible() -> None:
    assert tokens.token("queen") == "queen"
    assert tokens.tokens(["a", "2"]) == "a zaadc"
    assert tokens.token("🚀") == "znidnznoia"  # U+D83D U+DE80


@given(st.lists(words, max_size=8))
def test_beginnings_are_those_of_the_words_and_no_others(some: list[str]) -> None:
    grams = edge_grams(some)
    longest = tokens.beginnings(grams)
    assert edge_grams(longest) == grams
    assert not any(a != b and a.startswith(b) for a in longest for b in longest)


def test_nothing_typed_stands_in_the_statement() -> None:
    strange = "'; DROP TABLE x; --"
    slot = Slot(
        forms=(Word(strange), Word("OR")), prefix=strange, sound=strange, stems=(("en", strange),)
    )
    made = plan(slot, exact=(strange,), market="DE", filters=Filters(isrc=strange, genres=("x",)))
    for statement in (asked(made).exact(5), asked(made).dense(5), asked(made).matching(5)):
        assert isinstance(statement, Statement)
        assert "DROP" not in statement.sql
        assert "'" not in statement.sql.replace("'word_prefix'", "")
        named = set(re.findall(r"@(p\d+)", statement.sql))
        assert named == set(statement.params)


def test_an_operator_that_is_typed_is_a_word() -> None:
    made = asked(plan(Slot(forms=(Word("or"), Word("-x"), Word('"'))))).matching(5)
    (query,) = [value for value in made.params.values() if " OR " in str(value)]
    assert query == "or OR zaacnx OR zaacc"


def test_the_same_shape_has_the_same_text() -> None:
    one, other = (
        asked(plan(Slot(forms=(Word(word),), prefix=word), market="SE")).matching(200)
        for word in ("one", "other")
    )
    assert one.sql == other.sql
    assert one.params != other.params


def test_names_are_scored_only_where_words_are_looked_for_in_names() -> None:
    slot = Slot(forms=(Word("a"),))
    assert asked(plan(slot)).dense(5) is not None
    assert asked(plan(slot, missing=1)).dense(5) is None
    assert asked(plan()).dense(5) is None
    assert asked(Plan(branches=((slot,), (slot,)))).dense(5) is None
    for elsewhere in (
        Slot(forms=(Word("a"),), scope="artist"),
        Slot(forms=(Word("a"),), phrase=("b",)),
    ):
        assert asked(plan(slot, elsewhere)).dense(5) is None
    assert asked(plan(slot)).exact(5) is None


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("missing", range(4))
def test_at_most_so_many_conditions_fail(count: int, missing: int) -> None:
    names = [f"c{number}" for number in range(count)]
    text = queries._all_but(missing, names)
    expression = text.replace("AND", "and").replace("OR", "or").replace("TRUE", "True")
    for size in range(count + 1):
        for true in combinations(names, size):
            holds = eval(expression, {name: name in true for name in names})
            assert holds is (size >= count - missing)


def test_one_missing_of_many_words_stays_short() -> None:
    text = queries._all_but(1, [f"c{number}" for number in range(16)])
    assert text.count("c") == 16 * 4  # 16 × log2(16); each left out in turn would be 240


def test_words_of_one_edit_share_enough_bigrams_and_short_ones_at_least_one() -> None:
    def least(word: str, edits: int) -> object:
        made = queries.similar_words(word, edits, 10)
        (name,) = re.findall(r"min_ngrams => @(p\d+)", made.sql)
        return made.params[name]

    assert least("beyonce", 1) == 5  # eight bigrams with both ends
    assert least("beat", 1) == 2
    assert least("abc", 2) == 1


def test_the_new_are_of_two_weeks_and_years_are_whole() -> None:
    new = list(asked(plan(filters=Filters(new=True))).matching(5).params.values())
    assert TODAY.toordinal() - 14 in new
    assert TODAY.toordinal() in new
    years = list(asked(plan(filters=Filters(years=(1990, 1999)))).matching(5).params.values())
    assert date(1990, 1, 1).toordinal() in years
    assert date(1999, 12, 31).toordinal() in years
