"""The real tracks as search documents."""

from __future__ import annotations

import ast
import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from shared.search.models import ITEM_TYPES, ItemType, SearchDocument

DATA = Path(__file__).resolve().parents[3] / "shared/data/spotify_tracks/tracks.csv.gz"
VARIOUS = "Various Artists"

Row = Mapping[str, str]


@cache
def documents() -> dict[ItemType, list[SearchDocument]]:
    """Tracks, and the artists and albums that they are of; every other type is empty.

    Raises FileNotFoundError where the data is not beside the project."""
    with gzip.open(DATA, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = _names(rows)
    found: dict[ItemType, list[SearchDocument]] = {kind: [] for kind in ITEM_TYPES}
    found["track"] = [_track(row, names) for row in rows]
    found["artist"] = list(_artists(rows, found["track"], names))
    found["album"] = list(_albums(rows, found["track"]))
    return found


def _names(rows: list[dict[str, str]]) -> dict[str, str]:
    """Artists' names by id, of those who have a track of their own: a name may hold a comma."""
    return {ids[0]: row["artists"] for row in rows if len(ids := _ids(row)) == 1}


def _ids(row: Row) -> list[str]:
    ids: list[str] = json.loads(row["artist_ids"])
    return ids


def _credits(row: Row, names: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and ids of a track's artists. Names stand in one text, parted by commas; where its
    parts are not as many as the ids, only ids whose names are known are kept."""
    text, ids = row["artists"], _ids(row)
    for name in {names[one] for one in ids if one in names and ", " in names[one]}:
        text = text.replace(name, name.replace(", ", "\0"))
    parts = tuple(part.replace("\0", ", ") for part in text.split(", "))
    if len(parts) == len(ids):
        return parts, tuple(ids)
    return parts, tuple(one for one in ids if names.get(one) in parts)


def _track(row: Row, names: Mapping[str, str]) -> SearchDocument:
    artists, ids = _credits(row, names)
    return SearchDocument(
        type="track",
        id=row["id"],
        name=row["name"],
        artists=artists,
        artist_ids=ids,
        album=row["album"],
        popularity=int(row["popularity"]),
        explicit=row["explicit"] == "True",
        release_date=row["release_date"],
        genres=_genres(row),
        isrc=row["isrc"].upper(),
        recording=row["isrc"] or row["id"],
    )


def _genres(row: Row) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ast.literal_eval(row["artist_genres"] or "[]")))


def _artists(
    rows: list[dict[str, str]], tracks: list[SearchDocument], names: Mapping[str, str]
) -> Iterator[SearchDocument]:
    """One artist for each id; as popular as the data says of those with a track of their own,
    the others as their best-known track."""
    name_of: dict[str, str] = {}
    popularity: dict[str, int] = {}
    genres: dict[str, tuple[str, ...]] = {}
    for track in tracks:
        if len(track.artists) == len(track.artist_ids):
            for one, name in zip(track.artist_ids, track.artists, strict=True):
                name_of.setdefault(one, name)
                popularity[one] = max(popularity.get(one, 0), track.popularity)
    for row in rows:
        if len(ids := _ids(row)) == 1:
            popularity[ids[0]] = int(float(row["artist_popularity"] or popularity[ids[0]]))
            genres[ids[0]] = _genres(row)
    for one, name in name_of.items():
        yield SearchDocument(
            type="artist",
            id=one,
            name=names.get(one, name),
            artist_ids=(one,),
            popularity=popularity[one],
            genres=genres.get(one, ()),
        )


def _albums(rows: list[dict[str, str]], tracks: list[SearchDocument]) -> Iterator[SearchDocument]:
    """By the artist who is first on all of its tracks, else by `VARIOUS`."""
    of_album: defaultdict[str, list[SearchDocument]] = defaultdict(list)
    for row, track in zip(rows, tracks, strict=True):
        of_album[row["album_id"]].append(track)
    for album_id, members in of_album.items():
        first = {track.artists[0] for track in members}
        best = max(members, key=lambda track: track.popularity)
        yield SearchDocument(
            type="album",
            id=album_id,
            name=best.album,
            artists=(best.artists[0] if len(first) == 1 else VARIOUS,),
            artist_ids=best.artist_ids[:1] if len(first) == 1 else (),
            popularity=best.popularity,
            release_date=best.release_date,
            genres=best.genres,
        )
