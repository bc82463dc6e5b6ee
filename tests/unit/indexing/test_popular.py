"""The documents by which a finished index is tried."""

from __future__ import annotations

from typing import Any

from shared.indexing.popular import KEPT, Popular
from shared.indexing.reading import boost
from shared.search.models import SearchDocument


def document(number: int, kind: str = "track", **fields: Any) -> SearchDocument:
    return SearchDocument.model_validate(
        {"type": kind, "id": f"{kind}-{number:04}", "name": f"n {number}", **fields}
    )


def test_all_pass_and_the_most_popular_of_each_type_are_kept() -> None:
    tracks = [document(number, popularity=number % 90) for number in range(300)]
    shows = [document(1, "show"), document(2, "show", popularity=3)]
    popular = Popular()
    assert list(popular.passing([*tracks, *shows])) == [*tracks, *shows]
    kept = popular.documents
    assert [one.popularity for one in kept if one.type == "track"] == [89, 89, 89, 88, 88][:KEPT]
    assert [one.id for one in kept if one.type == "show"] == ["show-0002", "show-0001"]


def test_what_nobody_may_see_or_name_is_not_asked_for() -> None:
    popular = Popular()
    hidden = [document(1, blocked_in=("*",)), document(2, name="  ")]
    assert len(list(popular.passing(hidden))) == 2
    assert popular.documents == []


def test_plays_from_search_raise_a_document_and_leave_the_others() -> None:
    played, other = document(1, popularity=10), document(2, popularity=10)
    of = boost({played.key: 5_000})
    assert of(other) is other
    assert of(played).popularity > 10
    assert of(played).model_copy(update={"popularity": 10}) == played
    assert boost({})(played) is played
