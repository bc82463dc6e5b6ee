"""Withdraws items and restores them: in the ledger first, then in the catalogue, then in search.

Each step may be repeated, so a withdrawal that broke off half way is made again by the same call;
the ledger may hold it twice then, never not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.audit import service as audit
from shared.audit.models import WithdrawalRecord
from shared.catalog import service as catalog
from shared.catalog import withdrawals
from shared.catalog.models import Album, Artist, Track
from shared.catalog.withdrawals import Kind
from shared.search import service as search
from shared.search.documents import album_document, artist_document, track_document
from shared.search.models import SearchDocument

_Blocks = Callable[[Sequence[str], Sequence[str]], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an item is blocked: by itself (`blocked_in`), and together with what it belongs to
    (`withheld_in`); `*` is everywhere."""

    kind: Kind
    id: str
    name: str
    blocked_in: tuple[str, ...]
    withheld_in: tuple[str, ...]


async def standing(kind: Kind, item_id: str) -> Standing:
    """How it stands with an item. Raises InvalidInput, NotFound."""
    item: Track | Album | Artist
    match kind:
        case "track":
            item = await catalog.get_track(item_id)
        case "album":
            item = await catalog.get_album(item_id)
        case "artist":
            item = await catalog.get_artist(item_id)
    return Standing(kind, item_id, item.name, item.blocked_in, item.withheld_in)


async def withdraw(
    kind: Kind, item_id: str, markets: Sequence[str], note: str, *, with_tracks: bool = False
) -> Standing:
    """Blocks an item in `markets` (ISO 3166-1 alpha-2; none: everywhere): a track, an album with
    all its tracks, or an artist's own entry; `with_tracks`, whatever the artist is on as well.
    `note` says who decided it and why. It is out of every search within a minute, and out of
    players once the catalogue's caches have turned over, in five.

    Raises InvalidInput, NotFound, and Unavailable where the ledger cannot take it.
    """
    await _apply("withdrawn", kind, item_id, markets, note, with_tracks)
    return await standing(kind, item_id)


async def restore(
    kind: Kind, item_id: str, markets: Sequence[str], note: str, *, with_tracks: bool = False
) -> Standing:
    """Lifts an item's own blocks in `markets` (none: all of them), as `withdraw` set them. A
    track stays blocked where its album is. Raises as `withdraw`."""
    await _apply("restored", kind, item_id, markets, note, with_tracks)
    return await standing(kind, item_id)


async def _apply(
    outcome: Literal["withdrawn", "restored"],
    kind: Kind,
    item_id: str,
    markets: Sequence[str],
    note: str,
    with_tracks: bool,
) -> None:
    blocks: _Blocks = withdrawals.withdrawn if outcome == "withdrawn" else withdrawals.restored
    change = catalog.withdraw if outcome == "withdrawn" else catalog.restore
    before = await standing(kind, item_id)
    of_artist = await catalog.tracks_by_artist(item_id) if with_tracks and kind == "artist" else ()
    changes = [(kind, item_id, before.blocked_in), *(_own(track) for track in of_artist)]
    for one_kind, one_id, held in changes:
        after = blocks(held, markets)
        if after != held:
            await audit.record(
                WithdrawalRecord(
                    outcome=outcome,
                    reason="OPERATOR",
                    item=f"{one_kind}:{one_id}",
                    markets=after,
                    before=held,
                    note=note,
                )
            )
        await change(one_kind, one_id, markets)
    await search.index_many(await _documents(kind, item_id, of_artist))


def _own(track: Track) -> tuple[Kind, str, tuple[str, ...]]:
    return "track", track.id, track.blocked_in


async def _documents(kind: Kind, item_id: str, of_artist: Sequence[Track]) -> list[SearchDocument]:
    """What search has to be told: the item as it is now, with the tracks that changed with it."""
    match kind:
        case "track":
            tracks = [await catalog.get_track(item_id)]
        case "album":
            tracks = list(await catalog.all_album_tracks(item_id))
        case "artist":
            again = await catalog.get_tracks([one.id for one in of_artist])
            tracks = [one for one in again if one]
    album = await catalog.get_album(item_id) if kind == "album" else None
    makers = [*(album.artists if album else ()), *(one for t in tracks for one in t.artists)]
    ids = sorted({one.id for one in makers})
    artists = {one.id: one for one in await catalog.get_artists(ids) if one}
    own = [album_document(album, artists)] if album else []
    if kind == "artist":
        own = [artist_document(await catalog.get_artist(item_id))]
    return [*own, *(track_document(one, artists) for one in tracks)]
