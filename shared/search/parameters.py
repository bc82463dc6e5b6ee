"""Query parameters of `GET /v1/search`."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from fastapi import Query, Request

from shared.platform.errors import InvalidInput
from shared.search.models import SearchType

MAX_QUERY_CHARS = 250
MAX_OFFSET = 1000
SEARCH_TYPES: tuple[SearchType, ...] = get_args(SearchType)

_type = "|".join(SEARCH_TYPES)
Words = Annotated[
    str,
    Query(
        pattern=r"\S",
        max_length=MAX_QUERY_CHARS,
        description="words; the last may be a beginning",
    ),
]
Start = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="index of the first item")]
# Documented by hand: `types`, our second name of it (F165), is accepted and not advertised.
TYPE_DOCUMENTED: dict[str, Any] = {
    "parameters": [
        {
            "name": "type",
            "in": "query",
            "required": True,
            "schema": {"type": "string", "pattern": f"^({_type})(,({_type}))*$"},
            "description": f"of {', '.join(SEARCH_TYPES)}; comma-separated",
        }
    ]
}


def asked_types(request: Request) -> list[SearchType]:
    """FastAPI dependency: the types that are asked for, each once. Raises InvalidInput."""
    text = request.query_params.get("type") or request.query_params.get("types")
    if not text:
        raise InvalidInput("Missing parameter type")
    known = {str(one): one for one in SEARCH_TYPES}
    asked: dict[SearchType, None] = {}
    for name in (part.strip() for part in text.split(",")):
        if name not in known:
            raise InvalidInput(f"Bad search type field {name[:50]}")
        asked.setdefault(known[name])
    return list(asked)
