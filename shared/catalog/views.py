"""What the catalog's operations answer: documents found and shaped, warm answers as bytes.

`market` is a checked country code, or None. Raises NotFound for an unknown id, except where
several are asked at once: there it is null.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.catalog import render, service, shapes
from shared.catalog.discography import discography
from shared.catalog.rendered import Rendered, rendered
from shared.platform.shapes import Page

TOP_TRACKS = 10  # as in the Web API


async def track(track_id: str, market: str | None) -> Rendered:
    """TrackObject; in a market where the track is not released, of the same recording's that
    is."""
    found = await service.relinked(await service.get_track(track_id), market)
    return rendered(
        ("track", track_id, market or ""),
        (found,),
        lambda: render.track_object(found, market, track_id),
    )


async def tracks(track_ids: Sequence[str], market: str | None) -> shapes.TracksObject:
    """TrackObjects, in a market as `track`."""
    found = [
        await service.relinked(one, market) if one else None
        for one in await service.get_tracks(track_ids)
    ]
    return {
        "tracks": [
            render.track_object(one, market, asked) if one else None
            for one, asked in zip(found, track_ids, strict=True)
        ]
    }


async def album(album_id: str, market: str | None) -> Rendered:
    """AlbumObject."""
    found = await service.get_album(album_id)
    its = await service.all_album_tracks(album_id)
    return rendered(
        ("album", album_id, market or ""),
        (found, its),
        lambda: render.album_object(found, its, market),
    )


async def albums(album_ids: Sequence[str], market: str | None) -> shapes.AlbumsObject:
    """AlbumObjects."""
    found = await service.get_albums(album_ids)
    its = await service.tracks_of_albums([one.id for one in found if one])
    return {
        "albums": [
            render.album_object(one, its.get(one.id, ()), market) if one else None for one in found
        ]
    }


async def album_tracks(album_id: str, market: str | None, limit: int, offset: int) -> Rendered:
    """A page of SimplifiedTrackObjects, by disc and track number."""
    await service.get_album(album_id)
    its = await service.all_album_tracks(album_id)
    return rendered(
        ("album_tracks", album_id, market or "", str(limit), str(offset)),
        (its,),
        lambda: render.album_tracks_page(album_id, its, limit, offset, market),
    )


async def artist(artist_id: str, followers: int) -> Rendered:
    """ArtistObject, whom `followers` people follow."""
    found = await service.get_artist(artist_id)
    return rendered(
        ("artist", artist_id, str(followers)),
        (found,),
        lambda: render.artist_object(found, followers),
    )


async def artist_albums(
    artist_id: str, groups: Sequence[str], market: str | None, limit: int, offset: int
) -> Page[shapes.ArtistDiscographyAlbumObject]:
    """A page of the artist's albums of these `groups` (none: all), with a market only what is
    released there."""
    await service.get_artist(artist_id)
    found = [
        (one, group)
        for one, group in discography(await service.get_artist_albums(artist_id), artist_id, groups)
        if one.is_released_in(market)
    ]
    items = [render.discography_album(*pair, market) for pair in found[offset : offset + limit]]
    address = f"{render.href('artist', artist_id)}/albums"
    kept = {"include_groups": ",".join(groups) or None, "market": market}
    return render.page(items, address, len(found), limit, offset, **kept)


async def found_tracks(
    track_ids: Sequence[str], where: str | None, market: str | None, *, explicit: bool
) -> list[shapes.TrackObject]:
    """TrackObjects of what a search found, without what is no longer there, not released in
    `where` (None: anywhere), or, unless `explicit` is wanted, explicit: the document has the last
    word, whatever an index says (F187)."""
    return [
        render.track_object(one, market)
        for one in await service.get_tracks(track_ids)
        if one and one.is_released_in(where) and (explicit or not one.explicit)
    ]


async def found_albums(
    album_ids: Sequence[str], where: str | None, market: str | None
) -> list[shapes.SimplifiedAlbumObject]:
    """SimplifiedAlbumObjects of what a search found, as `found_tracks`."""
    return [
        render.simplified_album(one, market)
        for one in await service.get_albums(album_ids)
        if one and one.is_released_in(where)
    ]


async def top_tracks(
    artist_id: str, market: str | None, own_country: str
) -> shapes.TopTracksObject:
    """The artist's ten most popular tracks of those released in `market`, or else in the
    caller's own country (empty: anywhere)."""
    await service.get_artist(artist_id)
    where = market or own_country
    found = [
        one
        for one in await service.get_artist_tracks(artist_id)
        if one.is_released_in(where or None)
    ]
    return {"tracks": [render.track_object(one, market) for one in found[:TOP_TRACKS]]}
