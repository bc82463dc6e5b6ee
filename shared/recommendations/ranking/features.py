"""What the ranking knows of a candidate: one definition, for learning and for serving.

`RANKING_FEATURES` are those of the person, the track and the two together
(`shared.signals.features`) and these:

| feature | unit | range |
|---|---|---|
| `retrieval_score` | as retrieval scored it for its list; missing where nobody recommended it | |
| `source_*`: where it came from; all 0 where nobody recommended it | truth | 0 or 1 |
| `place`: where on its shelf it stood, 0 first; missing where it was shown on none | | 0.. |
| `is_recommended`: it was played from something recommended | truth | 0 or 1 |
| `artist_affinity`, `genre_affinity`: see `Affinity` | share | 0..1 |
| `age_days`: since its release, at most ten years; missing where not known | days | 0..3650 |
| `duration_s`: missing where not known | seconds | 0.. |
| `hour_cos`, `hour_sin`: of the moment, on a clock of 24 h (UTC) | | -1..1 |
| `hour_match`: how near the hour is to when the person listens | | -1..1 |
| `is_weekend` (UTC) | truth | 0 or 1 |

The session so far is in `user_plays_1h`, `user_skip_rate_1h` and `user_completion_rate_1h`. Of the
catalogue's own popularity there is nothing: it is known as of today alone, so that a play of last
week would be explained by itself; `track_plays_*` are as of the play. Audio is in none of them: a
bundle keeps it within its vectors, which `retrieval_score` is made of.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, get_args

from shared.recommendations.items import Bundle, Item, Source
from shared.signals.counting import DAY_MS, TrackCounts
from shared.signals.features import (
    PAIR_FEATURES,
    TRACK_FEATURES,
    USER_FEATURES,
    track_features,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SOURCES: tuple[Source, ...] = get_args(Source)
RETRIEVAL_FEATURES = ("retrieval_score", *(f"source_{source}" for source in SOURCES), "place")
AFFINITY_FEATURES = ("artist_affinity", "genre_affinity")
ITEM_FEATURES = ("age_days", "duration_s")
MOMENT_FEATURES = ("is_recommended", "hour_cos", "hour_sin", "hour_match", "is_weekend")
GROUPS: dict[str, tuple[str, ...]] = {  # for the ablation
    "retrieval": RETRIEVAL_FEATURES,
    "affinity": AFFINITY_FEATURES,
    "item": ITEM_FEATURES,
    "moment": MOMENT_FEATURES,
    "person": USER_FEATURES,
    "track": TRACK_FEATURES,
    "pair": PAIR_FEATURES,
}
RANKING_FEATURES: tuple[str, ...] = tuple(name for names in GROUPS.values() for name in names)
_TRACK, _PAIR = itemgetter(*TRACK_FEATURES), itemgetter(*PAIR_FEATURES)
OLDEST_DAYS = 3_650.0  # what is ten years old is old
MISSING = math.nan
ItemOf = Callable[[str], Item | None]  # what is known of a track id


@dataclass(frozen=True, slots=True)
class Affinity:
    """How much of what a person likes is by an artist, or of a genre: shares (0..1) of the sum of
    their confidences. A track is as near as the nearest of its artists, or genres."""

    artists: Mapping[str, float] = field(default_factory=dict)
    genres: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, confidences: Mapping[str, float], item_of: ItemOf) -> Affinity:
        """The affinities of a person who likes tracks so surely."""
        artists: Counter[str] = Counter()
        genres: Counter[str] = Counter()
        total = math.fsum(confidences.values()) or 1.0
        for track_id, confidence in confidences.items():
            if item := item_of(track_id):
                artists.update(dict.fromkeys(item.artist_ids, confidence / total))
                genres.update(dict.fromkeys(item.genres, confidence / total))
        return cls(artists, genres)

    def features(self, item: Item | None) -> tuple[float, float]:
        """`AFFINITY_FEATURES` of a track; 0 where nothing is known of it."""
        if item is None:
            return 0.0, 0.0
        return (
            max((self.artists.get(one, 0.0) for one in item.artist_ids), default=0.0),
            max((self.genres.get(one, 0.0) for one in item.genres), default=0.0),
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """How a track was recommended: its score at retrieval, its source, its place on the shelf."""

    score: float = MISSING
    source: Source | None = None
    place: float = MISSING


@dataclass(frozen=True, slots=True)
class Met:
    """A track and what a person has to do with it: `shown` is None where nobody recommended it,
    `item` where the bundle does not know it; `track` and `pair` are `TRACK_FEATURES` and
    `PAIR_FEATURES`."""

    shown: Shown | None
    item: Item | None
    track: Mapping[str, float]
    pair: Mapping[str, float]


def matrix(
    met: Sequence[Met],
    *,
    affinity: Affinity,
    user: Mapping[str, float],
    now_ms: int,
    is_recommended: bool,
) -> Floats:
    """`RANKING_FEATURES` (tracks by features) of tracks for a person with the `USER_FEATURES`
    `user`."""
    import numpy as np

    today = now_ms // DAY_MS
    blocks: dict[str, Sequence[Sequence[float]]] = {
        "retrieval": [_retrieval(one.shown) for one in met],
        "affinity": [affinity.features(one.item) for one in met],
        "item": [_item(one.item, today) for one in met],
        "moment": [_moment(user, now_ms, is_recommended)],  # alike for all
        "person": [itemgetter(*USER_FEATURES)(user)],
        "track": [_TRACK(one.track) for one in met],
        "pair": [_PAIR(one.pair) for one in met],
    }
    values = np.empty((len(met), len(RANKING_FEATURES)))
    start = 0
    for group, names in GROUPS.items():
        values[:, start : start + len(names)] = blocks[group]
        start += len(names)
    return values


def items_of(bundle: Bundle) -> ItemOf:
    """What a bundle knows of a track id."""

    def item_of(track_id: str) -> Item | None:
        row = bundle.row_of(track_id)
        return None if row is None else bundle.item(row)

    return item_of


def unplayed() -> dict[str, float]:
    """`TRACK_FEATURES` of a track that nobody has played."""
    return track_features(TrackCounts(), 0)


_SOURCE = {source: tuple(float(source == one) for one in SOURCES) for source in (None, *SOURCES)}
_NOT_SHOWN = (MISSING, *_SOURCE[None], MISSING)


def _retrieval(shown: Shown | None) -> tuple[float, ...]:
    if shown is None:
        return _NOT_SHOWN
    return (shown.score, *_SOURCE[shown.source], shown.place)


def _item(item: Item | None, today: int) -> tuple[float, float]:
    if item is None:
        return MISSING, MISSING
    age = min(max(today - item.released_on, 0.0), OLDEST_DAYS) if item.released_on else MISSING
    return age, item.duration_ms / 1000


def _moment(user: Mapping[str, float], now_ms: int, is_recommended: bool) -> tuple[float, ...]:
    angle = now_ms % DAY_MS / DAY_MS * math.tau
    cos, sin = math.cos(angle), math.sin(angle)
    match = cos * user["user_hour_cos"] + sin * user["user_hour_sin"]
    is_weekend = datetime.fromtimestamp(now_ms / 1000, UTC).weekday() >= 5
    return float(is_recommended), cos, sin, match, float(is_weekend)
