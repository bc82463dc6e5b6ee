"""What can be found, as search documents. Pure.

Features above search make their own by `search_document`; playlists are indexed while they are
public, and removed when they no longer are.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

from shared.catalog.models import Album, Artist, Track
from shared.search.models import ItemType, SearchDocument
from shared.search.normalise import prefixes, tokens


def track_document(track: Track) -> SearchDocument:
    """Found by its name, its artists and its album."""
    names = [artist.name for artist in track.artists]
    return search_document(
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
    return search_document(
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
    return search_document("artist", artist.id, artist.name, artist.aliases, artist.popularity)


def playlist_document(
    playlist_id: str, name: str, description: str, owner_name: str, followers: int = 0
) -> SearchDocument:
    """Found by its name, its description and its owner; the more followers the higher."""
    popularity = min(round(20 * log10(1 + followers)), 100)
    return search_document("playlist", playlist_id, name, [owner_name, description], popularity)


def search_document(
    kind: ItemType,
    item_id: str,
    name: str,
    context: Sequence[str] = (),
    popularity: int = 0,
    territories: tuple[str, ...] = (),
    release_date: str = "",
) -> SearchDocument:
    """A document that is found by the words of `name` and, ranked below, by those of `context`;
    `popularity` 0..100, no `territories` means everywhere."""
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
