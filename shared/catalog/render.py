"""Catalog objects in the Web API's shapes (F133-F136).

Pure but for the addresses in the settings. Every key that the published schema has is there, the
deprecated ones too, because clients read them. `is_playable` and `restrictions` come with
`market` only, as in the original.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from shared.catalog.markets import available_markets, is_available
from shared.catalog.models import (
    IMAGE_SIZES_PX,
    Album,
    AlbumRef,
    Artist,
    ArtistRef,
    Track,
)
from shared.platform.settings import settings

Json = dict[str, Any]

ALBUM_PAGE = 50  # tracks inside an album object


def uri(kind: str, item_id: str) -> str:
    """The URI of an item; the scheme is the one that existing clients parse."""
    return f"spotify:{kind}:{item_id}"


def images(image_ids: Sequence[str]) -> list[Json]:
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


def simplified_artist(artist: ArtistRef | Artist) -> Json:
    """SimplifiedArtistObject."""
    return {**_identity("artist", artist.id), "name": artist.name}


def artist_object(artist: Artist) -> Json:
    """ArtistObject."""
    return {
        **_identity("artist", artist.id),
        "followers": {"href": None, "total": 0},
        "genres": list(artist.genres),
        "images": images(artist.images),
        "name": artist.name,
        "popularity": artist.popularity,
    }


def simplified_album(album: Album | AlbumRef, market: str | None = None) -> Json:
    """SimplifiedAlbumObject."""
    return {
        **_identity("album", album.id),
        "album_type": album.album_type,
        "artists": [simplified_artist(artist) for artist in album.artists],
        "available_markets": available_markets(album.territories),
        "images": images(album.images),
        "name": album.name,
        "release_date": album.release_date,
        "release_date_precision": album.release_date_precision,
        "total_tracks": album.total_tracks,
        **_playability(album.territories, market),
    }


def album_object(album: Album, tracks: Sequence[Track], market: str | None = None) -> Json:
    """AlbumObject with the first `ALBUM_PAGE` of `tracks`, which are all of the album's."""
    return {
        **simplified_album(album, market),
        "copyrights": [],
        "external_ids": {"upc": album.upc} if album.upc else {},
        "genres": list(album.genres),
        "label": album.label or "",
        "popularity": album.popularity,
        "tracks": album_tracks_page(album.id, tracks, ALBUM_PAGE, 0, market),
    }


def album_tracks_page(
    album_id: str, tracks: Sequence[Track], limit: int, offset: int, market: str | None = None
) -> Json:
    """PagingObject of SimplifiedTrackObjects; `tracks` are all of the album's."""
    items = [simplified_track(track, market) for track in tracks[offset : offset + limit]]
    address = f"{href('album', album_id)}/tracks"
    return page(items, address, len(tracks), limit, offset, market=market)


def simplified_track(track: Track, market: str | None = None) -> Json:
    """SimplifiedTrackObject."""
    preview = track.preview_url
    if preview and preview.startswith("/"):
        preview = settings().images_url + preview
    return {
        **_identity("track", track.id),
        "artists": [simplified_artist(artist) for artist in track.artists],
        "available_markets": available_markets(track.territories),
        "disc_number": track.disc_number,
        "duration_ms": track.duration_ms,
        "explicit": track.explicit,
        "is_local": False,
        "name": track.name,
        "preview_url": preview,
        "track_number": track.track_number,
        **_playability(track.territories, market),
    }


def track_object(track: Track, market: str | None = None) -> Json:
    """TrackObject."""
    return {
        **simplified_track(track, market),
        "album": simplified_album(track.album, market),
        "external_ids": {"isrc": track.isrc} if track.isrc else {},
        "popularity": track.popularity,
    }


def page(
    items: list[Json], address: str, total: int, limit: int, offset: int, **parameters: str | None
) -> Json:
    """PagingObject for `items`, the part of `total` from `offset` on.

    `address` has no query; `parameters` (those that are not None) stand in every link.
    """
    kept = {name: value for name, value in parameters.items() if value is not None}

    def link(start: int) -> str:
        return f"{address}?{urlencode({**kept, 'offset': start, 'limit': limit})}"

    has_more = limit > 0 and offset + limit < total
    return {
        "href": link(offset),
        "items": items,
        "limit": limit,
        "next": link(offset + limit) if has_more else None,
        "offset": offset,
        "previous": link(max(offset - limit, 0)) if offset > 0 and limit > 0 else None,
        "total": total,
    }


def to_bytes(body: Json) -> bytes:
    """`body` as compact JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def href(kind: str, item_id: str) -> str:
    """The address of an item in this API."""
    return f"{settings().public_url}/v1/{kind}s/{item_id}"


def _identity(kind: str, item_id: str) -> Json:
    return {
        "external_urls": {"spotify": f"{settings().public_url}/#/{kind}/{item_id}"},
        "href": href(kind, item_id),
        "id": item_id,
        "type": kind,
        "uri": uri(kind, item_id),
    }


def _playability(territories: tuple[str, ...], market: str | None) -> Json:
    if market is None:
        return {}
    if is_available(territories, market):
        return {"is_playable": True}
    return {"is_playable": False, "restrictions": {"reason": "market"}}
