"""What a request names: ids in the query or in the body, or URIs; pure.

Clients send the same ids in different places: in the query, as `{"ids": [...]}`, as a bare JSON
array, and for tracks with their dates as `timestamped_ids`. One place of each operation is in its
OpenAPI description, as required; the others are accepted as well, and said in words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.library.existence import Kind
from shared.platform.errors import InvalidInput, NotFound
from shared.platform.ids import is_id
from shared.social.models import FollowKind, is_target_id

MAX_IDS = 50
MAX_URIS = 40
ID = "[0-9A-Za-z]{22}"
USER_ID = "[0-9A-Za-z_.-]{1,64}"
# Audiobooks are out of scope, but their URIs are URIs: none of them is in anybody's library.
_URI = f"spotify:((track|album|artist|show|episode|playlist|audiobook):{ID}|user:{USER_ID})"
SHAREABLE_URI = f"^spotify:((track|album|artist|show|episode|playlist):{ID}|user:{USER_ID})$"
_ONE_URI = re.compile(_URI)
_ONE_USER = re.compile(USER_ID)


@dataclass(frozen=True, slots=True)
class Selection:
    """The ids that a request names, with the dates that it gives them."""

    ids: tuple[str, ...]
    added_at: dict[str, datetime] = field(default_factory=dict)


def selection(query: str | None, body: bytes, kind: str) -> Selection:
    """The ids of things of `kind` in the query's `ids`, or else in the body; for tracks, the
    body's `timestamped_ids` before both. Raises InvalidInput that names the fault."""
    content = _parsed(body) if kind == "track" or query is None else None
    dated = content.get("timestamped_ids") if isinstance(content, dict) else None
    if kind == "track" and dated is not None:
        found = _timestamped(dated)
        return Selection(checked_ids(tuple(found), kind), found)
    if query is not None:
        return Selection(checked_ids(query.split(",") if query else (), kind))
    ids = content.get("ids") if isinstance(content, dict) else content
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise InvalidInput("ids: name 1 to 50 ids, in the query or as a JSON array in the body")
    return Selection(checked_ids(ids, kind))


def followed(query: str | None, body: bytes, kind: FollowKind) -> tuple[str, ...]:
    """The ids of artists or people in the query's `ids`, or else in the body. One description is
    for both, so what cannot be an artist's id is an artist that does not exist. Raises
    InvalidInput, NotFound."""
    ids = selection(query, body, "user").ids
    for one in ids:
        if not is_target_id(kind, one):
            raise NotFound(f"Non existing id: 'spotify:{kind}:{one}'")
    return ids


def checked_ids(ids: Sequence[str], kind: str, maximum: int = MAX_IDS) -> tuple[str, ...]:
    """`ids`, if they are 1 to `maximum` well-formed ones of `kind`. Raises InvalidInput."""
    if not ids:
        raise InvalidInput("ids: name at least one id")
    if len(ids) > maximum:
        raise InvalidInput(f"ids: too many ids requested; {maximum} at most")
    for one in ids:
        if not (_ONE_USER.fullmatch(one) if kind == "user" else is_id(one)):
            raise InvalidInput(f"ids: Invalid {kind} id {one[:64]!r}")
    return tuple(ids)


def uris(text: str | None) -> list[tuple[Kind, str]]:
    """Kind and id of each of the comma-separated URIs, in order, audiobooks' among them. Raises
    InvalidInput that names the fault."""
    if not text:
        raise InvalidInput("uris: name at least one URI")
    parts = text.split(",")
    if len(parts) > MAX_URIS:
        raise InvalidInput(f"uris: too many URIs requested; {MAX_URIS} at most")
    found: list[Any] = []
    for one in parts:
        if not _ONE_URI.fullmatch(one):
            raise InvalidInput(f"uris: Invalid or unsupported URI {one[:100]!r}")
        _, kind, item_id = one.split(":")
        found.append((kind, item_id))
    return found


def shareable(uri: str) -> tuple[Kind, str]:
    """Kind and id of a URI of the pattern `SHAREABLE_URI`. Raises InvalidInput."""
    ((kind, item_id),) = uris(uri)
    no_audiobooks([(kind, item_id)])
    return kind, item_id


def no_audiobooks(named: Sequence[tuple[str, str]]) -> None:
    """Raises NotFound with the first audiobook's URI: there are none here."""
    for kind, item_id in named:
        if kind == "audiobook":
            raise NotFound(f"Non existing id: 'spotify:audiobook:{item_id}'")


def _parsed(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("Malformed JSON in the request body.") from None


def _timestamped(dated: Any) -> dict[str, datetime]:
    fault = "timestamped_ids: an array of objects with `id` and `added_at` (ISO 8601)"
    if not isinstance(dated, list):
        raise InvalidInput(fault)
    found: dict[str, datetime] = {}
    for one in dated:
        try:
            item_id, added_at = one["id"], datetime.fromisoformat(one["added_at"])
        except (KeyError, TypeError, ValueError):
            raise InvalidInput(fault) from None
        if not isinstance(item_id, str):
            raise InvalidInput(fault)
        found.setdefault(item_id, added_at)
    return found


# --- for the OpenAPI document ---------------------------------------------------------------


def _list_of(pattern: str, maximum: int) -> str:
    return f"^{pattern}(,{pattern}){{0,{maximum - 1}}}$"


def _query(name: str, pattern: str, words: str, maximum: int) -> dict[str, Any]:
    schema = {"type": "string", "pattern": _list_of(pattern, maximum)}
    return {
        "parameters": [
            {"name": name, "in": "query", "required": True, "description": words, "schema": schema}
        ]
    }


IDS = _query("ids", ID, "1 to 50 ids, comma-separated; or as `ids` in a JSON body", MAX_IDS)
ANY_IDS = _query("ids", USER_ID, "1 to 50 ids, comma-separated; or as `ids` in a body", MAX_IDS)
URIS = _query("uris", _URI, "1 to 40 Spotify URIs, comma-separated", MAX_URIS)
_ITEM_ID = {"type": "string", "pattern": f"^{ID}$"}
_ITEM_IDS = {"type": "array", "items": _ITEM_ID, "minItems": 1, "maxItems": MAX_IDS}
_DATED = {
    "type": "object",
    "required": ["id", "added_at"],
    "properties": {"id": _ITEM_ID, "added_at": {"type": "string", "format": "date-time"}},
}
TRACKS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The ids may be in the query instead, as `ids`.",
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        _ITEM_IDS,
                        {
                            "type": "object",
                            "required": ["ids"],
                            "properties": {"ids": _ITEM_IDS},
                            "additionalProperties": False,
                        },
                        {
                            "type": "object",
                            "required": ["timestamped_ids"],
                            "properties": {
                                "timestamped_ids": {
                                    "type": "array",
                                    "items": _DATED,
                                    "minItems": 1,
                                    "maxItems": MAX_IDS,
                                }
                            },
                            "additionalProperties": False,
                        },
                    ]
                }
            }
        },
    }
}
