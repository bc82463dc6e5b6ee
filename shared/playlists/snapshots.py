"""Snapshot ids: which version of which playlist (F148). Opaque to clients. Pure."""

from __future__ import annotations

from base64 import b64decode, b64encode

from shared.platform.errors import InvalidInput


def snapshot_id(playlist_id: str, version: int) -> str:
    """The id of a playlist's `version`."""
    return b64encode(f"{version},{playlist_id}".encode()).decode()


def version_of(playlist_id: str, snapshot: str) -> int:
    """The version (1 or more) that `snapshot` names, which may be one that is yet to come.

    Raises InvalidInput for what is no snapshot id of this playlist.
    """
    try:
        number, comma, owner = b64decode(snapshot, validate=True).decode("ascii").partition(",")
    except ValueError:
        number = comma = owner = ""
    known = comma and owner == playlist_id and number.isdigit() and len(number) < 19
    if not known or int(number) < 1:
        raise InvalidInput("Invalid snapshot id")
    return int(number)
