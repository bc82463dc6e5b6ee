"""The whole catalogue as items, with what content vectors are made of."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from shared.analysis import service as analysis
from shared.analysis.models import AudioFeatures
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.playlists import service as playlists
from shared.recommendations.items import Item

_EPOCH = date(1970, 1, 1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every track in the order of the ids, and its audio features where it has any."""

    items: tuple[Item, ...]
    features: Mapping[str, AudioFeatures]  # by track id


@dataclass(frozen=True, slots=True)
class TitledList:
    """A public playlist: what it is called, and its tracks in their order."""

    title: str
    track_ids: tuple[str, ...]


async def read() -> Catalogue:
    """All tracks that are not withdrawn everywhere; some 2 kB of memory each."""
    genres: dict[str, tuple[str, ...]] = {}
    async for artists in catalog.every_artist():
        genres.update({one.id: one.genres for one in artists if one.genres})
    items: list[Item] = []
    async for tracks in catalog.every_track():
        items += [item_of(one, genres) for one in tracks if not one.is_blocked_in(None)]
    items.sort(key=lambda one: one.track_id)
    features: dict[str, AudioFeatures] = {}
    async for page in analysis.every_features():
        features.update({one.id: one for one in page})
    _log.info("read %d tracks, %d of them with audio features", len(items), len(features))
    return Catalogue(tuple(items), features)


async def titled_lists() -> list[TitledList]:
    """All public playlists with at least two tracks."""
    found = []
    async for page in playlists.every_public_list():
        for title, uris in page:
            track_ids = tuple(uri.rsplit(":", 1)[1] for uri in uris if ":track:" in uri)
            if len(track_ids) > 1:
                found.append(TitledList(title, track_ids))
    return found


def item_of(track: Track, genres: Mapping[str, tuple[str, ...]], plays: int = 0) -> Item:
    """The item of a track; `genres` are those of artists, by id."""
    own = dict.fromkeys(genre for one in track.artist_ids for genre in genres.get(one, ()))
    return Item(
        track_id=track.id,
        name=track.name,
        artist_ids=track.artist_ids,
        artist_names=tuple(one.name for one in track.artists),
        album_id=track.album_id,
        genres=tuple(own),
        recording=(track.isrc or track.content_hash or track.id).upper(),
        duration_ms=track.duration_ms,
        released_on=day_of(track.album.release_date),
        popularity=track.popularity,
        plays=plays,
        is_explicit=track.explicit,
        markets=frozenset(track.territories) or None,
        blocked_in=frozenset(track.withheld_in),
    )


def day_of(release_date: str) -> int:
    """Days since 1970 of YYYY, YYYY-MM or YYYY-MM-DD, of the first day where it names several; 0
    where it is unknown or before."""
    try:
        day = date(*([int(part) for part in release_date.split("-")] + [1, 1])[:3])
    except ValueError:
        return 0
    return max((day - _EPOCH) // timedelta(days=1), 0)
