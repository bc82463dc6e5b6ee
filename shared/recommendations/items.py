"""The terms in which everything here is recommended: items, tastes, candidates and reasons.

A *row* is a track's number in one bundle (`Bundle`); a track id is for ever. Vectors are float32
of `DIMENSIONS`; the score of a track for a person is the inner product of theirs (F191).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]  # (DIMENSIONS,)
    Matrix = NDArray[np.float32]  # (rows, DIMENSIONS)

DIMENSIONS = 128  # F191, F192
NEIGHBOURS_KEPT = 100  # of each track
# What a training finds and retrieval needs, by its name in a bundle's settings: the share of the
# neighbours' score in the joint one, and whether confidences count as they are (1) or as one (0).
NEIGHBOURS_SHARE = "neighbours_share"
IS_GRADED = "is_graded"
CANDIDATES = 1_000  # retrieved for a list (F195)


@dataclass(frozen=True, slots=True)
class Item:
    """What the rules and the ranking know of a track, without a read.

    `released_on` counts days since 1970 (0: unknown), `markets` is where it may be played (None:
    everywhere), `blocked_in` takes away from them (`*`: everywhere), `recording` is equal for the
    same recording on several releases, `popularity` is 0..100, `plays` how often it was played.
    """

    track_id: str
    name: str
    artist_ids: tuple[str, ...]
    artist_names: tuple[str, ...]
    album_id: str
    genres: tuple[str, ...]
    recording: str
    duration_ms: int
    released_on: int = 0
    popularity: int = 0
    plays: int = 0
    is_explicit: bool = False
    markets: frozenset[str] | None = None
    blocked_in: frozenset[str] = frozenset()


Source = Literal[
    "collaborative",  # nearest to the person's vector
    "neighbours",  # of what they played
    "content",  # sounds like what they played
    "sequence",  # comes next in their session
    "followed",  # by an artist whom they follow
    "similar_artist",
    "fresh",  # new tracks that nobody knows yet
    "popular",
]

ReasonKind = Literal[
    "because_you_played",  # subject: a track
    "because_you_follow",  # subject: an artist
    "similar_to_artist",  # subject: an artist
    "from_your_mix",  # subject: a genre, or none
    "sounds_like",  # subject: a track
    "often_played_next",  # subject: a track
    "listeners_like_you",
    "new_release",
    "popular_here",
    "something_new",  # exploration
    "your_seed",  # subject: the track that a radio starts from
]


@dataclass(frozen=True, slots=True)
class Why:
    """Why an item is recommended. `subject` is an id of the kind that the reason speaks of, and
    `subject_name` how it is called; both None where the reason speaks of nothing."""

    kind: ReasonKind
    subject: str | None = None
    subject_name: str | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate: a row of a bundle, the item in it, a score (higher is better; comparable within
    one list alone), where it came from and why it is here. `retrieved` is the score that retrieval
    gave it, by one scale for all lists; None for what was not retrieved for a taste."""

    row: int
    item: Item
    score: float
    source: Source
    why: Why
    retrieved: float | None = None


@dataclass(frozen=True, slots=True)
class Taste:
    """What is known of a person when a list is made for them.

    `confidences` are how surely they like each track (> 0; `shared.signals.preferences`), `heard`
    when they last heard each (ms since the epoch), `hidden` ids of tracks, albums,
    artists and playlists that they do not want, `recent` the newest tracks first, `features` those
    of `shared.signals.features`.
    """

    user_id: str
    country: str | None = None
    allows_explicit: bool = True
    confidences: Mapping[str, float] = field(default_factory=dict)
    heard: Mapping[str, int] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    followed_artists: frozenset[str] = frozenset()
    recent: tuple[str, ...] = ()
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoldIn:
    """The hyper-parameters of the factorisation (Rendle et al. 2021, "Revisiting the Performance
    of iALS"), which a new person's or track's vector must be solved with as well.

    loss = sum over the observed of c (1 - x.y)^2 + a0 * sum over all of (x.y)^2
           + lambda * sum over the vectors of (n + a0 * N)^nu * |x|^2

    where n counts what a vector has been observed with and N how many it could have been.
    """

    unobserved_weight: float  # a0
    regularization: float  # lambda
    frequency_exponent: float  # nu


class Bundle(Protocol):
    """Everything that serving needs of one version, memory-mapped and immutable. Rows are
    0..len - 1; unknown ids are answered with None or nothing."""

    @property
    def version(self) -> str: ...

    @property
    def built_at(self) -> datetime: ...

    @property
    def settings(self) -> Mapping[str, float]:
        """What training found and retrieval needs."""

    def __len__(self) -> int: ...

    def row_of(self, track_id: str) -> int | None:
        """The row of a track."""

    def item(self, row: int) -> Item:
        """What is known of a track."""

    def vector(self, row: int) -> Vector:
        """Its vector."""

    def nearest(
        self, vector: Vector, count: int, *, without: Collection[int] = ()
    ) -> list[tuple[int, float]]:
        """The rows with the greatest inner products, best first, with those (approximate search;
        recall@100 of at least 0.95)."""

    def neighbours(self, row: int) -> Sequence[tuple[int, float]]:
        """At most `NEIGHBOURS_KEPT` rows that people who like this one like, best first, with
        weights > 0."""

    def fold_in(self, confidences: Mapping[int, float]) -> Vector:
        """The vector of a person who likes these rows so surely (> 0); zeros for none."""

    def next_after(self, session: Sequence[int], count: int) -> list[tuple[int, float]]:
        """What the sequence model expects after these rows (the newest last), best first; nothing
        where there is no such model."""

    def popular(self, market: str | None, count: int) -> Sequence[int]:
        """The most played rows that may be played in `market`, best first."""

    def of_artist(self, artist_id: str) -> Sequence[int]:
        """An artist's rows, the most popular first."""

    def of_genre(self, genre: str) -> Sequence[int]:
        """A genre's rows, the most popular first."""

    def of_album(self, album_id: str) -> Sequence[int]:
        """An album's rows."""

    def similar_artists(self, artist_id: str, count: int) -> list[tuple[str, float]]:
        """Artists whose tracks lie near to this artist's, best first."""

    def released_since(self, day: int) -> Sequence[int]:
        """Rows that were released on `day` (days since 1970) or later, newest first."""
