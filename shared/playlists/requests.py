"""What the operations on playlists take: bodies and parameters, validated and documented."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from shared.platform.errors import InvalidInput
from shared.platform.parameters import USER_ID_PATTERN, MarketParam, Offset
from shared.playlists import fields
from shared.playlists.covers import BODY_LIMIT_BYTES
from shared.playlists.models import (
    DESCRIPTION_LIMIT,
    ITEMS_LIMIT,
    NAME_LIMIT,
    URIS_LIMIT,
    Move,
    Removal,
    Replacement,
)

_ID = "[0-9A-Za-z]{22}"
_ITEM = f"spotify:(track|episode):{_ID}"

ItemUri = Annotated[str, Field(pattern=f"^{_ITEM}$", examples=["spotify:track:" + "0" * 22])]
TrackId = Annotated[str, Field(pattern=f"^{_ID}$")]
Position = Annotated[int, Field(ge=0, le=ITEMS_LIMIT)]
Snapshot = Annotated[str, Field(min_length=1, max_length=200, description="a `snapshot_id`")]

UrisParam = Annotated[
    str | None,
    Query(
        pattern=f"^({_ITEM}(, ?{_ITEM}){{0,{URIS_LIMIT - 1}}})?$",
        description=f"URIs of tracks and episodes, comma-separated, {URIS_LIMIT} at most",
    ),
]
PositionParam = Annotated[
    int | None,
    Query(ge=0, le=ITEMS_LIMIT, description="where to insert; appended when it is left out"),
]
FieldsParam = Annotated[
    str | None,
    Query(
        pattern=fields.PATTERN,
        max_length=fields.MAX_CHARS,
        description="what to return: `name,owner.id`, `items(added_at,track(name))`, `!` excludes",
    ),
]
TypesParam = Annotated[
    str | None,
    Query(
        pattern=r"^((track|episode)(, ?(track|episode))*)?$",
        description="item types that the client knows: `track`, `episode`",
    ),
]
JPEG_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "image/jpeg": {
                "schema": {
                    "type": "string",
                    "format": "base64",
                    "description": f"a JPEG image in base64, {BODY_LIMIT_BYTES:,} bytes at most",
                }
            }
        },
    }
}
OwnIdParam = Annotated[
    str | None, Query(pattern=USER_ID_PATTERN, description="the caller's own user id")
]
Limit100 = Annotated[int, Query(ge=1, le=100, description="how many items, at most")]


class Shown(BaseModel):
    """How a playlist is to be shown: parameters of the query."""

    fields: FieldsParam = None
    market: MarketParam = None
    additional_types: TypesParam = None


class ShownPage(Shown):
    """The same for a page of its items."""

    limit: Limit100 = 20
    offset: Offset = 0


class Adding(BaseModel):
    """What to add and where, in the query."""

    uris: UrisParam = None
    position: PositionParam = None


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", populate_by_name=True)


class NewPlaylist(_Body):
    """A playlist to create. A collaborative one is not public: say `public: false` with it."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"collaborative": {"const": True}}, "required": ["collaborative"]},
            "then": {"properties": {"public": {"const": False}}, "required": ["public"]},
        }
    )
    name: Annotated[
        str,
        Field(min_length=1, max_length=NAME_LIMIT, validation_alias=AliasChoices("name", "title")),
    ]
    description: Annotated[str, Field(max_length=DESCRIPTION_LIMIT)] | None = None
    public: bool | None = None
    collaborative: bool | None = None


class TitledPlaylist(NewPlaylist):
    """The same under its other name (F144)."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=NAME_LIMIT, validation_alias=AliasChoices("title", "name")),
    ]


class PlaylistDetails(_Body):
    """What of a playlist to change; what is left out or null stays as it is."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)] | None = None
    description: Annotated[str, Field(max_length=DESCRIPTION_LIMIT)] | None = None
    public: bool | None = None
    collaborative: bool | None = None


class AddedItems(_Body):
    """Items to add, by URI, or tracks by id (F146)."""

    uris: Annotated[list[ItemUri], Field(max_length=URIS_LIMIT)] | None = None
    track_ids: Annotated[list[TrackId], Field(max_length=URIS_LIMIT)] | None = None
    position: Position | None = None


UriList = Annotated[list[ItemUri], Field(max_length=URIS_LIMIT)]


class UpdatedItems(_Body):
    """Either a replacement, `uris`, or a move: `range_length` items from `range_start` to before
    `insert_before`, positions being those of `snapshot_id` where it is given."""

    uris: UriList | None = None
    range_start: Position | None = None
    range_length: Annotated[int, Field(ge=0, le=ITEMS_LIMIT)] | None = None
    insert_before: Position | None = None
    snapshot_id: Snapshot | None = None


class RemovedItem(_Body):
    """An item to remove: wherever it stands, or at `positions` alone."""

    uri: ItemUri
    positions: Annotated[list[Position], Field(max_length=ITEMS_LIMIT)] | None = None


class RemovedItems(_Body):
    """Items to remove, from the order of `snapshot_id` where it is given; `tracks` is the classic
    name of `items`, and bare `positions` remove what stands there."""

    items: Annotated[list[RemovedItem], Field(max_length=URIS_LIMIT)] | None = None
    tracks: Annotated[list[RemovedItem], Field(max_length=URIS_LIMIT)] | None = None
    positions: Annotated[list[Position], Field(max_length=URIS_LIMIT)] | None = None
    snapshot_id: Snapshot | None = None


class Following(_Body):
    """Whether others see that the caller follows the playlist."""

    public: bool | None = None


def added(
    query: str | None, position: int | None, body: AddedItems | list[str] | None
) -> tuple[list[str], int | None]:
    """The URIs and the position of the query, or else of the body. Raises InvalidInput where no
    URI is named."""
    uris = _split(query)
    if not uris and isinstance(body, list):
        uris = body
    elif not uris and isinstance(body, AddedItems):
        uris = body.uris or [f"spotify:track:{one}" for one in body.track_ids or ()]
    if not uris:
        raise InvalidInput("uris: name the items to add")
    if position is None and isinstance(body, AddedItems):
        position = body.position
    return uris, position


def updated(query: str | None, body: UpdatedItems | None) -> Replacement | Move:
    """What an update asks for. Raises InvalidInput where that is nothing, or both."""
    body = body or UpdatedItems()
    uris = _split(query) if query is not None else body.uris
    moves = body.range_start is not None or body.insert_before is not None
    if uris is not None and moves:
        raise InvalidInput("uris: replace items or move them, not both in one request")
    if uris is not None:
        return Replacement(tuple(uris), body.snapshot_id)
    if body.range_start is None or body.insert_before is None:
        raise InvalidInput("name `uris` to replace items, or `range_start` and `insert_before`")
    length = 1 if body.range_length is None else body.range_length
    return Move(body.range_start, length, body.insert_before, body.snapshot_id)


def removed(body: RemovedItems) -> Removal:
    """What a removal asks for. Raises InvalidInput where that is nothing."""
    named = body.items if body.items is not None else body.tracks
    if named is not None:
        return Removal(
            uris=frozenset(one.uri for one in named if one.positions is None),
            occurrences=tuple((one.uri, at) for one in named for at in one.positions or ()),
            snapshot=body.snapshot_id,
        )
    if body.positions is None:
        raise InvalidInput("items: name the items to remove")
    return Removal(positions=tuple(body.positions), snapshot=body.snapshot_id)


def _split(text: str | None) -> list[str]:
    return [one.strip() for one in (text or "").split(",") if one.strip()]
