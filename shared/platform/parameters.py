"""Parameters that the Web API's operations share, as types that validate and document them."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from shared.platform.errors import InvalidInput
from shared.platform.markets import MARKETS

ID_PATTERN = r"^[0-9A-Za-z]{22}$"
USER_ID_PATTERN = r"^[0-9A-Za-z_.-]{1,64}$"
CATEGORY_ID_PATTERN = r"^[0-9A-Za-z_-]{1,64}$"
MAX_OFFSET = 100_000

Base62Id = Annotated[str, Path(pattern=ID_PATTERN, description="22 base62 characters")]
UserId = Annotated[str, Path(pattern=USER_ID_PATTERN, description="id of a user")]
CategoryId = Annotated[str, Path(pattern=CATEGORY_ID_PATTERN, description="id of a category")]

Limit50 = Annotated[int, Query(ge=1, le=50, description="how many items, at most")]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="index of the first item")]


def _market(code: str | None) -> str | None:
    if code in (None, "from_token"):
        return code
    if str(code).upper() not in _MARKETS:  # small letters are taken, though not documented
        raise PydanticCustomError("market", "Invalid market code; see /v1/markets")
    return str(code).upper()


_MARKETS = frozenset(MARKETS)
MarketParam = Annotated[
    str | None,
    AfterValidator(_market),
    Query(
        json_schema_extra={"enum": [*MARKETS, "from_token"]},
        description="ISO 3166-1 alpha-2, or `from_token` for the caller's own country",
    ),
]
IdsParam = Annotated[
    str, Query(pattern=r"^[0-9A-Za-z]{22}(,[0-9A-Za-z]{22})*$", description="ids, comma-separated")
]
_ID = r"[0-9A-Za-z_.-]{1,64}"
_GENRE = r"[^:\s]{1,100}"  # is its own id, whatever letters it has; spaces are written `_`
_URI = re.compile(rf"spotify:(?:(genre):({_GENRE})|([a-z]+):({_ID}))")


def uri_pattern(*kinds: str) -> str:
    """What the URI of one of `kinds` is like, for a schema; `parse_uri` reads it."""
    plain = rf"^spotify:({'|'.join(kinds)}):{_ID}$"
    return rf"{plain}|^spotify:genre:{_GENRE}$" if "genre" in kinds else plain


def split_ids(ids: str, maximum: int) -> list[str]:
    """The ids of a comma-separated list, in order. Raises InvalidInput beyond `maximum`."""
    found = [one for one in ids.split(",") if one]
    if not found:
        raise InvalidInput("ids: name at least one id")
    if len(found) > maximum:
        raise InvalidInput(f"ids: too many ids requested; {maximum} at most")
    return found


def parse_uri(uri: str) -> tuple[str, str]:
    """Kind and id of a `spotify:<kind>:<id>` URI. Raises InvalidInput."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise InvalidInput(f"Invalid URI: {uri[:100]!r}; it has the form spotify:<kind>:<id>")
    return (found[1], found[2]) if found[1] else (found[3], found[4])
