"""What an engine is asked for, pass by pass."""

from __future__ import annotations

import pytest

from shared.search import planning
from shared.search.models import Plan, SearchRequest, Word
from shared.search.parsing import parse


def typed(query: str, **given: object) -> Plan:
    request = SearchRequest(query, ("track",), **given)  # type: ignore[arg-type]
    return planning.typed(parse(query), request, 200)


def texts(plan: Plan, branch: int = 0) -> list[list[str]]:
    return [[form.text for form in slot.forms] for slot in plan.branches[branch]]


@pytest.mark.parametrize(
    ("word", "edits", "loosely"),
    [
        ("abc", 0, 1),
        ("ab", 0, 0),
        ("love", 1, 1),
        ("hello", 1, 2),
        ("rhapsody", 2, 2),
        ("1999", 0, 0),
    ],
)
def test_typos_are_tolerated_by_length(word: str, edits: int, loosely: int) -> None:
    assert planning.edits_allowed(word) == edits
    assert planning.edits_allowed(word, loose=True) == loosely


def test_the_last_word_may_be_a_beginning() -> None:
    slots = typed("bad gu").branches[0]
    assert [slot.prefix for slot in slots] == ["", "gu"]
    assert [slot.prefix for slot in typed("bad guy ").branches[0]][-1] in ("", "guy")


def test_a_whole_name_is_asked_for_without_its_spaces() -> None:
    assert "badguy" in typed("bad guy").exact
    assert typed("artist:queen").exact == ()


def test_a_form_of_the_askers_language_is_a_stem() -> None:
    assert ("en", "run") in typed("running", locale="en").branches[0][0].stems
    assert typed("running", locale="xx").branches[0][0].stems == ()


def test_filters_market_and_explicit_reach_the_plan() -> None:
    plan = typed("love year:1990-1999", market="DE", allow_explicit=False)
    assert plan.filters.years == (1990, 1999)
    assert (plan.market, plan.allow_explicit) == ("DE", False)


def test_what_stands_in_a_filter_is_no_word_of_a_name() -> None:
    plan = typed("love genre:soul year:1999")
    assert plan.exact == ("love",)
    assert len(plan.branches) == 1


def test_what_is_not_wanted_is_excluded() -> None:
    plan = typed("love NOT story")
    assert texts(plan) == [["love"]] or texts(plan)[0][0] == "love"
    assert [slot.forms[0].text for slot in plan.excluded] == ["story"]


def test_or_makes_branches() -> None:
    assert [slots[0].forms[0].text for slots in typed("love OR hate").branches] == ["love", "hate"]


@pytest.mark.parametrize(
    ("query", "otherwise"),
    [
        ("ke$ha die young", ["kesha", "die", "young"]),
        ("шакира", ["shakira"]),
        ("peaches x giveon", ["peaches", "giveon"]),
        ("closer ft halsey", ["closer", "halsey"]),
    ],
)
def test_a_query_is_also_meant_in_plain_letters_and_without_joining_words(
    query: str, otherwise: list[str]
) -> None:
    plan = typed(query)
    assert otherwise in [[slot.forms[0].text for slot in branch] for branch in plan.branches[1:]]


@pytest.mark.parametrize("query", ["bad guy", "x", "ft", "artist:ke$ha", "a OR ke$ha"])
def test_a_query_that_says_one_thing_is_not_doubted(query: str) -> None:
    assert len(typed(query).branches) == (2 if " OR " in query else 1)


def test_words_together_may_hide_a_typo_and_a_key_may_miss_the_space() -> None:
    first = typed("nickle back")
    plan = planning.corrected(first, {"nickleback": [(Word("nickelback", 1.0), 80)]})
    assert ["nickelback"] in [words for n in range(len(plan.branches)) for words in texts(plan, n)]
    assert ("slow", "down") in planning.splits("slowndown")
    assert ("slow", "down") not in planning.splits("slowtdown")


def test_what_sounds_the_same_costs_more_the_less_it_is_written_alike() -> None:
    assert 1 < planning.sound_cost("faid", "fade") < planning.sound_cost("faid", "vete") <= 2


def test_a_word_is_also_meant_as_its_neighbours() -> None:
    first = typed("helo adele")
    similar = {"helo": [(Word("hello", 1.0), 80)], "adele": [(Word("adele"), 90)]}
    plan = planning.corrected(first, similar)
    assert "hello" in texts(plan)[0]
    assert texts(plan)[1][0] == "adele"
    assert "helloadele" in plan.exact
    assert plan.missing == 0
    assert planning.corrected(first, similar, loose=True).missing == 1


def test_words_are_tried_together_and_apart() -> None:
    first = typed("some body")
    joined = planning.corrected(first, {"somebody": [(Word("somebody"), 50)]})
    assert ["somebody"] in [
        words for n in range(len(joined.branches)) for words in texts(joined, n)
    ]
    first = typed("badguy")
    similar = {"bad": [(Word("bad"), 1)], "guy": [(Word("guy"), 1)]}
    apart = planning.corrected(first, similar)
    assert [["bad"], ["guy"]] in [texts(apart, n) for n in range(len(apart.branches))]


def test_compounds_are_the_parts_of_unknown_words_alone() -> None:
    first = typed("badguy love")
    wanted = planning.compounds(first, {"love": [(Word("love"), 99)]})
    assert {"badguylove", "bad", "guy"} <= set(wanted)
    assert "lo" not in wanted


def test_of_a_long_query_only_the_first_words_are_doubted() -> None:
    first = typed(" ".join(f"wrd{letter}" for letter in "abcdefghijkl"))
    assert len(planning.doubted(first)) == planning.MAX_DOUBTED
    assert len(planning.joined(first)) == planning.MAX_DOUBTED - 1
    assert planning.corrected(first, {}, loose=True).missing == 0
