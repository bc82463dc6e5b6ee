"""Spanner's part alone: loads and changes in any order, views that stay, plans that no query of the
pipeline makes. That both engines find the same is test_conformance.py's."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.platform import clients
from shared.platform.settings import SettingsError
from shared.search.models import Change, Filters, ItemType, Plan, SearchDocument, Slot, Word
from shared.search.spanner import loading, queries, store
from shared.search.spanner.engine import SpannerEngine
from shared.search.spanner.loading import ShrunkCatalogue
from shared.search.spanner.queries import Statement
from tests import local_settings
from tests.emulator.conftest import create_search_database

EARLY, LATE = "20240501T000000Z-00000000", "20240502T000000Z-00000000"
# Between the two, and behind the later one.
BETWEEN = datetime(2024, 5, 1, 12, tzinfo=UTC)
AFTER = datetime(2024, 5, 2, 12, tzinfo=UTC)
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def database(spanner: str) -> Iterator[str]:
    """An empty database of the test's own."""
    with pytest.MonkeyPatch.context() as patch:
        name = create_search_database(spanner, f"of-a-test-{next(_numbers)}")
        patch.setenv("SEGUE_SPANNER_DATABASE", name)
        local_settings.forget_settings()
        yield name
    local_settings.forget_settings()


def track(item_id: str, name: str = "Song", **fields: object) -> SearchDocument:
    return SearchDocument.model_validate({"type": "track", "id": item_id, "name": name, **fields})


def asking(*words: str, **changes: object) -> Plan:
    plan = Plan(branches=(tuple(Slot(forms=(Word(word),)) for word in words),), limit=50)
    return replace(plan, **changes)  # type: ignore[arg-type]


async def ids(
    plan: Plan, kind: ItemType = "track", engine: SpannerEngine | None = None
) -> list[str]:
    found = await (engine or await SpannerEngine.open()).retrieve(kind, plan)
    return [one.card.id for one in found.candidates]


async def count(table: str) -> int:
    ((number,),) = await store.rows(Statement(f"SELECT COUNT(*) FROM {table}"))
    assert isinstance(number, str)
    return int(number)


# --- loads and changes ----------------------------------------------------------------------


async def test_a_load_replaces_what_was_there() -> None:
    assert await loading.load([track("a"), track("b")], EARLY) == 2
    assert await loading.load([track("b"), track("c"), track("d")], LATE) == 3
    assert await ids(asking("song")) == ["b", "c", "d"]


async def test_the_same_load_again_changes_nothing() -> None:
    documents = [track("a", "One Song"), track("b", "Other Song")]
    for _ in range(2):
        assert await loading.load(documents, EARLY) == 2
    assert await count("SearchDocuments") == 2
    assert await count("SearchWords") == 3


async def test_of_a_document_that_comes_twice_the_last_one_counts() -> None:
    many = [track(f"other-{number}") for number in range(1_000)]  # more than are written at once
    documents = [track("a", "First"), *many, track("a", "Last"), track("a", "Very Last")]
    assert await loading.load(documents, EARLY) == 1_001
    assert await ids(asking("first")) == []
    assert await ids(asking("very", "last")) == ["a"]


async def test_a_load_that_lost_most_of_the_catalogue_deletes_nothing_unless_forced() -> None:
    await loading.load([track("a"), track("b"), track("c")], EARLY)
    with pytest.raises(ShrunkCatalogue, match="1 documents, and 2 others would be deleted"):
        await loading.load([track("a")], LATE)
    assert await ids(asking("song")) == ["a", "b", "c"]
    assert await loading.load([track("a")], LATE, force=True) == 1
    assert await ids(asking("song")) == ["a"]


async def test_a_load_does_not_undo_what_changed_after_it_began() -> None:
    await loading.load([track("a"), track("gone"), track("old-name", "Old Song")], EARLY)
    await loading.apply(
        [
            Change("track:gone", None, AFTER),
            Change("track:new", track("new"), AFTER),
            Change("track:old-name", track("old-name", "New Song"), AFTER),
        ]
    )
    # It read the catalogue before those changes, and writes behind them.
    await loading.load([track("a"), track("gone"), track("old-name", "Old Song")], LATE)
    assert await ids(asking("song")) == ["a", "new", "old-name"]
    assert await ids(asking("old")) == []


async def test_a_load_that_began_after_a_change_knows_better() -> None:
    await loading.apply(
        [Change("track:back", None, BETWEEN), Change("track:a", track("a"), BETWEEN)]
    )
    await loading.load([track("back")], LATE, force=True)
    assert await ids(asking("song")) == ["back"]
    assert await count("SearchWithdrawals") == 0


async def test_changes_may_come_late_repeated_and_in_any_order() -> None:
    newest = Change("track:a", track("a", "Newest Song"), AFTER)
    gone = Change("track:b", None, AFTER)
    older = [
        Change("track:a", None, BETWEEN),
        Change("track:a", track("a", "Older Song"), BETWEEN - timedelta(hours=1)),
        Change("track:b", track("b"), BETWEEN),
    ]
    for changes in ([newest, gone], older, [gone, *older], [*older, newest], []):
        await loading.apply(changes)
        assert await ids(asking("song")) == ["a"]
    assert await ids(asking("newest")) == ["a"]


async def test_changes_and_loads_at_the_same_time_lose_nothing() -> None:
    documents = [track(f"n{number:03}") for number in range(300)]
    gone = [Change(f"track:n{number:03}", None, AFTER) for number in range(0, 300, 3)]
    added = [Change(f"track:x{number}", track(f"x{number}"), AFTER) for number in range(20)]
    await asyncio.gather(
        loading.load(documents, EARLY),
        *(loading.apply([change]) for change in added),
        loading.apply(gone),
    )
    assert await count("SearchDocuments") == 300 - 100 + 20
    assert not {f"n{number:03}" for number in range(0, 300, 3)} & set(
        await ids(asking("song", limit=1_000))
    )


async def test_a_version_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="does not match format"):
        await loading.load([], "newest")


# --- views ----------------------------------------------------------------------------------


async def test_a_view_stays_as_it_was_but_for_what_was_withdrawn() -> None:
    await loading.load([track("a"), track("b"), track("c", popularity=5)], EARLY)
    first = await SpannerEngine.open()
    before = await ids(asking("song"), engine=first)
    await loading.apply(
        [
            Change("track:new", track("new", popularity=90), AFTER),
            Change("track:a", track("a", popularity=80), AFTER),
            Change("track:c", None, AFTER),
        ]
    )
    later = await SpannerEngine.open(first.view)
    assert later.view == first.view
    assert before == ["c", "a", "b"]
    assert await ids(asking("song"), engine=later) == ["a", "b"]
    assert await ids(asking("song")) == ["new", "a", "b"]


async def test_what_was_blocked_since_is_not_shown_in_an_old_view() -> None:
    await loading.load([track("a"), track("b"), track("c")], EARLY)
    view = (await SpannerEngine.open()).view
    await loading.apply(
        [
            Change("track:a", track("a", blocked_in=("DE",)), AFTER),
            Change("track:b", track("b", explicit=True), AFTER),
        ]
    )
    later = await SpannerEngine.open(view)
    assert await ids(asking("song", market="DE"), engine=later) == ["b", "c"]
    clean = asking("song", market="FR", allow_explicit=False)
    assert await ids(clean, engine=later) == ["a", "c"]
    found = await later.complete(asking("song", market="DE"), ("track", "album"))
    assert [one.card.id for one in found] == ["b", "c"]


@pytest.mark.parametrize(
    "view",
    ["", "20240501T000000Z-00000000~1", "spanner~0", "spanner~999999999999999999", "spanner~-1"],
)
async def test_a_view_that_cannot_be_had_is_now(view: str) -> None:
    await loading.load([track("a")], EARLY)
    engine = await SpannerEngine.open(view)
    assert engine.view != view
    assert await ids(asking("song"), engine=engine) == ["a"]


# --- plans ----------------------------------------------------------------------------------


async def test_any_one_or_two_words_may_be_missing() -> None:
    words = ("one", "two", "three", "four", "five")
    names = {
        "all": words,
        **{f"no-{word}": tuple(w for w in words if w != word) for word in words},
        "three-of-them": ("one", "three", "five"),
        "two-of-them": ("two", "four"),
    }
    await loading.load([track(key, " ".join(name)) for key, name in names.items()], EARLY)
    assert set(await ids(asking(*words))) == {"all"}
    assert set(await ids(asking(*words, missing=1))) == {"all", *(f"no-{word}" for word in words)}
    assert set(await ids(asking(*words, missing=2))) == set(names) - {"two-of-them"}
    assert set(await ids(asking(*words, missing=9))) == set(names)  # one is always wanted


async def test_a_phrase_stands_in_one_field_in_its_order() -> None:
    await loading.load(
        [
            track("right", "Kind of Blue"),
            track("wrong", "Blue of Kind"),
            track("apart", "Kind", artists=("of Blue",)),
            track("album", "So What", album="Kind of Blue"),
        ],
        EARLY,
    )
    slot = Slot(forms=(Word("kind"),), phrase=("of", "blue"))
    assert set(await ids(Plan(branches=((slot,),)))) == {"right", "album"}
    assert await ids(Plan(branches=((replace(slot, scope="name"),),))) == ["right"]
    assert await ids(Plan(branches=((replace(slot, scope="artist"),),))) == []
    assert await ids(asking("kind", excluded=(slot,))) == ["apart", "wrong"]


async def test_whole_names_come_first_then_the_shortest_with_all_words() -> None:
    await loading.load(
        [
            track("long", "Blue Moon of Kentucky", popularity=60),
            track("short", "Blue Moon", popularity=10),
            track("elsewhere", "Song", album="Blue Moon", popularity=90),
        ],
        EARLY,
    )
    assert await ids(asking("blue", "moon")) == ["short", "long", "elsewhere"]
    assert await ids(asking("blue", "moon", exact=("song",))) == ["elsewhere", "short", "long"]
    found = await (await SpannerEngine.open()).retrieve("track", asking("blue", "moon"))
    assert [one.relevance > 0 for one in found.candidates] == [True, True, False]
    assert found.total == 3


async def test_more_matches_than_are_wanted_are_counted_and_the_most_popular_come() -> None:
    documents = [track(f"n{number:03}", popularity=number % 100) for number in range(120)]
    await loading.load(documents, EARLY)
    engine = await SpannerEngine.open()
    found = await engine.retrieve("track", asking("song", limit=10))
    best = [f"n{number:03}" for number in range(99, 89, -1)]
    assert [one.card.id for one in found.candidates[:10]] == best
    assert found.total == 120
    assert await engine.retrieve("track", asking("song", limit=10)) == found


async def test_filters_alone_find_too() -> None:
    await loading.load(
        [track("a", isrc="GBUM71029604"), track("b", release_date="1962-05"), track("c")], EARLY
    )
    nothing: Plan = Plan(branches=((),))
    assert await ids(replace(nothing, filters=Filters(isrc="GBUM71029604"))) == ["a"]
    assert await ids(replace(nothing, filters=Filters(years=(1960, 1969)))) == ["b"]
    assert await ids(replace(nothing, filters=Filters(years=(0, 99_999)))) == ["b"]


async def test_words_are_learnt_from_changes_and_forgotten_by_loads() -> None:
    await loading.load([track("a", "Rhapsody", popularity=50)], EARLY)
    await loading.apply(
        [Change("track:b", track("b", "Rhapsody Serenade", popularity=70), BETWEEN)]
    )
    engine = await SpannerEngine.open()
    assert await engine.similar_words("rapsody", 1) == ((Word("rhapsody", 1.0), 70),)
    assert await engine.similar_words("serenade", 0) == ((Word("serenade", 0.0), 70),)
    assert await engine.similar_words("x" * 41, 2) == ()
    await loading.load([track("a", "Rhapsody", popularity=50)], LATE)
    engine = await SpannerEngine.open()
    assert await engine.similar_words("rhapsody", 0) == ((Word("rhapsody", 0.0), 50),)
    assert await engine.similar_words("serenade", 0) == ()


async def test_every_edit_of_a_word_is_among_those_that_are_compared() -> None:
    """The n-grams that are asked for first lose no word that is near enough."""
    word = "watermelon"
    once = {word[:at] + word[at + 1 :] for at in range(10)}
    once |= {word[:at] + "x" + word[at:] for at in range(11)}
    once |= {word[:at] + "x" + word[at + 1 :] for at in range(10)}
    once |= {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(9)}
    twice = {one[:at] + "y" + one[at + 1 :] for one in once for at in (0, 4, 8)}
    names = sorted(once | twice)
    await loading.load([track(f"n{at}", name) for at, name in enumerate(names)], EARLY)
    engine = await SpannerEngine.open()
    found = {similar.text for similar, _ in await engine.similar_words(word, 2)}
    assert found >= once | twice


# --- the client -----------------------------------------------------------------------------


async def test_a_session_that_is_gone_is_replaced() -> None:
    await loading.load([track("a")], EARLY)
    assert await ids(asking("song")) == ["a"]
    held = store._sessions[clients.spanner()]
    held.name = held.name.rpartition("/")[0] + "/no-such-session"
    assert await ids(asking("song")) == ["a"]


async def test_without_a_database_the_settings_are_named() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SEGUE_SPANNER_DATABASE")
        local_settings.forget_settings()
        with pytest.raises(SettingsError, match="SEGUE_SPANNER_DATABASE"):
            await store.rows(queries.word("song"))
    local_settings.forget_settings()
