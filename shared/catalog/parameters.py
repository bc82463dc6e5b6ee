"""Query parameters of the catalog's operations."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from shared.catalog.discography import ALBUM_GROUPS
from shared.platform.ids import ID_LENGTH
from shared.platform.parameters import ID_PATTERN

_one = ID_PATTERN.strip("^$")
_group = "|".join(ALBUM_GROUPS)


def _ids(maximum: int) -> Any:
    """`ids` of at most `maximum`; `split_ids` refuses more, in words."""
    return Query(
        pattern=f"^{_one}(,{_one})*$",
        description=f"ids, comma-separated; {maximum} at most",
        json_schema_extra={"maxLength": maximum * (ID_LENGTH + 1) - 1},
    )


Ids20 = Annotated[str, _ids(20)]
Ids50 = Annotated[str, _ids(50)]
Ids100 = Annotated[str, _ids(100)]
IncludeGroups = Annotated[
    str | None,
    Query(pattern=f"^(({_group})(,({_group}))*)?$", description=f"of {', '.join(ALBUM_GROUPS)}"),
]
DiscographyLimit = Annotated[int, Query(ge=0, le=50, description="how many albums, at most")]
