"""What a publish makes of the documents that are already there.

Tracks of one album arrive one by one, in any order and more than once, so each rule gives the
same result whichever came first: lists are united, a known value is never overwritten by an
unknown one, and what other parts of the platform write (popularity, verification, blocks) is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from shared.catalog.models import Album, Artist, Sound, Track

T = TypeVar("T")


def merged_track(new: Track, held: Track | None, album: Album) -> Track:
    """`new` with the album's current copy; what was published before keeps its first date."""
    update: dict[str, object] = {"album": album.ref(), "album_id": album.id}
    if held is not None:
        update["popularity"] = held.popularity
        update["published_at"] = held.published_at
        update["blocked_in"] = held.blocked_in
    return new.model_copy(update=update)


def merged_album(new: Album, held: Album | None, track: Track, track_change: int) -> Album:
    """`new` united with `held`, for `track_change` (-1, 0 or 1) more tracks.

    An album is available where at least one of its tracks is, so its territories come from the
    tracks and `new.territories` is not asked.
    """
    if held is None:
        territories = tuple(sorted(track.territories))
        return new.model_copy(
            update={
                "territories": territories,
                "guest_ids": _guests(new, track.artist_ids),
                "total_tracks": max(track_change, 0),
            }
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
            "copyrights": _united(held.copyrights, new.copyrights),
            "guest_ids": _guests(new, (*held.guest_ids, *track.artist_ids)),
            "total_tracks": max(held.total_tracks + track_change, 0),
            "popularity": held.popularity,
            "blocked_in": held.blocked_in,
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
            "blocked_in": held.blocked_in,
        }
    )


def united(
    tracks: Sequence[Track], albums: Sequence[Album], blocks: Mapping[str, tuple[str, ...]]
) -> tuple[Iterator[Track], list[Album]]:
    """`tracks` and `albums` made to agree, for a load of both together.

    An album learns who else is on its tracks and, where it does not say, how many there are; a
    track whose album is among `albums` gets the album's copy. `blocks` says where albums are
    withdrawn, by album id.
    """
    on_album: dict[str, dict[str, None]] = {}
    counts: Counter[str] = Counter()
    for track in tracks:
        on_album.setdefault(track.album_id, {}).update(dict.fromkeys(track.artist_ids))
        counts[track.album_id] += 1
    whole = [
        album.model_copy(
            update={
                "guest_ids": _guests(album, (*album.guest_ids, *on_album.get(album.id, ()))),
                "total_tracks": album.total_tracks or counts[album.id],
                "blocked_in": blocks.get(album.id, album.blocked_in),
            }
        )
        for album in albums
    ]
    copies = {album.id: album.ref() for album in whole}
    return (
        track.model_copy(update={"album": copies[track.album_id]})
        if track.album_id in copies
        else on_blocked_album(track, blocks.get(track.album_id, ()))
        for track in tracks
    ), whole


def on_blocked_album(track: Track, blocked_in: tuple[str, ...]) -> Track:
    """`track` with what its copy of the album must say of the album's blocks."""
    if track.album.blocked_in == blocked_in:
        return track
    album = track.album.model_copy(update={"blocked_in": blocked_in})
    return track.model_copy(update={"album": album})


def _guests(album: Album, artist_ids: Iterable[str]) -> tuple[str, ...]:
    own = {artist.id for artist in album.artists}
    return tuple(one for one in dict.fromkeys(artist_ids) if one not in own)


def _united(first: Iterable[T], second: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def sounding_track(track: Track, sound: Sound) -> Track:
    """`track` with `sound`; a preview from elsewhere that it names already stays."""
    update = {name: getattr(sound, name) for name in Sound.model_fields}
    if track.preview_url and not track.preview_url.startswith("/"):
        update["preview_url"] = track.preview_url
    return track.model_copy(update=update)


def stated_track(stated: Track, held: Track) -> Track:
    """What a catalogue states, with the sound that the track has already, if any, and its
    blocks."""
    stated = stated.model_copy(update={"blocked_in": held.blocked_in})
    if not held.asset_version:
        return stated
    sound = Sound.model_validate(held.model_dump(include=set(Sound.model_fields)))
    return sounding_track(stated, sound)
