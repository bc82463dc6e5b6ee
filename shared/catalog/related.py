"""Which artists are like another one. Pure.

Two things count: playing together, and playing the same. Of a candidate's score 0.6 is
`together / (together + 2)`, where `together` is on how many of the artist's tracks the candidate
is, and 0.4 is the Jaccard index of the two artists' genres (shared genres by all genres of both).
Whoever has neither in common is not related; equals are ordered by popularity, then by id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.catalog.models import Artist

MAX_RELATED = 20  # as in the Web API
TOGETHER_WEIGHT = 0.6
GENRES_WEIGHT = 0.4
HALF_TOGETHER = 2  # so many common tracks are half of all that common tracks can give


@dataclass(frozen=True, slots=True)
class Relation:
    """An artist who is like another, and why."""

    artist: Artist
    tracks_together: int
    genres_shared: float  # Jaccard index, 0..1

    @property
    def score(self) -> float:
        """0..1, higher is more alike."""
        together = self.tracks_together / (self.tracks_together + HALF_TOGETHER)
        return TOGETHER_WEIGHT * together + GENRES_WEIGHT * self.genres_shared


def related(
    artist: Artist, tracks: Iterable[Sequence[str]], candidates: Iterable[Artist]
) -> list[Relation]:
    """Those of `candidates` who are related to `artist`, most alike first, at most `MAX_RELATED`;
    `tracks` are the artist ids of each of the artist's tracks."""
    together = Counter(other for ids in tracks for other in set(ids))
    own = set(artist.genres)
    relations = [
        Relation(other, together[other.id], _jaccard(own, set(other.genres)))
        for other in {one.id: one for one in candidates}.values()
        if other.id != artist.id
    ]
    alike = [one for one in relations if one.score > 0]
    alike.sort(key=lambda one: (-one.score, -one.artist.popularity, one.artist.id))
    return alike[:MAX_RELATED]


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0
