"""Pages of saved things as clients get them: rendered once for as long as nothing changes.

A page is kept as bytes together with the very `SavedPage` that it shows, which the service gives
out only while the library's version is the one in the store. Episodes are rendered each time:
where their listener stopped is as much their own as the library is.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from shared.catalog import render
from shared.catalog import service as catalog
from shared.catalog.markets import checked_market
from shared.library import service
from shared.library.cursor import Cursor
from shared.library.models import LibraryKind, SavedItem, SavedPage
from shared.platform.auth import Principal
from shared.platform.caching import etag_of, to_bytes
from shared.platform.errors import InvalidInput
from shared.platform.settings import settings

MAX_LIMIT = 50
MAX_CURSOR_LIMIT = 100  # F155's form: `limit=100&cursor=`
RESUME_SCOPE = "user-read-playback-position"
RENDERED_TTL_S = 30  # a changed track or album shows as late as it would in the catalog's cache
PACKING_LEVEL = 5  # a tenth of the size for 2 ms
RENDERED_BYTES = 64 * 2**20  # 50 tracks are some 170 kB, most of it their markets


@dataclass(slots=True)
class Answer:
    """A JSON body with its strong ETag; `packed` is the same gzipped, once it was worth it."""

    saved: SavedPage
    body: bytes
    etag: str
    expires_s: float  # monotonic
    packed: bytes | None = None


_Key = tuple[str, LibraryKind, str | None, int, int]


def _size(answer: Answer) -> int:
    return len(answer.body)


_rendered: LRUCache[_Key, Answer] = LRUCache(RENDERED_BYTES, getsizeof=_size)


async def saved_page(
    caller: Principal,
    kind: LibraryKind,
    market: str | None,
    limit: int,
    offset: int,
    cursor: str | None = None,
) -> Answer:
    """The PagingObject of the caller's saved things of `kind`, by `offset` or, where there is a
    `cursor` (empty for the newest), by that: `limit` is up to `MAX_LIMIT`, or `MAX_CURSOR_LIMIT`.

    Things that the catalog no longer has are left out of the items. Raises InvalidInput.
    """
    market = checked_market(market, caller.country)
    if cursor is not None:
        return await _by_cursor(caller, kind, market, limit, cursor)
    if limit > MAX_LIMIT:
        raise InvalidInput(f"limit: 1 to {MAX_LIMIT} (to {MAX_CURSOR_LIMIT} with `cursor`)")
    user_id = caller.require_user()
    page = await service.saved(user_id, kind, limit, offset)
    key = (user_id, kind, market, limit, offset)
    held = _rendered.get(key)
    if held is not None and held.saved is page and time.monotonic() < held.expires_s:
        if held.packed is None:  # asked for again: it will be once more
            held.packed = gzip.compress(held.body, PACKING_LEVEL)
        return held
    items = await _objects(caller, kind, page.items, market)
    answer = _answer(
        page, render.page(items, _address(kind), page.total, limit, offset, market=market)
    )
    if kind != "episode" and len(answer.body) <= RENDERED_BYTES:
        _rendered[key] = answer
    return answer


async def _by_cursor(
    caller: Principal, kind: LibraryKind, market: str | None, limit: int, cursor: str
) -> Answer:
    """`next` and `cursors.after` go on behind the page; `previous` is always null, and `offset` is
    how many were before it when the cursor was made."""
    here = Cursor.decode(cursor) if cursor else None
    page, following = await service.saved_after(caller.require_user(), kind, limit, here)
    items = await _objects(caller, kind, page.items, market)
    after = following.encode() if following else None
    offset = here.offset if here else 0
    shape = {
        **render.page(items, _address(kind), page.total, limit, offset),
        "href": _link(kind, limit, cursor, market),
        "next": _link(kind, limit, after, market) if after else None,
        "previous": None,
        "cursors": {"after": after},
    }
    return _answer(page, shape)


def _answer(saved: SavedPage, shape: Mapping[str, Any]) -> Answer:
    body = to_bytes(shape)
    return Answer(saved, body, etag_of(body), time.monotonic() + RENDERED_TTL_S)


def _address(kind: LibraryKind) -> str:
    return f"{settings().public_url}/v1/me/{kind}s"


def _link(kind: LibraryKind, limit: int, cursor: str, market: str | None) -> str:
    ending = f"&market={market}" if market else ""
    return f"{_address(kind)}?limit={limit}&cursor={cursor}{ending}"


async def _objects(
    caller: Principal, kind: LibraryKind, items: Sequence[SavedItem], market: str | None
) -> list[dict[str, Any]]:
    ids = [item.item_id for item in items]
    found: Sequence[Any]
    if kind == "track":
        tracks = await catalog.get_tracks(ids)
        found = [track and render.track_object(track, market) for track in tracks]
    elif kind == "album":
        albums = await catalog.get_albums(ids)
        tracks_of = await asyncio.gather(*(catalog.all_album_tracks(one) for one in ids))
        found = [
            album and render.album_object(album, album_tracks, market)
            for album, album_tracks in zip(albums, tracks_of, strict=True)
        ]
    elif kind == "show":
        found = await _shows(ids)
    else:
        found = await _episodes(caller, ids, market)
    return [
        {"added_at": item.added_at.strftime("%Y-%m-%dT%H:%M:%SZ"), kind: thing}
        for item, thing in zip(items, found, strict=True)
        if thing is not None
    ]


async def _shows(ids: Sequence[str]) -> list[Any]:
    from shared.podcasts import render as podcast_render
    from shared.podcasts import service as podcasts

    return [show and podcast_render.simplified_show(show) for show in await podcasts.get_shows(ids)]


async def _episodes(caller: Principal, ids: Sequence[str], market: str | None) -> list[Any]:
    from shared.podcasts import render as podcast_render
    from shared.podcasts import service as podcasts

    with_points = ids and RESUME_SCOPE in caller.scopes
    points = await podcasts.resume_points(caller.require_user(), ids) if with_points else {}
    pairs = await podcasts.with_shows(await podcasts.get_episodes(ids))
    return [
        pair and podcast_render.episode_object(*pair, market, points.get(pair[0].id))
        for pair in pairs
    ]
