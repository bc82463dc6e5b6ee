"""Which things there are, and which of them a caller may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from shared.platform.errors import NotFound

Kind = Literal["track", "album", "artist", "show", "episode", "playlist", "user"]
KINDS: tuple[Kind, ...] = get_args(Kind)


async def require(caller_id: str, kind: Kind, ids: Sequence[str]) -> None:
    """Raises NotFound, with the first one's URI, where one of `ids` is nothing that the caller may
    see."""
    for item_id, exists in zip(ids, await existing(caller_id, kind, ids), strict=True):
        if not exists:
            raise NotFound(f"Non existing id: 'spotify:{kind}:{item_id}'")


async def existing(caller_id: str, kind: Kind, ids: Sequence[str]) -> list[bool]:
    """For each of the well-formed `ids`, whether there is such a thing and the caller may see it.
    What was published or deleted a moment ago may show half a minute late."""
    return [one is not None for one in await _get(caller_id, kind, ids)]


async def _get(caller_id: str, kind: Kind, ids: Sequence[str]) -> Sequence[object | None]:
    # Imported at need: a function that saves tracks starts without podcasts and playlists.
    if kind in ("track", "album", "artist"):
        from shared.catalog import service as catalog

        if kind == "track":
            return await catalog.get_tracks(ids)
        if kind == "album":
            return await catalog.get_albums(ids)
        return await catalog.get_artists(ids)
    if kind in ("show", "episode"):
        from shared.podcasts import service as podcasts

        if kind == "show":
            return await podcasts.get_shows(ids)
        return await podcasts.get_episodes(ids)
    if kind == "user":
        from shared.accounts import service as accounts

        return await accounts.get_users(ids)
    from shared.playlists import service as playlists

    return await playlists.get_playlists(caller_id, ids)
