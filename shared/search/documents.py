"""Catalog documents as search documents. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shared.catalog.models import Album, Artist, Track
from shared.search.models import ItemType, SearchDocument
from shared.search.normalise import prefixes, tokens


def track_document(track: Track) -> SearchDocument:
    """Found by its name, its artists and its album."""
    names = [artist.name for artist in track.artists]
    return _document(
        "track",
        track.id,
        track.name,
        [*names, track.album.name, *([track.isrc] if track.isrc else [])],
        track.popularity,
        track.territories,
        track.album.release_date,
    )


def album_document(album: Album) -> SearchDocument:
    """Found by its name and its artists."""
    names = [artist.name for artist in album.artists]
    return _document(
        "album",
        album.id,
        album.name,
        [*names, *([album.upc] if album.upc else [])],
        album.popularity,
        album.territories,
        album.release_date,
    )


def artist_document(artist: Artist) -> SearchDocument:
    """Found by its name and its aliases."""
    return _document("artist", artist.id, artist.name, artist.aliases, artist.popularity)


def _document(
    kind: ItemType,
    item_id: str,
    name: str,
    context: Sequence[str],
    popularity: int,
    territories: tuple[str, ...] = (),
    release_date: str = "",
) -> SearchDocument:
    words = tokens(name)
    around = tuple(dict.fromkeys(word for text in context for word in tokens(text)))
    return SearchDocument(
        id=item_id,
        type=kind,
        name=" ".join(words),
        words=tuple(words),
        context=around,
        prefixes=tuple(prefixes([*words, *around])),
        popularity=popularity,
        territories=territories,
        release_date=release_date,
    )
