"""What a publish makes of the documents that are already there.

Tracks of one album arrive one by one, in any order and more than once, so each rule gives the
same result whichever came first: lists are united, a known value is never overwritten by an
unknown one, and what other parts of the platform write (popularity, verification) is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from shared.catalog.models import Album, Artist, Track

T = TypeVar("T")


def merged_track(new: Track, held: Track | None, album: Album) -> Track:
    """`new` with the album's current copy; what was published before keeps its first date."""
    update: dict[str, object] = {"album": album.ref(), "album_id": album.id}
    if held is not None:
        update["popularity"] = held.popularity
        update["published_at"] = held.published_at
    return new.model_copy(update=update)


def merged_album(new: Album, held: Album | None, track: Track, track_change: int) -> Album:
    """`new` united with `held`, for `track_change` (-1, 0 or 1) more tracks.

    An album is available where at least one of its tracks is, so its territories come from the
    tracks and `new.territories` is not asked.
    """
    if held is None:
        territories = tuple(sorted(track.territories))
        return new.model_copy(
            update={"territories": territories, "total_tracks": max(track_change, 0)}
        )
    everywhere = not held.territories or not track.territories
    united = () if everywhere else tuple(sorted({*held.territories, *track.territories}))
    return new.model_copy(
        update={
            "artists": _united(held.artists, new.artists),
            "images": new.images or held.images,
            "upc": new.upc or held.upc,
            "label": new.label or held.label,
            "genres": _united(held.genres, new.genres),
            "territories": united,
            "total_tracks": max(held.total_tracks + track_change, 0),
            "popularity": held.popularity,
            **({} if new.release_date != "0000" else _release(held)),
        }
    )


def _release(album: Album) -> dict[str, object]:
    return {
        "release_date": album.release_date,
        "release_date_precision": album.release_date_precision,
    }


def merged_artist(new: Artist, held: Artist) -> Artist:
    """`new` united with `held`; another spelling of the name becomes an alias."""
    aliases = _united(held.aliases, (held.name, *new.aliases))
    return new.model_copy(
        update={
            "aliases": tuple(alias for alias in aliases if alias != new.name),
            "images": held.images or new.images,
            "genres": _united(held.genres, new.genres),
            "popularity": held.popularity,
            "verified": held.verified or new.verified,
        }
    )


def _united(first: Iterable[T], second: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *second)))
