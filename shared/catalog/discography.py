"""What an album is to an artist, and which of an artist's albums are asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.catalog.models import Album, AlbumGroup

ALBUM_GROUPS: tuple[AlbumGroup, ...] = ("album", "single", "compilation", "appears_on")


def group_of(album: Album, artist_id: str) -> AlbumGroup:
    """What the album is to the artist: its own type, or `appears_on` where they are a guest."""
    is_own = any(artist.id == artist_id for artist in album.artists)
    return album.album_type if is_own else "appears_on"


def discography(
    albums: Iterable[Album], artist_id: str, groups: Sequence[str] = ()
) -> list[tuple[Album, AlbumGroup]]:
    """Those of `albums` that are in one of `groups` (none: all), group by group in the order of
    `ALBUM_GROUPS`, newest first in each."""
    found = [(one, group_of(one, artist_id)) for one in albums]
    asked = [pair for pair in found if not groups or pair[1] in groups]
    asked.sort(key=lambda pair: (pair[0].release_date, pair[0].id), reverse=True)
    asked.sort(key=lambda pair: ALBUM_GROUPS.index(pair[1]))
    return asked
