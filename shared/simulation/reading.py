"""The catalogue as anybody can read it: by search, and by what the artists' pages say."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.simulation.api import Api
from shared.simulation.catalogue import Catalogue, Entry, of_entries

PAGE = 50  # the Web API's limit, of a page of search and of ids in a request
DEPTH = 1_000  # of a search: what stands further down is never shown
FIRST_YEAR = 1950
_log = logging.getLogger(__name__)


async def read_catalogue(api: Api, most: int) -> Catalogue:
    """The first `most` tracks that are found by any genre, then by decade: in all catalogues of
    fewer tracks than `DEPTH` per genre, all of those that have a genre or a year. Raises ApiFailed,
    and ValueError where nothing is found."""
    found: dict[str, dict[str, Any]] = {}
    async for track in _everything(api):
        found.setdefault(track["id"], track)
        if len(found) >= most:
            break
    genres = await _genres(api, {_artist(track)["id"] for track in found.values()})
    _log.info("read %d tracks of %d artists", len(found), len(genres))
    return of_entries([_entry(track, genres) for track in found.values()])


async def _everything(api: Api) -> AsyncIterator[dict[str, Any]]:
    genres = (await api.get("/v1/recommendations/available-genre-seeds"))["genres"]
    year = datetime.now(UTC).year
    decades = [f"year:{first}-{first + 9}" for first in range(FIRST_YEAR, year + 1, 10)]
    for query in [*(f'genre:"{genre}"' for genre in genres), *decades]:
        async for track in _search(api, query):
            yield track


async def _search(api: Api, query: str) -> AsyncIterator[dict[str, Any]]:
    view: dict[str, str] = {}
    for offset in range(0, DEPTH, PAGE):
        page = (
            await api.get("/v1/search", q=query, type="track", limit=PAGE, offset=offset, **view)
        )["tracks"]
        for track in page["items"]:
            yield track
        if page["next"] is None:
            return


async def _genres(api: Api, artist_ids: Iterable[str]) -> dict[str, str]:
    """The first genre of each artist, "" where it has none."""
    wanted = sorted(artist_ids)
    found: dict[str, str] = {}
    for ids in _parts(wanted):
        for artist in (await api.get("/v1/artists", ids=",".join(ids)))["artists"]:
            if artist is not None:
                found[artist["id"]] = next(iter(artist["genres"]), "")
    return found


def _parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))


def _artist(track: dict[str, Any]) -> dict[str, Any]:
    artist: dict[str, Any] = track["artists"][0]
    return artist


def _entry(track: dict[str, Any], genres: dict[str, str]) -> Entry:
    artist = _artist(track)
    return Entry(
        track_id=track["id"],
        artist_id=artist["id"],
        artist_name=artist["name"],
        genre=genres.get(artist["id"], ""),
        album_id=track["album"]["id"],
        place=(track["disc_number"], track["track_number"]),
        duration_ms=track["duration_ms"],
        popularity=track["popularity"],
    )
