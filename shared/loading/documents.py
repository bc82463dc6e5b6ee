"""Catalogue lines as the features' own documents. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime

from shared.analysis.models import AudioFeatures
from shared.catalog.models import (
    Album,
    AlbumRef,
    Artist,
    ArtistRef,
    Copyright,
    DatePrecision,
    Track,
)
from shared.loading.fields import DEFAULT_DURATION_MS
from shared.loading.lines import (
    AlbumLine,
    ArtistLine,
    EpisodeLine,
    PlaylistLine,
    ShowLine,
    TrackLine,
)
from shared.loading.reading import AlbumFacts
from shared.playlists.models import LoadedItem, LoadedPlaylist
from shared.podcasts.models import Episode, Show

# Drawing a picture takes a moment, and a catalogue may have a hundred thousand albums: those that
# bring none share a few.
DRAWN_PICTURES = 16
CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC)  # of what does not say
_PRECISION: dict[int, DatePrecision] = {4: "year", 7: "month", 10: "day"}


def drawn_for(item_id: str) -> str:
    """What the picture of an item without one of its own is drawn from; one of
    `DRAWN_PICTURES`."""
    return f"catalogue-{zlib.crc32(item_id.encode()) % DRAWN_PICTURES}"


def precision(release_date: str) -> DatePrecision:
    """How exact `release_date` is."""
    return _PRECISION[len(release_date)]


def artist(line: ArtistLine, image_id: str) -> Artist:
    """The artist with their picture."""
    return Artist(
        id=line.id,
        name=line.name,
        aliases=line.aliases,
        images=(image_id,),
        genres=line.genres,
        popularity=line.popularity,
        verified=line.verified,
    )


def album(
    line: AlbumLine, facts: AlbumFacts, artists: Mapping[str, ArtistLine], image_id: str
) -> Album:
    """The album with its picture; `facts` are what its tracks say."""
    from_tracks = tuple(sorted(facts.territories)) if facts.territories else ()
    return Album(
        id=line.id,
        name=line.name,
        artists=tuple(_ref(artists[one]) for one in line.artists),
        album_type=line.album_type,
        release_date=line.release_date,
        release_date_precision=precision(line.release_date),
        upc=line.upc,
        label=line.label,
        images=(image_id,),
        territories=from_tracks if line.territories is None else line.territories,
        total_tracks=facts.tracks,
        genres=line.genres,
        popularity=line.popularity,
        copyrights=tuple(Copyright(**one.model_dump()) for one in line.copyrights),
        guest_ids=tuple(sorted(facts.artists.difference(line.artists))),
    )


def track(
    line: TrackLine, album_line: AlbumLine, copy: AlbumRef, names: Mapping[str, str]
) -> Track:
    """The track without its sound, which ingestion brings; `names` are the artists'."""
    return Track(
        id=line.id,
        name=line.name,
        artists=tuple(
            ArtistRef(id=one, name=names[one]) for one in line.artists or album_line.artists
        ),
        album_id=line.album,
        album=copy,
        disc_number=line.disc_number,
        track_number=line.track_number or 1,
        duration_ms=line.duration_ms or DEFAULT_DURATION_MS,
        explicit=line.explicit,
        isrc=line.isrc,
        popularity=line.popularity,
        territories=line.territories,
        preview_url=str(line.preview_url) if line.preview_url else None,
        image_id=copy.images[0] if copy.images else None,
        published_at=_day(copy.release_date),
    )


def features(line: TrackLine) -> AudioFeatures | None:
    """The audio features of a track, if it states them."""
    if line.audio_features is None:
        return None
    return AudioFeatures(
        id=line.id,
        duration_ms=line.duration_ms or DEFAULT_DURATION_MS,
        **line.audio_features.model_dump(),
    )


def show(line: ShowLine, total_episodes: int, image_id: str) -> Show:
    """The show with its picture."""
    return Show(
        id=line.id,
        name=line.name,
        publisher=line.publisher,
        description=line.description,
        html_description=line.html_description,
        explicit=line.explicit,
        languages=line.languages,
        copyrights=tuple(Copyright(**one.model_dump()) for one in line.copyrights),
        images=(image_id,),
        territories=line.territories,
        total_episodes=total_episodes,
    )


def episode(line: EpisodeLine, show_line: ShowLine, number: int, image_id: str | None) -> Episode:
    """The episode, the `number`th of its show; without a picture it has the show's."""
    languages = show_line.languages if line.languages is None else line.languages
    return Episode(
        id=line.id,
        show_id=line.show,
        name=line.name,
        description=line.description,
        html_description=line.html_description,
        duration_ms=line.duration_ms,
        explicit=line.explicit,
        languages=languages,
        release_date=line.release_date,
        release_date_precision=precision(line.release_date),
        images=(image_id,) if image_id else (),
        audio_preview_url=str(line.audio_preview_url) if line.audio_preview_url else None,
        number=number,
    )


def playlist(line: PlaylistLine, cover_jpeg: bytes | None) -> LoadedPlaylist:
    """The playlist with its items and its cover."""
    created_at = line.created_at or CREATED_AT
    return LoadedPlaylist(
        id=line.id,
        owner_id=line.owner,
        name=line.name,
        items=tuple(
            LoadedItem(one.uri, one.added_at or created_at, one.added_by) for one in line.items
        ),
        created_at=created_at,
        description=line.description,
        public=line.public,
        collaborative=line.collaborative,
        cover_jpeg=cover_jpeg,
    )


def _ref(line: ArtistLine) -> ArtistRef:
    return ArtistRef(id=line.id, name=line.name)


def _day(release_date: str) -> datetime:
    """When a track counts as published: with its album, so that the same load says the same."""
    year, month, day = (f"{release_date}-01-01".split("-") + ["01", "01"])[:3]
    return datetime(int(year), int(month), int(day), tzinfo=UTC) if int(year) else CREATED_AT
