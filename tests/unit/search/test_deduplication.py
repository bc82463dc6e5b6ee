"""The same recording once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shared.search.analysis import card
from shared.search.deduplication import deduplicated
from shared.search.models import Explanation, Found, SearchDocument

WHY = Explanation("name", 1.0, {})


def found(item_id: str, recording: str = "", kind: str = "track") -> Found:
    document = SearchDocument.model_validate(
        {"type": kind, "id": item_id, "name": item_id, "recording": recording}
    )
    return Found(card(document), WHY)


def test_a_recording_stands_where_the_best_of_its_releases_does() -> None:
    ranked = [found("single", "USUM71900001"), found("other", "X"), found("album", "USUM71900001")]
    assert [one.id for one in deduplicated(ranked)] == ["single", "other"]


def test_what_has_no_recording_is_never_the_same() -> None:
    ranked = [found("a"), found("b"), found("c")]
    assert deduplicated(ranked) == ranked


def test_a_track_and_an_album_of_one_code_are_two() -> None:
    assert len(deduplicated([found("a", "X"), found("a", "X", "album")])) == 2


def test_a_key_that_came_twice_is_once() -> None:
    twice = found("a")
    assert deduplicated([twice, replace(twice)]) == [twice]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "X", "Y", "Z"]))))
def test_order_is_kept_and_nothing_is_lost_but_repetitions(pairs: list[tuple[str, str]]) -> None:
    ranked = [found(*pair) for pair in pairs]
    kept = deduplicated(ranked)
    assert [one for one in ranked if any(one is other for other in kept)] == kept
    for one in ranked:
        assert any(
            other.id == one.id
            or (other.card.recording and other.card.recording == one.card.recording)
            for other in kept
        )
