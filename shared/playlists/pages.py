"""Answers: playlists joined with what they refer to, in the Web API's shapes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from shared.accounts import service as accounts
from shared.catalog.markets import checked_market
from shared.catalog.render import page
from shared.platform.auth import Principal
from shared.platform.errors import NotFound
from shared.platform.settings import settings
from shared.platform.shapes import Image, Page
from shared.playlists import fields as field_filter
from shared.playlists import render, rights, service, store
from shared.playlists.contents import contents_of
from shared.playlists.models import Playlist
from shared.playlists.requests import NewPlaylist, Shown, ShownPage
from shared.playlists.shapes import PlaylistObject, SimplifiedPlaylistObject
from shared.social import service as social

FOLLOWS_A_READ = 200
MAX_FOLLOWS_READ = 10_000  # of one person, when the token shows only some of them


async def playlist_answer(caller: Principal, playlist_id: str, shown: Shown) -> Any:
    """PlaylistObject, or the part of it that `shown.fields` names. Raises NotFound,
    InsufficientScope, InvalidInput."""
    selection = field_filter.parse(shown.fields or "")
    market = checked_market(shown.market, caller.country)
    found = await service.read_items(caller, playlist_id, render.PLAYLIST_PAGE, 0)
    contents, followers = await asyncio.gather(
        contents_of(found.items, [found.playlist]), social.follower_count("playlist", playlist_id)
    )
    whole = render.playlist_object(
        found.playlist, found.items, contents, followers, market, shown.additional_types
    )
    return selection.apply(whole) if selection else whole


async def created(caller: Principal, wanted: NewPlaylist, seed: str) -> PlaylistObject:
    """PlaylistObject of the playlist that `service.create` makes: public, unless that is refused;
    after a repeated request with whatever it has by now. Raises as that does."""
    playlist = await service.create(
        caller,
        wanted.name,
        wanted.description,
        wanted.public is not False,
        wanted.collaborative or False,
        seed,
    )
    found = await service.replica.page(playlist.id, render.PLAYLIST_PAGE, 0)
    contents, followers = await asyncio.gather(
        contents_of(found.items, [found.playlist]), social.follower_count("playlist", playlist.id)
    )
    return render.playlist_object(found.playlist, found.items, contents, followers)


async def items_answer(caller: Principal, playlist_id: str, path: str, shown: ShownPage) -> Any:
    """A page of PlaylistTrackObjects, or the part of it that `shown.fields` names. Raises as
    `playlist_answer`."""
    selection = field_filter.parse(shown.fields or "")
    market = checked_market(shown.market, caller.country)
    found = await service.read_items(caller, playlist_id, shown.limit, shown.offset)
    contents = await contents_of(found.items)
    whole = render.items_page(
        found.playlist,
        path,
        found.items,
        contents,
        shown.limit,
        shown.offset,
        market,
        shown.additional_types,
        shown.fields,
    )
    return selection.apply(whole) if selection else whole


async def simplified_playlists(
    playlists: Sequence[Playlist | None],
) -> list[SimplifiedPlaylistObject | None]:
    """SimplifiedPlaylistObjects in their order, null where there is none: for search and browse."""
    contents = await contents_of(playlists=[one for one in playlists if one is not None])
    return [render.simplified_playlist(one, contents) if one else None for one in playlists]


async def found_playlists(ids: Sequence[str]) -> list[SimplifiedPlaylistObject]:
    """SimplifiedPlaylistObjects of what a search found, without what is no longer there or no
    longer public (F187)."""
    public = [one for one in await service.get_playlists(None, ids) if one and one.public]
    return [one for one in await simplified_playlists(public) if one]


async def images_answer(caller: Principal, playlist_id: str) -> list[Image]:
    """The pictures of a playlist, widest first. Raises NotFound, InsufficientScope."""
    playlist = await service.read(caller, playlist_id)
    return render.cover_images(playlist, await contents_of(playlists=[playlist]))


async def own_answer(
    caller: Principal, limit: int, offset: int, path: str = "me"
) -> Page[SimplifiedPlaylistObject]:
    """A page of the playlists that the caller owns or follows, the last followed first; private
    and collaborative ones as far as the token shows them."""
    user_id = caller.require_user()
    if {rights.READ_PRIVATE, rights.READ_COLLABORATIVE} <= caller.scopes:
        # All are shown, so the page is known without the others. What others have made private
        # since is counted, but not shown.
        followed = await social.following(user_id, "playlist", limit, offset)
        found = await service.get_playlists(user_id, followed.ids)
        return await _page([one for one in found if one], path, limit, offset, followed.total)
    shown = [one for one in await _followed(user_id) if rights.is_shown(one, caller)]
    return await _page(shown[offset : offset + limit], path, limit, offset, len(shown))


async def users_answer(
    caller: Principal, user_id: str, limit: int, offset: int
) -> Page[SimplifiedPlaylistObject]:
    """A page of the public playlists that somebody owns or follows; of the caller's own, all that
    the token shows. Raises NotFound for somebody who is not there."""
    if user_id == caller.user_id:
        return await own_answer(caller, limit, offset, f"users/{user_id}")
    (user,) = await accounts.get_users([user_id])
    if user is None:
        raise NotFound("User not found")
    public = [one for one in await _followed(user_id) if one.public]
    path = f"users/{user_id}"
    return await _page(public[offset : offset + limit], path, limit, offset, len(public))


async def _followed(user_id: str) -> list[Playlist]:
    """All that somebody follows and that there is, whoever may see it."""
    ids: list[str] = []
    while len(ids) < MAX_FOLLOWS_READ:
        followed = await social.following(user_id, "playlist", FOLLOWS_A_READ, len(ids))
        ids += followed.ids
        if len(followed.ids) < FOLLOWS_A_READ:
            break
    found = await store.read_many(ids)
    return [found[one] for one in ids if one in found]


async def _page(
    playlists: Sequence[Playlist], path: str, limit: int, offset: int, total: int
) -> Page[SimplifiedPlaylistObject]:
    contents = await contents_of(playlists=playlists)
    shown = [render.simplified_playlist(one, contents) for one in playlists]
    address = f"{settings().public_url}/v1/{path}/playlists"
    return page(shown, address, total, limit, offset)
