"""What is known of a track without a listener, and as numbers (F197).

Popularity is left out on purpose: of a new track it says nothing, and a model that had it would
hide new tracks for being new.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.analysis.models import AudioFeatures
from shared.recommendations.content import words as w
from shared.recommendations.content.words import Words
from shared.recommendations.items import Item

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from shared.recommendations.items import Matrix, Vector

SHARES = (
    *("acousticness", "danceability", "energy", "instrumentalness"),
    *("liveness", "speechiness", "valence"),
)
AUDIO_COLUMNS = len(SHARES) + 6  # loudness, tempo, mode, key (two), and that there are any
MAX_GENRES = 2_000  # the most frequent; a squared matrix of them fits into memory
MIN_GENRE_TRACKS = 2
DAYS_A_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class ContentFeatures:
    """A track without its listeners; `released_on` counts days since 1970, 0 is unknown."""

    track_id: str
    artist_ids: tuple[str, ...] = ()
    album_id: str = ""
    genres: tuple[str, ...] = ()
    released_on: int = 0
    audio: AudioFeatures | None = None


def content_of(items: Sequence[Item], audio: Mapping[str, AudioFeatures]) -> list[ContentFeatures]:
    """The content of `items`, in their order; `audio` by track id."""
    return [
        ContentFeatures(
            one.track_id,
            one.artist_ids,
            one.album_id,
            one.genres,
            one.released_on,
            audio.get(one.track_id),
        )
        for one in items
    ]


@dataclass(frozen=True)
class Encoder:
    """Content as rows of numbers: `AUDIO_COLUMNS` scaled audio features, two columns of the release
    date, twice `DIMENSIONS` of words (what lists and sessions say of the track, and what they say
    of the words of its genres), a column for each genre.

    `mean` and `scale` (AUDIO_COLUMNS + 2,) make the first columns comparable; a value that is not
    known is the mean. `genres` with their `rarity` (inverse document frequency) are the columns of
    a track's genres, whose squares sum up to 1.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    genres: tuple[str, ...]
    rarity: NDArray[np.float32]
    words: Words

    @classmethod
    def fit(cls, features: Sequence[ContentFeatures], words: Words) -> Encoder:
        """An encoder for `features` and what comes after them."""
        import numpy as np

        numbers = _numbers(features)
        is_known = ~np.isnan(numbers).all(axis=0)
        mean, scale = np.zeros(numbers.shape[1]), np.ones(numbers.shape[1])
        mean[is_known] = np.nanmean(numbers[:, is_known], axis=0)
        scale[is_known] = np.nanstd(numbers[:, is_known], axis=0)
        counts = Counter(genre for one in features for genre in dict.fromkeys(one.genres))
        genres = [
            genre
            for genre, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
            if count >= MIN_GENRE_TRACKS
        ][:MAX_GENRES]
        rarity = [math.log((1 + len(features)) / (1 + counts[genre])) + 1 for genre in genres]
        return cls(
            mean.astype(np.float32),
            np.where(scale > 1e-6, scale, 1).astype(np.float32),
            tuple(genres),
            np.array(rarity, np.float32),
            words,
        )

    @property
    def width(self) -> int:
        """How many columns there are."""
        return int(self.mean.size) + len(self.genres) + 2 * int(self.words.vectors.shape[1])

    def matrix(
        self, features: Sequence[ContentFeatures], *, unlisted: NDArray[np.bool_] | None = None
    ) -> csr_matrix:
        """The rows (tracks, width) of `features`, float32; tracks that are `unlisted` (tracks,) as
        if they stood in no list and no session."""
        import numpy as np
        from scipy import sparse

        numbers = np.nan_to_num((_numbers(features) - self.mean) / self.scale)
        # Far-off values are errors of measurement more often than they are music.
        listed = self._listed(features)
        if unlisted is not None:
            listed[unlisted] = 0
        dense = np.hstack([np.clip(numbers, -4, 4), listed, self._called(features)])
        found = sparse.hstack([dense.astype(np.float32), self._genres(features)], format="csr")
        return sparse.csr_matrix(found)

    def _genres(self, features: Sequence[ContentFeatures]) -> csr_matrix:
        import numpy as np
        from scipy import sparse

        column_of = {genre: column for column, genre in enumerate(self.genres)}
        indptr = [0]
        indices: list[int] = []
        data: list[float] = []
        for one in features:
            columns = [column_of[g] for g in dict.fromkeys(one.genres) if g in column_of]
            values = self.rarity[columns]
            indices.extend(columns)
            data.extend(values / max(float(np.linalg.norm(values)), 1e-9))
            indptr.append(len(indices))
        shape = (len(features), len(self.genres))
        return sparse.csr_matrix((np.array(data, np.float32), indices, indptr), shape=shape)

    def _listed(self, features: Sequence[ContentFeatures]) -> Matrix:
        """The vectors of tracks that stand in lists or sessions, zeros of others."""
        import numpy as np

        found = np.zeros((len(features), self.words.vectors.shape[1]), np.float32)
        for row, one in enumerate(features):
            found[row] = self.words.mean([w.track(one.track_id)])
        return found

    def _called(self, features: Sequence[ContentFeatures]) -> Matrix:
        """The vectors of the words of tracks' genres, zeros where none is known."""
        import numpy as np

        found = np.zeros((len(features), self.words.vectors.shape[1]), np.float32)
        known: dict[tuple[str, ...], Vector] = {}
        for row, one in enumerate(features):
            if one.genres not in known:
                named = [word for genre in one.genres for word in w.words_of(genre)]
                known[one.genres] = self.words.mean(named)
            found[row] = known[one.genres]
        return found


def _numbers(features: Sequence[ContentFeatures]) -> NDArray[np.float64]:
    """Audio features and release dates (tracks, AUDIO_COLUMNS + 2), NaN where they are not known.

    Tempo counts in octaves; a key is a place on the circle of fifths, so that keys which share
    notes lie near each other.
    """
    import numpy as np

    found = np.full((len(features), AUDIO_COLUMNS + 2), np.nan)
    for row, one in enumerate(features):
        heard = one.audio
        if heard is not None:
            angle = 2 * math.pi * (heard.key * 7 % 12) / 12
            has_key, has_tempo = heard.key >= 0, heard.tempo > 0
            found[row, :AUDIO_COLUMNS] = (
                *(getattr(heard, name) for name in SHARES),
                heard.loudness,
                math.log2(heard.tempo) if has_tempo else math.nan,
                heard.mode if has_key else math.nan,
                math.cos(angle) if has_key else math.nan,
                math.sin(angle) if has_key else math.nan,
                1,
            )
        else:
            found[row, AUDIO_COLUMNS - 1] = 0
        if one.released_on:
            year = one.released_on / DAYS_A_YEAR
            found[row, AUDIO_COLUMNS:] = year, math.log1p(max(year, 0))
    return found
