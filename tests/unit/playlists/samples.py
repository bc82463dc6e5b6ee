"""Playlists to test with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.platform.ids import random_id
from shared.playlists.edits import NewItem
from shared.playlists.models import Playlist

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def a_playlist(**changes: Any) -> Playlist:
    fields = {"id": random_id(), "owner_id": "ada", "name": "Mornings", "created_at": NOW}
    return Playlist(**{**fields, **changes})


def uri_of(number: int) -> str:
    return f"spotify:track:{number:022d}"


def new_items(*uris: str, added_by: str = "ada", at: datetime = NOW) -> tuple[NewItem, ...]:
    return tuple(NewItem(random_id(), uri, at, added_by) for uri in uris)
