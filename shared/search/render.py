"""Suggestions, facets and explanations in the API's shapes; the second look at what may be shown
(F187). Pure but for the addresses in the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.catalog.render import href, uri
from shared.search.models import Explanation, Facets, Found, SearchRequest, Suggestions
from shared.search.shapes import (
    ExplanationObject,
    FacetsObject,
    SuggestionObject,
    SuggestionsObject,
)

PLACES = 4  # decimal places of a score


def suggestions_object(found: Suggestions, request: SearchRequest) -> SuggestionsObject:
    """SuggestionsObject, of what `request` may be shown; nothing is read for it, all is on the
    cards."""
    shown = (one for one in found.items if _may_be_suggested(one, request))
    body: SuggestionsObject = {"suggestions": [_suggestion(one, request) for one in shown]}
    if found.suggested_query:
        body["suggested_query"] = found.suggested_query
    return body


def facets_object(facets: Facets) -> FacetsObject:
    """FacetsObject."""
    return {
        "types": dict(facets.types),
        "genres": dict(facets.genres),
        "decades": dict(facets.decades),
    }


def explanation_object(explanation: Explanation) -> ExplanationObject:
    """ExplanationObject."""
    shown: ExplanationObject = {
        "match": explanation.match,
        "score": round(explanation.score, PLACES),
        "parts": {name: round(part, PLACES) for name, part in explanation.parts.items()},
    }
    if explanation.learned is not None:
        shown["learned"] = round(explanation.learned, PLACES)
    return shown


def explained(items: Iterable[Mapping[str, Any]], found: Sequence[Found]) -> list[dict[str, Any]]:
    """Rendered `items`, each with the `explanation` of its place."""
    why = {one.id: explanation_object(one.explanation) for one in found}
    return [{**item, "explanation": why[item["id"]]} for item in items]


def _suggestion(found: Found, request: SearchRequest) -> SuggestionObject:
    card = found.card
    shown: SuggestionObject = {
        "type": card.type,
        "id": card.id,
        "uri": uri(card.type, card.id),
        "href": href(card.type, card.id),
        "name": card.name,
        "detail": ", ".join(card.artists),
        "match": {"kind": found.explanation.match},
    }
    if request.explain:
        shown["explanation"] = explanation_object(found.explanation)
    return shown


def _may_be_suggested(found: Found, request: SearchRequest) -> bool:
    return found.card.is_in(request.market) and (request.allow_explicit or not found.card.explicit)
