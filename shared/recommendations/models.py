"""What recommendations are asked with, and what they answer with and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.analysis.models import AudioFeatures
from shared.catalog.models import Track

SeedKind = Literal["artist", "genre", "track"]
MAX_SEEDS = 5
MAX_TRACKS = 100


@dataclass(frozen=True, slots=True)
class Attribute:
    """A tunable attribute of a track: the range that the Web API documents (None: open), and the
    difference at which two values are as far apart as can be (`span`)."""

    name: str
    is_whole: bool
    low: int | None
    high: int | None
    span: float
    is_circular: bool = False  # pitch classes: 11 is next to 0


def _share(name: str) -> Attribute:
    return Attribute(name, False, 0, 1, 1.0)


ATTRIBUTES: dict[str, Attribute] = {
    one.name: one
    for one in (
        _share("acousticness"),
        _share("danceability"),
        Attribute("duration_ms", True, None, None, 300_000),
        _share("energy"),
        _share("instrumentalness"),
        Attribute("key", True, 0, 11, 6, is_circular=True),
        _share("liveness"),
        Attribute("loudness", False, None, None, 60),
        Attribute("mode", True, 0, 1, 1),
        Attribute("popularity", True, 0, 100, 100),
        _share("speechiness"),
        Attribute("tempo", False, None, None, 100),
        Attribute("time_signature", True, None, None, 4),
        _share("valence"),
    )
}

Values = Mapping[str, float]  # by attribute name


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is asked of every track: hard floors and ceilings, and targets to come near to."""

    minimum: Values
    maximum: Values
    target: Values


@dataclass(frozen=True, slots=True)
class Seed:
    """An artist, a genre or a track to start from; `id` of a genre is its name."""

    kind: SeedKind
    id: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A track that might be recommended; `features` is None where nobody has analysed it."""

    track: Track
    features: AudioFeatures | None

    @property
    def values(self) -> Values:
        """Those of its attributes that are known."""
        known: dict[str, float] = {
            "popularity": self.track.popularity,
            "duration_ms": self.track.duration_ms,
        }
        if self.features is not None:
            for name in ATTRIBUTES.keys() - known.keys():
                known[name] = getattr(self.features, name)
            if self.features.key < 0:
                del known["key"]
        return known


Origin = Literal[
    "by seed artist", "of like artists", "of genre", "sounds alike", "liked by the same people"
]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a track was considered: through which seed, and how it hangs together with it."""

    seed: Seed
    origin: Origin


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommended track: `score` 0..1, higher is nearer to what was asked; `distances` are
    what it is made of, 0..1 by attribute."""

    track: Track
    score: float
    distances: Values
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class SeedPool:
    """How many tracks a seed offered, how many of them are within the floors and ceilings, and
    how many of those are released in the market."""

    seed: Seed
    initial: int
    after_filtering: int
    after_relinking: int


@dataclass(frozen=True, slots=True)
class Recommendations:
    """The tracks, best first, and what each seed offered."""

    tracks: tuple[Recommendation, ...]
    pools: tuple[SeedPool, ...]
