"""What can be found, as search documents. Pure.

Features above search make their own (`playlist_document`, `shared/podcasts/documents.py`);
playlists are indexed while they are public, and removed when they no longer are.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log10

from shared.catalog.models import Album, Artist, Track
from shared.search.models import SearchDocument


def track_document(track: Track, artists: Mapping[str, Artist] | None = None) -> SearchDocument:
    """Found by its name, its artists under all their names, and its album; `artists` by id, as
    far as they are known."""
    return SearchDocument(
        type="track",
        id=track.id,
        name=track.name,
        artists=tuple(one.name for one in track.artists),
        artist_ids=track.artist_ids,
        aliases=_aliases(track.artist_ids, artists),
        album=track.album.name,
        popularity=track.popularity,
        territories=track.territories,
        blocked_in=track.withheld_in,
        explicit=track.explicit,
        release_date=_date(track.album.release_date),
        genres=_genres(track.artist_ids, artists),
        isrc=(track.isrc or "").upper(),
        recording=(track.isrc or track.content_hash).upper(),
    )


def album_document(album: Album, artists: Mapping[str, Artist] | None = None) -> SearchDocument:
    """Found by its name and its artists under all their names."""
    ids = tuple(one.id for one in album.artists)
    return SearchDocument(
        type="album",
        id=album.id,
        name=album.name,
        artists=tuple(one.name for one in album.artists),
        artist_ids=ids,
        aliases=_aliases(ids, artists),
        popularity=album.popularity,
        territories=album.territories,
        blocked_in=album.blocked_in,
        release_date=_date(album.release_date),
        genres=album.genres or _genres(ids, artists),
        upc=album.upc or "",
    )


def artist_document(artist: Artist) -> SearchDocument:
    """Found by its name and its aliases."""
    return SearchDocument(
        type="artist",
        id=artist.id,
        name=artist.name,
        artist_ids=(artist.id,),
        aliases=artist.aliases,
        popularity=artist.popularity,
        blocked_in=artist.blocked_in,
        genres=artist.genres,
    )


def playlist_document(
    playlist_id: str, name: str, description: str, owner_name: str, followers: int = 0
) -> SearchDocument:
    """Found by its name, its description and its owner; the more followers the higher."""
    return SearchDocument(
        type="playlist",
        id=playlist_id,
        name=name,
        artists=(owner_name,),
        description=description,
        popularity=min(round(20 * log10(1 + followers)), 100),
    )


def _date(text: str) -> str:
    return "" if text.startswith("0000") else text


def _aliases(ids: tuple[str, ...], artists: Mapping[str, Artist] | None) -> tuple[str, ...]:
    known = [artists[one] for one in ids if one in artists] if artists else []
    return tuple(dict.fromkeys(alias for artist in known for alias in artist.aliases))


def _genres(ids: tuple[str, ...], artists: Mapping[str, Artist] | None) -> tuple[str, ...]:
    known = [artists[one] for one in ids if one in artists] if artists else []
    return tuple(dict.fromkeys(genre for artist in known for genre in artist.genres))
