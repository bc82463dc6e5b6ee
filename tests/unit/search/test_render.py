"""Suggestions, explanations and facets as they are answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.search.analysis import card
from shared.search.models import (
    Explanation,
    Facets,
    Found,
    SearchDocument,
    SearchRequest,
    Suggestions,
)
from shared.search.render import explained, facets_object, suggestions_object
from tests import local_settings


@pytest.fixture(autouse=True, scope="module")
def _settings() -> Iterator[None]:
    with local_settings.environment():
        yield


def found(**fields: Any) -> Found:
    document = {"type": "track", "id": "t" * 22, "name": "Halo", "artists": ("Ann", "Bob")}
    why = Explanation("beginning", 0.123456, {"text": 0.98765}, learned=None)
    return Found(card(SearchDocument(**{**document, **fields})), why)


def asked(**changes: Any) -> SearchRequest:
    return SearchRequest(query="ha", types=("track",), **changes)


def test_a_suggestion_says_what_it_is_and_by_whom() -> None:
    body = suggestions_object(Suggestions((found(),), "v"), asked())
    (shown,) = body["suggestions"]
    assert shown["uri"] == f"spotify:track:{'t' * 22}"
    assert shown["href"].endswith(f"/v1/tracks/{'t' * 22}")
    assert (shown["name"], shown["detail"]) == ("Halo", "Ann, Bob")
    assert shown["match"] == {"kind": "beginning"}
    assert "explanation" not in shown
    assert "suggested_query" not in body


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({"territories": ("SE",)}, {"market": "DE"}),
        ({"blocked_in": ("DE",)}, {"market": "DE"}),
        ({"blocked_in": ("*",)}, {}),
        ({"explicit": True}, {"allow_explicit": False}),
    ],
)
def test_what_must_not_be_shown_is_not_suggested_whatever_the_engine_says(
    fields: dict[str, Any], changes: dict[str, Any]
) -> None:
    both = Suggestions((found(**fields), found(id="u" * 22)), "v", "halo")
    body = suggestions_object(both, asked(**changes))
    assert [one["id"] for one in body["suggestions"]] == ["u" * 22]
    assert body["suggested_query"] == "halo"


def test_an_operator_is_told_why() -> None:
    body = suggestions_object(Suggestions((found(),), "v"), asked(explain=True))
    assert body["suggestions"][0]["explanation"] == {
        "match": "beginning",
        "score": 0.1235,
        "parts": {"text": 0.9877},
    }


def test_an_explanation_goes_to_its_item_though_others_are_left_out() -> None:
    why = Explanation("name", 1.0, {}, learned=-0.5)
    second = Found(found(id="u" * 22).card, why)
    items = explained([{"id": "u" * 22, "name": "Halo"}], [found(), second])
    assert items == [
        {
            "id": "u" * 22,
            "name": "Halo",
            "explanation": {"match": "name", "score": 1.0, "parts": {}, "learned": -0.5},
        }
    ]


def test_facets_are_counts() -> None:
    counted = Facets({"track": 2}, {"soul": 1}, {"1960s": 1})
    assert facets_object(counted) == {
        "types": {"track": 2},
        "genres": {"soul": 1},
        "decades": {"1960s": 1},
    }
