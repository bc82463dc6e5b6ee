"""The catalog's documents of a finished ingestion. Pure."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from shared.catalog.models import Album, AlbumType, Artist, Encoding, Track
from shared.ingestion import paths
from shared.ingestion.models import Ingestion, TrackMetadata
from shared.platform.ids import content_id

VARIOUS_ARTISTS = "various artists"


def artist_id(name: str) -> str:
    """The same artist for every spelling of case, width and spacing."""
    return content_id("artist", _folded(name))


def album_id(metadata: TrackMetadata) -> str:
    """An album is its UPC; without one, its artists and title."""
    if metadata.upc:
        return content_id("album", "upc", metadata.upc.zfill(13))
    artists = "\0".join(_folded(name) for name in metadata.album_artists)
    return content_id("album", artists, _folded(metadata.album))


def documents(
    ingestion: Ingestion,
    encodings: tuple[Encoding, ...],
    loudness_lufs: float,
    published_at: datetime,
) -> tuple[Track, Album, list[Artist]]:
    """Track, album and artists to publish; the ingestion has passed validation."""
    metadata, version, image_id = ingestion.metadata, ingestion.asset_version, ingestion.image_id
    assert metadata is not None
    assert version is not None
    assert image_id is not None
    assert ingestion.duration_ms is not None
    by_name = {
        name: Artist(id=artist_id(name), name=name, genres=metadata.genres, images=(image_id,))
        for name in dict.fromkeys((*metadata.artists, *metadata.album_artists))
    }
    album = Album(
        id=album_id(metadata),
        name=metadata.album,
        artists=tuple(by_name[name].ref() for name in metadata.album_artists),
        album_type=_album_type(metadata),
        release_date=metadata.release_date,
        release_date_precision=metadata.release_date_precision,
        upc=metadata.upc,
        label=metadata.label,
        images=(image_id,),
        territories=metadata.territories,
        total_tracks=metadata.total_tracks or 0,
        genres=metadata.genres,
    )
    track = Track(
        id=ingestion.track_id,
        name=metadata.title,
        artists=tuple(by_name[name].ref() for name in metadata.artists),
        album_id=album.id,
        album=album.ref(),
        disc_number=metadata.disc_number,
        track_number=metadata.track_number,
        duration_ms=ingestion.duration_ms,
        explicit=metadata.explicit,
        isrc=metadata.isrc,
        territories=metadata.territories,
        preview_url=paths.preview_url_path(ingestion.track_id, version),
        image_id=image_id,
        asset_version=version,
        encodings=encodings,
        loudness_lufs=loudness_lufs,
        content_hash=ingestion.content_hash,
        published_at=published_at,
    )
    return track, album, list({artist.id: artist for artist in by_name.values()}.values())


def _album_type(metadata: TrackMetadata) -> AlbumType:
    if metadata.compilation or _folded(metadata.album_artists[0]) == VARIOUS_ARTISTS:
        return "compilation"
    return "single" if metadata.total_tracks == 1 or metadata.album == metadata.title else "album"


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
