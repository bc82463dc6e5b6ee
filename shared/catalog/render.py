"""Catalog objects in the Web API's shapes (F133-F136).

Pure but for the addresses in the settings. Every key that the published schema has is there, the
deprecated ones too, because clients read them. `is_playable` and `restrictions` come with
`market` only, as in the original.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlencode

from shared.catalog.markets import available_markets
from shared.catalog.models import (
    IMAGE_SIZES_PX,
    Album,
    AlbumGroup,
    AlbumRef,
    Artist,
    ArtistRef,
    Track,
)
from shared.catalog.shapes import (
    AlbumObject,
    ArtistDiscographyAlbumObject,
    ArtistObject,
    ExternalIds,
    SimplifiedAlbumObject,
    SimplifiedArtistObject,
    SimplifiedTrackObject,
    TrackObject,
)
from shared.platform.settings import settings
from shared.platform.shapes import ExternalUrls, Image, Page

T = TypeVar("T")

ALBUM_PAGE = 50  # tracks inside an album object


def uri(kind: str, item_id: str) -> str:
    """The URI of an item; the scheme is the one that existing clients parse."""
    return f"spotify:{kind}:{item_id}"


def images(image_ids: Sequence[str]) -> list[Image]:
    """The first image in each of its sizes, widest first; all are square."""
    return [
        {
            "url": f"{settings().images_url}/images/{image_ids[0]}/{size}.jpg",
            "height": size,
            "width": size,
        }
        for size in IMAGE_SIZES_PX
        if image_ids
    ]


def simplified_artist(artist: ArtistRef | Artist) -> SimplifiedArtistObject:
    """SimplifiedArtistObject."""
    return {
        "external_urls": external_urls("artist", artist.id),
        "href": href("artist", artist.id),
        "id": artist.id,
        "name": artist.name,
        "type": "artist",
        "uri": uri("artist", artist.id),
    }


def artist_object(artist: Artist, followers: int = 0) -> ArtistObject:
    """ArtistObject; `followers` is how many people follow the artist."""
    return {
        **simplified_artist(artist),
        "followers": {"href": None, "total": followers},
        "genres": list(artist.genres),
        "images": images(artist.images),
        "popularity": artist.popularity,
    }


def simplified_album(album: Album | AlbumRef, market: str | None = None) -> SimplifiedAlbumObject:
    """SimplifiedAlbumObject."""
    shown: SimplifiedAlbumObject = {
        "album_type": album.album_type,
        "artists": [simplified_artist(artist) for artist in album.artists],
        "available_markets": available_markets(album.territories, album.withheld_in),
        "external_urls": external_urls("album", album.id),
        "href": href("album", album.id),
        "id": album.id,
        "images": images(album.images),
        "name": album.name,
        "release_date": album.release_date,
        "release_date_precision": album.release_date_precision,
        "total_tracks": album.total_tracks,
        "type": "album",
        "uri": uri("album", album.id),
    }
    if market is not None:
        shown["is_playable"] = album.is_released_in(market)
        if not shown["is_playable"]:
            shown["restrictions"] = {"reason": "market"}
    return shown


def discography_album(
    album: Album, group: AlbumGroup, market: str | None = None
) -> ArtistDiscographyAlbumObject:
    """ArtistDiscographyAlbumObject: an album with what it is to the artist who was asked for."""
    return {**simplified_album(album, market), "album_group": group}


def album_object(album: Album, tracks: Sequence[Track], market: str | None = None) -> AlbumObject:
    """AlbumObject with the first `ALBUM_PAGE` of `tracks`, which are all of the album's."""
    external_ids: ExternalIds = {"upc": album.upc} if album.upc else {}
    return {
        **simplified_album(album, market),
        "copyrights": [{"text": one.text, "type": one.type} for one in album.copyrights],
        "external_ids": external_ids,
        "genres": list(album.genres),
        "label": album.label or "",
        "popularity": album.popularity,
        "tracks": album_tracks_page(album.id, tracks, ALBUM_PAGE, 0, market),
    }


def album_tracks_page(
    album_id: str, tracks: Sequence[Track], limit: int, offset: int, market: str | None = None
) -> Page[SimplifiedTrackObject]:
    """PagingObject of SimplifiedTrackObjects; `tracks` are all of the album's."""
    items = [simplified_track(track, market) for track in tracks[offset : offset + limit]]
    address = f"{href('album', album_id)}/tracks"
    return page(items, address, len(tracks), limit, offset, market=market)


def simplified_track(track: Track, market: str | None = None) -> SimplifiedTrackObject:
    """SimplifiedTrackObject."""
    preview = track.preview_url
    if preview and preview.startswith("/"):
        preview = settings().images_url + preview
    shown: SimplifiedTrackObject = {
        "artists": [simplified_artist(artist) for artist in track.artists],
        "available_markets": available_markets(track.territories, track.withheld_in),
        "disc_number": track.disc_number,
        "duration_ms": track.duration_ms,
        "explicit": track.explicit,
        "external_urls": external_urls("track", track.id),
        "href": href("track", track.id),
        "id": track.id,
        "is_local": False,
        "name": track.name,
        "preview_url": preview,
        "track_number": track.track_number,
        "type": "track",
        "uri": uri("track", track.id),
    }
    if market is not None:
        shown["is_playable"] = track.is_released_in(market)
        if not shown["is_playable"]:
            shown["restrictions"] = {"reason": "market"}
    return shown


def track_object(
    track: Track, market: str | None = None, linked_from: str | None = None
) -> TrackObject:
    """TrackObject; `linked_from` is the id that was asked for, where `track` stands in for it."""
    external_ids: ExternalIds = {"isrc": track.isrc} if track.isrc else {}
    shown: TrackObject = {
        **simplified_track(track, market),
        "album": simplified_album(track.album, market),
        "external_ids": external_ids,
        "popularity": track.popularity,
    }
    if linked_from is not None and linked_from != track.id:
        shown["linked_from"] = {
            "external_urls": external_urls("track", linked_from),
            "href": href("track", linked_from),
            "id": linked_from,
            "type": "track",
            "uri": uri("track", linked_from),
        }
    return shown


def page(
    items: Sequence[T],
    address: str,
    total: int,
    limit: int,
    offset: int,
    **parameters: str | None,
) -> Page[T]:
    """PagingObject for `items`, the part of `total` from `offset` on.

    `address` has no query; `parameters` (those that are not None) stand in every link.
    """
    kept = {name: value for name, value in parameters.items() if value is not None}

    def link(start: int) -> str:
        return f"{address}?{urlencode({**kept, 'offset': start, 'limit': limit})}"

    has_more = limit > 0 and offset + limit < total
    return {
        "href": link(offset),
        "items": list(items),
        "limit": limit,
        "next": link(offset + limit) if has_more else None,
        "offset": offset,
        "previous": link(max(offset - limit, 0)) if offset > 0 and limit > 0 else None,
        "total": total,
    }


def href(kind: str, item_id: str) -> str:
    """The address of an item in this API."""
    return f"{settings().public_url}/v1/{kind}s/{item_id}"


def external_urls(kind: str, item_id: str) -> ExternalUrls:
    """Where people see an item."""
    return {"spotify": f"{settings().public_url}/#/{kind}/{item_id}"}
