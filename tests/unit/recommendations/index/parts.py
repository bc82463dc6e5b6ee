"""Parts of bundles, made by chance, and a bundle that answers from them in the plainest way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.recommendations.index.building import Parts
from shared.recommendations.items import DIMENSIONS, FoldIn, Item

BUILT_AT = datetime(2026, 11, 22, 3, tzinfo=UTC)
FOLD_IN = FoldIn(unobserved_weight=0.1, regularization=0.01, frequency_exponent=1.0)
words = st.text(max_size=8)
ids = st.sampled_from(["a", "b", "c", "ä ö", "夜", ""])
markets = st.frozensets(st.sampled_from(["DE", "FR", "US"]))


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    """Tracks that share artists, albums, genres, markets and days."""
    track_ids = draw(st.lists(words, unique=True, max_size=12))
    return [
        Item(
            track_id=track_id,
            name=draw(words),
            artist_ids=tuple(draw(st.lists(ids, max_size=3))),
            artist_names=tuple(draw(st.lists(words, max_size=3))),
            album_id=draw(ids),
            genres=tuple(draw(st.lists(ids, max_size=3))),
            recording=draw(words),
            duration_ms=draw(st.integers(0, 2**40)),
            released_on=draw(st.integers(-3, 3)),
            popularity=draw(st.integers(0, 3)),
            plays=draw(st.sampled_from([0, 1, 2, 2**40])),
            is_explicit=draw(st.booleans()),
            markets=draw(st.none() | markets),
            blocked_in=draw(markets | st.just(frozenset("*"))),
        )
        for track_id in track_ids
    ]


def parts(
    items: Sequence[Item],
    vectors: NDArray[np.float32] | None = None,
    *,
    seed: int = 0,
    neighbours: int = 3,
    sequence: Mapping[str, NDArray[Any]] | None = None,
) -> Parts:
    """Parts with vectors and neighbours by chance; the vector of every fifth track is unknown."""
    generator = np.random.default_rng(seed)
    count = len(items)
    if vectors is None:
        vectors = generator.standard_normal((count, DIMENSIONS)).astype(np.float32)
        vectors[::5] = 0
    indices = np.full((count, neighbours), -1, np.int32)
    for row in range(count):
        some = generator.permutation(count)[: generator.integers(neighbours + 1)]
        indices[row, : len(some)] = some
    weights = -np.sort(-generator.uniform(1e-9, 7, indices.shape)).astype(np.float32)
    return Parts(items, vectors, (indices, weights), FOLD_IN, sequence, BUILT_AT)


def many(count: int) -> list[Item]:
    """Tracks 0..count - 1, ten of each artist, each more played than the one before."""
    return [
        Item(
            track_id=f"track{row:06}",
            name=f"Track {row}",
            artist_ids=(f"artist{row // 10}",),
            artist_names=(f"Artist {row // 10}",),
            album_id=f"album{row // 10}",
            genres=("pop",),
            recording=f"recording{row}",
            duration_ms=200_000,
            plays=row,
        )
        for row in range(count)
    ]


def decaying(
    count: int, queries: int, *, exponent: float = 1.0, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors and queries of DIMENSIONS like those of a factorisation: independent normals whose
    k-th deviation is k^-exponent, turned by chance so that no axis is special."""
    generator = np.random.default_rng(seed)
    spectrum = np.arange(1, DIMENSIONS + 1) ** -exponent
    turn, _ = np.linalg.qr(generator.standard_normal((DIMENSIONS, DIMENSIONS)))
    both = (generator.standard_normal((count + queries, DIMENSIONS)) * spectrum) @ turn
    return both[:count].astype(np.float32), both[count:].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Plain:
    """What `Bundle` says of each answer, word by word, over lists."""

    parts: Parts

    def row_of(self, track_id: str) -> int | None:
        found = [row for row, one in enumerate(self.parts.items) if one.track_id == track_id]
        return found[0] if found else None

    def nearest(
        self, vector: NDArray[np.float32], count: int, *, without: Collection[int] = ()
    ) -> list[tuple[int, float]]:
        scores = (self.parts.vectors.astype(np.float64) @ vector).tolist()
        order = sorted(range(len(scores)), key=lambda row: (-scores[row], row))
        return [(row, scores[row]) for row in order if row not in without][:count]

    def neighbours(self, row: int) -> list[tuple[int, float]]:
        indices, weights = self.parts.neighbours
        pairs = zip(indices[row].tolist(), weights[row].tolist(), strict=True)
        return [pair for pair in pairs if pair[0] >= 0]

    def popular(self, market: str | None) -> list[int]:
        def may_be_played(one: Item) -> bool:
            if "*" in one.blocked_in or one.markets == frozenset():
                return False
            if market is None:
                return True
            return market not in one.blocked_in and (one.markets is None or market in one.markets)

        rows = [row for row, one in enumerate(self.parts.items) if may_be_played(one)]
        items = self.parts.items
        return sorted(rows, key=lambda row: (-items[row].plays, -items[row].popularity, row))

    def most_popular(self, rows: Collection[int]) -> list[int]:
        items = self.parts.items
        return sorted(rows, key=lambda row: (-items[row].popularity, -items[row].plays, row))

    def of_artist(self, key: str) -> list[int]:
        rows = [row for row, one in enumerate(self.parts.items) if key and key in one.artist_ids]
        return self.most_popular(rows)

    def of_genre(self, key: str) -> list[int]:
        rows = [row for row, one in enumerate(self.parts.items) if key and key in one.genres]
        return self.most_popular(rows)

    def of_album(self, key: str) -> list[int]:
        return [row for row, one in enumerate(self.parts.items) if key and key == one.album_id]

    def released_since(self, day: int) -> list[int]:
        items = self.parts.items
        rows = [row for row, one in enumerate(items) if one.released_on and one.released_on >= day]
        return sorted(self.most_popular(rows), key=lambda row: -items[row].released_on)

    def similar_artists(self, key: str) -> dict[str, float]:
        known = {one: self._direction(one) for item in self.parts.items for one in item.artist_ids}
        if key not in known or not key:
            return {}
        cosines = {one: float(known[one] @ known[key]) for one in known if one and one != key}
        return {one: cosine for one, cosine in cosines.items() if cosine > 0}

    def _direction(self, key: str) -> NDArray[np.float64]:
        vectors = self.parts.vectors[self.of_artist(key)].astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        total = (vectors / np.where(lengths, lengths, 1)).sum(axis=0)
        return np.asarray(total / (np.linalg.norm(total) or 1))
