"""What there is to hear, as arrays by track: invented here, or read through the Web API."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.platform.ids import content_id

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRACKS_PER_ALBUM = 10
TRACKS_PER_ARTIST = 25.0  # on average; a few artists have far more
GENRES = 24


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Tracks 0..n - 1, the tracks of an artist side by side, those of an album in its order."""

    track_ids: tuple[str, ...]
    artist_ids: tuple[str, ...]
    artist_names: tuple[str, ...]
    artist: NDArray[np.int32]  # (n,) of each track, ascending
    genre_of_artist: NDArray[np.int32]
    album: NDArray[np.int32]  # (n,)
    duration_ms: NDArray[np.int32]  # (n,)
    popularity: NDArray[np.float32]  # (n,) > 0: how often a track comes to mind, relatively

    def __len__(self) -> int:
        return len(self.track_ids)

    @property
    def genre(self) -> NDArray[np.int32]:
        """(n,) The genre of each track: its artist's."""
        return self.genre_of_artist[self.artist]

    @property
    def genres(self) -> int:
        """How many genres there are."""
        return int(self.genre_of_artist.max()) + 1

    @property
    def digest(self) -> str:
        """Eight characters that are others where any track is another."""
        return hashlib.sha256("".join(self.track_ids).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Entry:
    """A track as it is read: `genre` is its artist's first one ("" where unknown), `popularity`
    0..100."""

    track_id: str
    artist_id: str
    artist_name: str
    genre: str
    album_id: str
    place: tuple[int, int]  # disc and number on the album
    duration_ms: int
    popularity: int


def of_entries(entries: Sequence[Entry]) -> Catalogue:
    """A catalogue of what was read, the same for the same entries in any order. Raises ValueError
    where there are none."""
    import numpy as np

    if not entries:
        raise ValueError("there is no track to listen to; load a catalogue first")
    placed = sorted(
        {one.track_id: one for one in entries}.values(),
        key=lambda one: (one.artist_id, one.album_id, one.place, one.track_id),
    )
    artists = {one.artist_id: one for one in placed}
    number_of = {artist_id: number for number, artist_id in enumerate(artists)}
    albums = {album: n for n, album in enumerate(dict.fromkeys(one.album_id for one in placed))}
    genres = {name: n for n, name in enumerate(sorted({one.genre for one in artists.values()}))}
    return Catalogue(
        track_ids=tuple(one.track_id for one in placed),
        artist_ids=tuple(artists),
        artist_names=tuple(one.artist_name for one in artists.values()),
        artist=np.array([number_of[one.artist_id] for one in placed], np.int32),
        genre_of_artist=np.array([genres[one.genre] for one in artists.values()], np.int32),
        album=np.array([albums[one.album_id] for one in placed], np.int32),
        duration_ms=np.array([max(one.duration_ms, 1_000) for one in placed], np.int32),
        popularity=np.array([1.0 + one.popularity for one in placed], np.float32),
    )


def invented(tracks: int, seed: int, *, genres: int = GENRES) -> Catalogue:
    """A catalogue of `tracks` tracks, as long-tailed as real ones are: artists' sizes and tracks'
    popularity are log-normal. Raises ValueError for fewer tracks than 1."""
    import numpy as np

    if tracks < 1:
        raise ValueError(f"a catalogue has at least 1 track, not {tracks}")
    draw = np.random.default_rng([seed, 0xCA7])
    count = max(1, round(tracks / TRACKS_PER_ARTIST))
    weights = draw.lognormal(0.0, 1.0, count)
    drawn = np.sort(draw.choice(count, tracks, p=weights / weights.sum()))
    artist = np.unique(drawn, return_inverse=True)[1].astype(np.int32)  # none without a track
    count = int(artist[-1]) + 1
    first = np.flatnonzero(np.r_[True, artist[1:] != artist[:-1]])
    place = np.arange(tracks) - np.repeat(first, np.diff(np.r_[first, tracks]))
    starts = np.r_[True, (artist[1:] != artist[:-1]) | (place[1:] % TRACKS_PER_ALBUM == 0)]
    fame = draw.lognormal(0.0, 1.0, count)
    shares = draw.dirichlet(np.full(genres, 1.5))
    return Catalogue(
        track_ids=tuple(content_id("simulated track", str(one)) for one in range(tracks)),
        artist_ids=tuple(content_id("simulated artist", str(one)) for one in range(count)),
        artist_names=tuple(f"Artist {one}" for one in range(count)),
        artist=artist,
        genre_of_artist=draw.choice(genres, count, p=shares).astype(np.int32),
        album=(np.cumsum(starts) - 1).astype(np.int32),
        duration_ms=draw.normal(210_000, 45_000, tracks).clip(60_000, 480_000).astype(np.int32),
        popularity=(fame[artist] * draw.lognormal(0.0, 1.2, tracks)).astype(np.float32),
    )
