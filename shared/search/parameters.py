"""Query parameters of `GET /v1/search` and `GET /v1/search/suggest`."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar, get_args

from fastapi import Query, Request

from shared.platform.errors import InvalidInput
from shared.search.models import ITEM_TYPES, ItemType, SearchType

T = TypeVar("T", bound=str)

MAX_QUERY_CHARS = 250
MAX_OFFSET = 1000
MAX_SUGGESTIONS = 20
SEARCH_TYPES: tuple[SearchType, ...] = get_args(SearchType)
# An episode's name says little without its show: whoever wants them suggested asks for them.
SUGGESTED_TYPES: tuple[ItemType, ...] = tuple(one for one in ITEM_TYPES if one != "episode")
DEFAULT_LOCALE = "en"
_LANGUAGE = re.compile(r"\s*([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3})\s*(?:[;,]|$)")
_MAX_LANGUAGE_CHARS = 100  # of Accept-Language, of which the first one counts

Words = Annotated[
    str,
    Query(
        pattern=r"\S",
        max_length=MAX_QUERY_CHARS,
        description="words, the last of which may be a beginning; phrases in quotes; NOT, OR; "
        "the filters artist:, album:, track:, year:, genre:, isrc:, upc:, tag:new, tag:hipster",
    ),
]
Start = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="index of the first item")]
HowMany = Annotated[int, Query(ge=1, le=MAX_SUGGESTIONS, description="how many, at most")]
View = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9A-Za-z~._:-]{1,100}$",
        description="what an earlier page was cut from: `next` and `previous` carry it, so that "
        "pages fit together while the index changes",
    ),
]
WithFacets = Annotated[
    bool, Query(description="also count the best matches by type, genre and decade")
]
Explained = Annotated[
    bool,
    Query(description="also say of each item why it stands there; needs `segue-operator`"),
]


def _documented(known: tuple[str, ...], *, required: bool) -> dict[str, Any]:
    """Documented by hand: `types`, our second name of it (F165), is accepted and not
    advertised."""
    one = "|".join(known)
    return {
        "parameters": [
            {
                "name": "type",
                "in": "query",
                "required": required,
                "schema": {"type": "string", "pattern": f"^({one})(,({one}))*$"},
                "description": f"of {', '.join(known)}; comma-separated",
            }
        ]
    }


TYPE_DOCUMENTED = _documented(SEARCH_TYPES, required=True)
SUGGESTED_TYPE_DOCUMENTED = _documented(ITEM_TYPES, required=False)


def asked_types(request: Request) -> list[SearchType]:
    """FastAPI dependency: the types that are asked for, each once. Raises InvalidInput."""
    text = _type(request)
    if not text:
        raise InvalidInput("Missing parameter type")
    return _types(text, SEARCH_TYPES)


def suggested_types(request: Request) -> list[ItemType]:
    """FastAPI dependency: the types of which to suggest, each once; without a word about it all
    but episodes. Raises InvalidInput."""
    text = _type(request)
    return list(SUGGESTED_TYPES) if text is None else _types(text, ITEM_TYPES)


def asked_locale(request: Request) -> str:
    """FastAPI dependency: the first language of Accept-Language (BCP 47), or English."""
    text = request.headers.get("accept-language", "")[:_MAX_LANGUAGE_CHARS]
    found = _LANGUAGE.match(text)
    return found[1] if found else DEFAULT_LOCALE


def split_view(view: str | None) -> tuple[str | None, int | None]:
    """The parts of a `view`: the engine's, and the minute of the affinity that ranked it."""
    index_view, dot, minute = (view or "").rpartition(".")
    if not dot or not (minute.isascii() and minute.isdigit()):
        return view, None
    return index_view or None, int(minute)


def joined_view(index_view: str, minute: int) -> str:
    """The `view` of a page, see `split_view`."""
    return f"{index_view}.{minute}"


def _type(request: Request) -> str | None:
    given = request.query_params
    return given.get("type", given.get("types"))


def _types(text: str, known: tuple[T, ...]) -> list[T]:
    by_name = {str(one): one for one in known}
    asked: dict[T, None] = {}
    for name in (part.strip() for part in text.split(",")):
        if name not in by_name:
            raise InvalidInput(f"Bad search type field {name[:50]}")
        asked.setdefault(by_name[name])
    return list(asked)
