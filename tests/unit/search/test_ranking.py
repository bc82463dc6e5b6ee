"""In what order candidates are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.search import planning
from shared.search.analysis import card
from shared.search.matching import Asked, read
from shared.search.models import (
    Affinity,
    Candidate,
    Found,
    SearchDocument,
    SearchRequest,
    Slot,
    Word,
)
from shared.search.parsing import parse
from shared.search.ranking import FEATURES, WEIGHTS, freshness, ranked

TODAY = date(2026, 11, 22)


def track(name: str, artist: str = "Somebody", **fields: object) -> SearchDocument:
    stated = {"type": "track", "id": f"{name}/{artist}", "name": name, "artists": (artist,)}
    return SearchDocument.model_validate(stated | fields)


def asked(query: str) -> Asked:
    plan = planning.typed(parse(query), SearchRequest(query, ("track",)), 200)
    return Asked(plan.branches[0], frozenset(plan.exact))


def order(query: str, *documents: SearchDocument, **given_: object) -> list[Found]:
    candidates = [Candidate(card(one), 0.0) for one in documents]
    settings: dict[str, object] = {"market": "DE", "affinity": Affinity(), "today": TODAY}
    return ranked(candidates, asked(query), **(settings | given_))  # type: ignore[arg-type]


def names(found: Sequence[Found]) -> list[str]:
    return [one.card.name for one in found]


def test_the_weights_are_those_of_the_rows_and_sum_to_one() -> None:
    assert dict(WEIGHTS) == {
        "text": 0.30,
        "popularity": 0.25,
        "affinity": 0.20,
        "freshness": 0.15,
        "market": 0.10,
    }
    assert isclose(sum(WEIGHTS.values()), 1)


@pytest.mark.parametrize(
    ("query", "name", "artist", "match"),
    [
        ("hello", "Hello", "Adele", "name"),
        ("hello adele", "Hello", "Adele", "name"),
        ("adele hello", "Hello", "Adele", "name"),
        ("hel", "Hello", "Adele", "beginning"),
        ("adele", "Hello", "Adele", "beginning"),
        ("say hello", "When I Say Hello", "Adele", "words"),
        ("sunflower", "Sunflower - Remastered 2011", "Post Malone", "name"),
        ("love me like", "Love Me Like You Do", "Ellie Goulding", "beginning"),
        ("hello missing", "Hello", "Adele", "partial"),
    ],
)
def test_how_a_name_answers(query: str, name: str, artist: str, match: str) -> None:
    (found,) = order(query, track(name, artist))
    assert found.explanation.match == match


def test_the_album_is_context() -> None:
    (found,) = order("parachutes", track("Yellow", "Coldplay", album="Parachutes"))
    assert found.explanation.match == "context"


def test_the_exact_name_stands_above_a_better_known_one_that_has_the_word() -> None:
    found = order("love", track("Love Story", popularity=99), track("Love", popularity=1))
    assert names(found) == ["Love", "Love Story"]


def test_of_equal_names_the_better_known_goes_first() -> None:
    found = order("home", track("Home", "A", popularity=20), track("Home", "B", popularity=80))
    assert [one.card.artists for one in found] == [("B",), ("A",)]


def test_what_somebody_likes_goes_before_what_is_a_little_better_known() -> None:
    known = track("Home", "A", popularity=80, artist_ids=("a",))
    liked = track("Home", "B", popularity=60, artist_ids=("b",))
    assert [one.id for one in order("home", known, liked)] == [known.id, liked.id]
    found = order("home", known, liked, affinity=Affinity(artists={"b": 1.0}))
    assert [one.id for one in found] == [liked.id, known.id]
    assert found[0].explanation.parts["affinity"] == 1.0


def test_new_goes_before_old_and_no_date_is_old() -> None:
    today = TODAY.toordinal()
    assert freshness(today, today) == freshness(today + 5, today) == 1.0
    assert isclose(freshness(today - 365, today), 0.5)
    assert freshness(0, today) == 0.0
    old = track("Home", "A", release_date="1999")
    new = track("Home", "B", release_date="2026-11-20")
    assert [one.id for one in order("home", old, new)] == [new.id, old.id]


def test_a_market_that_is_not_known_counts_where_it_is_released() -> None:
    everywhere, one_country = track("Home", "A"), track("Home", "B", territories=("DE",))
    found = order("home", one_country, everywhere, market=None)
    assert [one.explanation.parts["market"] == 1.0 for one in found] == [True, False]


def test_the_words_in_their_order_go_before_the_same_words_in_another() -> None:
    found = order(
        "young forever", track("Forever Young", popularity=80), track("Young Forever", popularity=1)
    )
    assert names(found) == ["Young Forever", "Forever Young"]
    assert [one.explanation.match for one in found] == ["name", "all_words"]


def test_a_name_that_is_too_short_for_the_query_is_not_all_of_it() -> None:
    found = order("waka waka", track("Waka", "6ix9ine"), track("Waka Waka (Africa)", "Shakira"))
    assert names(found) == ["Waka Waka (Africa)", "Waka"]


def test_a_name_without_its_signs_is_the_name_beside_its_artist() -> None:
    (found,) = order("pimp 50 cent", track("P.I.M.P.", "50 Cent"))
    assert found.explanation.match == "name"


def test_a_name_as_typed_goes_before_another_form_of_it() -> None:
    found = order("feelings", track("Feels", popularity=99), track("Feelings", popularity=1))
    assert names(found)[0] == "Feelings"


def test_one_typo_goes_before_two_of_a_better_known_name() -> None:
    slots = (Slot(forms=(Word("galawy"), Word("galway", 1.0), Word("gala", 2.0))),)
    near, far = track("Galway", popularity=5), track("Gala", popularity=99)
    found = ranked(
        [Candidate(card(one), 0.0) for one in (far, near)],
        Asked(slots, frozenset()),
        market="DE",
        affinity=Affinity(),
        today=TODAY,
    )
    assert names(found) == ["Galway", "Gala"]


def test_while_the_first_word_is_typed_popularity_decides() -> None:
    found = order(
        "holl", track("Hollywood", popularity=60), track("Hollywood's Bleeding", popularity=80)
    )
    assert names(found) == ["Hollywood's Bleeding", "Hollywood"]


def test_a_card_is_read_by_the_branch_that_it_answers_best() -> None:
    apart = (Slot(forms=(Word("rude"),)), Slot(forms=(Word("boy"),)))
    together = Asked((Slot(forms=(Word("rudeboy"),)),), frozenset(), others=(apart,))
    reading = read(card(track("Rude Boy", "Rihanna")), together)
    assert (reading.match.name, reading.coverage) == ("NAME", 1.0)


def test_a_corrected_name_says_what_it_cost() -> None:
    slots = (Slot(forms=(Word("helo"), Word("hello", 1.0))),)
    reading = read(card(track("Hello", "Adele")), Asked(slots, frozenset({"helo"})))
    assert (reading.match.name, reading.edits) == ("CORRECTED_NAME", 1.0)


class FewestLetters:
    """A ranker that puts short names first."""

    def scores(self, rows: Sequence[Mapping[str, float]]) -> Sequence[float]:
        assert all(set(row) == set(FEATURES) for row in rows)
        return [-row["popularity"] for row in rows]


def test_a_learned_ranker_orders_equal_matches_and_nothing_else() -> None:
    documents = (
        track("Home", "A", popularity=80),
        track("Home", "B", popularity=10),
        track("Home Again", "C", popularity=0),
    )
    found = order("home", *documents, reranker=FewestLetters())
    assert [one.card.artists[0] for one in found] == ["B", "A", "C"]
    assert found[0].explanation.learned is not None


WORDS = st.sampled_from(["love", "home", "hello", "night", "the", "you", "夜に", "привет"])
DOCUMENTS = st.builds(
    lambda words, artist, popularity, day: track(
        " ".join(words), artist, popularity=popularity, release_date=day
    ),
    st.lists(WORDS, min_size=1, max_size=5),
    WORDS,
    st.integers(0, 100),
    st.sampled_from(["", "1969-07-20", "2020", "2026-11-22", "2031-01"]),
)


@given(
    st.lists(WORDS, min_size=1, max_size=4),
    st.lists(DOCUMENTS, max_size=12, unique_by=lambda one: one.id),
    st.randoms(),
)
def test_every_part_is_in_0_to_1_and_the_order_does_not_depend_on_theirs(
    query: list[str], documents: list[SearchDocument], shuffled: object
) -> None:
    found = order(" ".join(query), *documents)
    for one in found:
        assert all(0 <= one.explanation.parts[name] <= 1 for name in WEIGHTS)
        assert 0 <= one.explanation.score <= 1
    again = list(documents)
    shuffled.shuffle(again)  # type: ignore[attr-defined]
    assert [one.card for one in order(" ".join(query), *again)] == [one.card for one in found]
