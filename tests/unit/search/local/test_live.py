"""What changed since an index was built shows over it, as of any moment, and never unsafely."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.search import pipeline
from shared.search.local import live as module
from shared.search.local.engine import NoIndex
from shared.search.local.live import Guarded, Segment
from shared.search.models import Change, SearchDocument, SearchRequest
from tests.unit.search.conftest import BUILT_AT, Open


def at(seconds: float) -> datetime:
    return BUILT_AT + timedelta(seconds=seconds)


def document(key: str, name: str, **fields: Any) -> SearchDocument:
    return SearchDocument(type="track", id=key, name=name, **fields)


def change(key: str, seconds: float, name: str | None, **fields: Any) -> Change:
    made = None if name is None else document(key, name, **fields)
    return Change(f"track:{key}", made, at(seconds))


async def found(
    index: Any, segment: Segment, query: str, as_of: datetime | None = None, **asked: Any
) -> list[str]:
    live = segment.now if as_of is None else segment.live(as_of)
    engine = Guarded(index.with_live(live), segment)
    request = SearchRequest(query=query, types=("track",), limit=50, **asked)
    return list((await pipeline.search(engine, request, "view")).pages["track"].ids)


async def test_what_is_new_is_found_what_is_gone_is_not_and_what_changed_is_found_anew(
    opened: Open,
) -> None:
    index = opened([document("a", "Amber"), document("b", "Bronze"), document("c", "Cobalt")])
    segment = Segment(BUILT_AT)
    assert segment.add([change("a", 1, None), change("b", 2, "Brass"), change("d", 3, "Denim")])
    assert await found(index, segment, "amber") == []
    assert await found(index, segment, "bronze") == []
    assert await found(index, segment, "brass") == ["b"]
    assert await found(index, segment, "denim") == ["d"]
    assert await found(index, segment, "cobalt") == ["c"]


async def test_a_busy_hour_does_not_push_the_index_out_of_what_is_ranked(opened: Open) -> None:
    index = opened([document("known", "Love", popularity=90)])
    segment = Segment(BUILT_AT)
    segment.add(change(f"n{number}", 1 + number, f"Love Song {number}") for number in range(300))
    assert (await found(index, segment, "love"))[0] == "known"


async def test_a_view_between_two_changes_is_that_of_the_first(opened: Open) -> None:
    segment = Segment(BUILT_AT)
    segment.add([change("a", 1, "Amber"), change("b", 9, "Amber")])
    assert segment.live(at(2)) is segment.live(at(1)) is segment.live(at(8.5))
    assert segment.live(at(0.5)).hidden == frozenset()


async def test_a_large_segment_is_not_made_anew_for_an_older_view(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_REBUILT", 3)
    segment = Segment(BUILT_AT)
    segment.add(change(str(number), 1 + number, "Amber") for number in range(4))
    assert segment.live(at(2)) is segment.now


async def test_changes_before_the_build_do_not_count(opened: Open) -> None:
    index = opened([document("a", "Amber")])
    segment = Segment(BUILT_AT)
    assert segment.add([change("a", 0, None), change("a", -5, "Older")]) == 0
    assert await found(index, segment, "amber") == ["a"]


async def test_repeated_and_reordered_changes_come_to_the_same(opened: Open) -> None:
    index = opened([document("a", "Amber")])
    first, second = change("a", 1, "Early"), change("a", 2, "Later")
    segment = Segment(BUILT_AT)
    assert [segment.add([one]) for one in (second, first, second, first)] == [1, 1, 0, 0]
    assert await found(index, segment, "later") == ["a"]
    assert await found(index, segment, "early") == []
    assert len(segment) == 1


async def test_a_view_stays_as_it_was(opened: Open) -> None:
    index = opened([document("a", "Amber one")])
    segment = Segment(BUILT_AT)
    segment.add([change("b", 1, "Amber two")])
    view = segment.now.as_of
    segment.add([change("c", 2, "Amber three"), change("b", 3, "Something else")])
    assert set(await found(index, segment, "amber", view)) == {"a", "b"}
    assert set(await found(index, segment, "amber")) == {"a", "c"}
    assert segment.live(at(100)) is segment.now


@pytest.mark.parametrize(
    "later",
    [
        change("a", 2, None),
        change("a", 2, "Amber", blocked_in=("*",)),
        change("a", 2, "Amber", blocked_in=("DE",)),
        change("a", 2, "Amber", territories=("SE",)),
    ],
)
async def test_what_was_withdrawn_since_is_not_in_an_older_view_either(
    opened: Open, later: Change
) -> None:
    index = opened([document("a", "Amber"), document("b", "Amber")])
    segment = Segment(BUILT_AT)
    segment.add([change("c", 1, "Amber")])
    segment.add([later])
    assert set(await found(index, segment, "amber", at(1), market="DE")) == {"b", "c"}


async def test_what_became_explicit_since_is_not_in_an_older_view_of_the_careful(
    opened: Open,
) -> None:
    index = opened([document("a", "Amber")])
    segment = Segment(BUILT_AT)
    segment.add([change("b", 1, "Amber")])
    segment.add([change("a", 2, "Amber", explicit=True)])
    assert await found(index, segment, "amber", at(1), allow_explicit=False) == ["b"]
    assert set(await found(index, segment, "amber", at(1))) == {"a", "b"}


async def test_of_too_many_changes_the_newest_count_and_safety_counts_for_all(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_DOCUMENTS", 2)
    index = opened([document("a", "Amber"), document("b", "Bronze")])
    segment = Segment(BUILT_AT)
    segment.add(
        [change("a", 1, "Amber", blocked_in=("*",)), change("b", 2, None)]
        + [change(key, 3 + number, "Copper") for number, key in enumerate("xyz")]
    )
    assert set(await found(index, segment, "copper")) == {"y", "z"}
    assert await found(index, segment, "amber") == []
    assert await found(index, segment, "bronze") == []


async def test_without_an_index_the_changes_alone_are_found() -> None:
    segment = Segment(module.NEVER)
    segment.add([Change("track:a", document("a", "Amber"), datetime.now(UTC))])
    assert await found(NoIndex(), segment, "amb") == ["a"]
    engine = Guarded(NoIndex().with_live(segment.now), segment)
    request = SearchRequest(query="am", types=("track",))
    assert [one.id for one in (await pipeline.suggest(engine, request, "v")).items] == ["a"]
