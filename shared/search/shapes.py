"""What search answers besides the catalogue's own objects, as types."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from shared.search.models import ItemType


class ExplanationObject(TypedDict):
    """Why an item stands where it does: how its name answers the query (`match`, which goes
    before everything), the weighted `score` and its `parts`, each in 0..1; `learned` where a
    trained re-ranker had its say."""

    match: str
    score: float
    parts: dict[str, float]
    learned: NotRequired[float]


class FacetsObject(TypedDict):
    """How many of the best matches are of each type, genre and decade (`1990s`), most first."""

    types: dict[str, int]
    genres: dict[str, int]
    decades: dict[str, int]


class MatchObject(TypedDict):
    """How the name answers what is typed (`shared.search.matching.Match`, in small letters)."""

    kind: str


class SuggestionObject(TypedDict):
    """Something that may be meant: `detail` says by whom it is, empty for an artist."""

    type: ItemType
    id: str
    uri: str
    href: str
    name: str
    detail: str
    match: MatchObject
    explanation: NotRequired[ExplanationObject]


class SuggestionsObject(TypedDict):
    """The best first; `suggested_query` where nothing is spelt as the query."""

    suggestions: list[SuggestionObject]
    suggested_query: NotRequired[str]
