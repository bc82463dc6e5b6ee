"""What is indexed of an item."""

from __future__ import annotations

from shared.search.documents import playlist_document, search_document
from shared.search.models import SearchDocument


def test_a_playlist_is_found_by_its_name_its_owner_and_its_description() -> None:
    found = playlist_document("p" * 22, "Rainy Days", "for the window", "Ada")
    assert (found.document_id, found.words) == (f"playlist:{'p' * 22}", ("rainy", "days"))
    assert found.context == ("ada", "for", "the", "window")
    assert "rai" in found.prefixes
    assert "win" in found.prefixes


def test_the_more_follow_a_playlist_the_more_popular_it_is() -> None:
    of = [playlist_document("p", "P", "", "", n).popularity for n in (0, 1, 10, 10**4, 10**9)]
    assert of == sorted(of)
    assert (of[0], of[-1]) == (0, 100)


def test_a_document_without_context_is_found_by_its_name_alone() -> None:
    assert search_document("show", "s", "Don't Panic").context == ()


def test_a_stored_document_is_the_same_again() -> None:
    found = playlist_document("p" * 22, "Rainy Days", "for the window", "Ada")
    assert found.to_document()["words"] == "rainy days"
    assert SearchDocument.model_validate(found.to_document()) == found
    nameless = search_document("show", "s", "!")
    assert SearchDocument.model_validate(nameless.to_document()) == nameless
