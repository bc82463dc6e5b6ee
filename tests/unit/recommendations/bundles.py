"""A bundle in plain Python, exact and slow, and catalogues to put in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.platform.ids import content_id
from shared.recommendations.items import DIMENSIONS, Item, Scored, Taste, Why

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix, Vector

TODAY = 20_780  # 2026-11-23, a Monday
REGULARIZATION = 0.1


@dataclass
class PlainBundle:
    """Implements `items.Bundle`. `follows` is what comes after a row, best first."""

    items: Sequence[Item]
    vectors: Matrix
    follows: Mapping[int, Sequence[int]] = field(default_factory=dict)
    version: str = "20261122T000000Z-00000000"
    built_at: datetime = datetime(2026, 11, 22, tzinfo=UTC)
    settings: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {item.track_id: row for row, item in enumerate(self.items)}

    @cached_property
    def _likeness(self) -> Matrix:
        lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        unit = self.vectors / np.where(lengths > 0, lengths, 1)
        likeness: Matrix = (unit @ unit.T).astype(np.float32)
        np.fill_diagonal(likeness, -1)
        return likeness

    def __len__(self) -> int:
        return len(self.items)

    def row_of(self, track_id: str) -> int | None:
        return self._rows.get(track_id)

    def item(self, row: int) -> Item:
        return self.items[row]

    def vector(self, row: int) -> Vector:
        found: Vector = self.vectors[row]
        return found

    def nearest(
        self, vector: Vector, count: int, *, without: Collection[int] = ()
    ) -> list[tuple[int, float]]:
        products = self.vectors @ vector
        order = np.argsort(-products, kind="stable")
        found = [(int(row), float(products[row])) for row in order if int(row) not in without]
        return found[:count]

    def neighbours(self, row: int) -> Sequence[tuple[int, float]]:
        order = np.argsort(-self._likeness[row], kind="stable")[:100]
        return [
            (int(one), float(self._likeness[row][one]))
            for one in order
            if self._likeness[row][one] > 0.3
        ]

    def fold_in(self, confidences: Mapping[int, float]) -> Vector:
        if not confidences:
            return np.zeros(self.vectors.shape[1], dtype=np.float32)
        rows, weights = list(confidences), np.array(list(confidences.values()))
        of = self.vectors[rows]
        gramian = of.T @ (of * weights[:, None]) + REGULARIZATION * np.eye(of.shape[1])
        return np.linalg.solve(gramian, of.T @ weights).astype(np.float32)

    def next_after(self, session: Sequence[int], count: int) -> list[tuple[int, float]]:
        rows = self.follows.get(session[-1], ()) if session else ()
        return [(row, 1.0 / (place + 1)) for place, row in enumerate(rows[:count])]

    def _ranked(self, wanted: Any) -> list[int]:
        rows = [row for row, item in enumerate(self.items) if wanted(item)]
        return sorted(rows, key=lambda row: (-self.items[row].popularity, row))

    def popular(self, market: str | None, count: int) -> Sequence[int]:
        def playable(item: Item) -> bool:
            if item.blocked_in & {"*", market}:
                return False
            return market is None or item.markets is None or market in item.markets

        return self._ranked(playable)[:count]

    @cached_property
    def _by_artist(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row in self._ranked(lambda _: True):
            for artist in self.items[row].artist_ids:
                found.setdefault(artist, []).append(row)
        return found

    def of_artist(self, artist_id: str) -> Sequence[int]:
        return self._by_artist.get(artist_id, ())

    def of_genre(self, genre: str) -> Sequence[int]:
        return self._ranked(lambda item: genre in item.genres)

    def of_album(self, album_id: str) -> Sequence[int]:
        return [row for row, item in enumerate(self.items) if item.album_id == album_id]

    def similar_artists(self, artist_id: str, count: int) -> list[tuple[str, float]]:
        own = self.of_artist(artist_id)
        if not own:
            return []
        found: dict[str, float] = {}
        for row, item in enumerate(self.items):
            likeness = float(self._likeness[own[0]][row])
            for other in item.artist_ids:
                if other != artist_id:
                    found[other] = max(found.get(other, -1.0), likeness)
        best = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
        return [pair for pair in best if pair[1] > 0.3][:count]

    def released_since(self, day: int) -> Sequence[int]:
        rows = [row for row, item in enumerate(self.items) if item.released_on >= day]
        return sorted(rows, key=lambda row: (-self.items[row].released_on, row))


def track_id(number: int) -> str:
    return content_id("recommended track", str(number))


def artist_id(number: int) -> str:
    return content_id("recommended artist", str(number))


def an_item(number: int, **changes: Any) -> Item:
    """Track `number`, by artist `number // 4` and from their one album."""
    artist = number // 4
    fields: dict[str, Any] = {
        "track_id": track_id(number),
        "name": f"Track {number}",
        "artist_ids": (artist_id(artist),),
        "artist_names": (f"Artist {artist}",),
        "album_id": content_id("recommended album", str(artist)),
        "genres": ("pop",),
        "recording": f"REC{number}",
        "duration_ms": 180_000 + number,
        "released_on": TODAY - 1_000,
        "popularity": 50,
        "plays": 1_000,
    }
    return Item(**{**fields, **changes})


def a_world(
    genres: int = 4, artists: int = 15, tracks: int = 4, seed: int = 7, **changes: Any
) -> PlainBundle:
    """A catalogue of `genres`, each with `artists` of `tracks`, whose vectors lie around their
    genre's direction. A tenth of the tracks are new, popularity is drawn."""
    generator = np.random.default_rng(seed)
    centres = np.eye(genres, DIMENSIONS)
    items, vectors = [], []
    for number in range(genres * artists * tracks):
        genre = number // (artists * tracks)
        vectors.append(centres[genre] + generator.normal(0, 0.04, DIMENSIONS))
        is_new = generator.random() < 0.1
        items.append(
            an_item(
                number,
                artist_ids=(artist_id(number // tracks),),
                artist_names=(f"Artist {number // tracks}",),
                album_id=content_id("recommended album", str(number // tracks)),
                genres=(f"genre {genre}",),
                popularity=int(generator.integers(0, 100)),
                released_on=TODAY - int(generator.integers(0, 20)) if is_new else TODAY - 1_000,
                **changes,
            )
        )
    matrix: Matrix = np.array(vectors, dtype=np.float32)
    return PlainBundle(items, matrix)


def a_taste(bundle: PlainBundle, liked: Mapping[int, float], **changes: Any) -> Taste:
    """Somebody who likes, and has heard, these rows."""
    ids = {bundle.item(row).track_id: confidence for row, confidence in liked.items()}
    fields: dict[str, Any] = {
        "user_id": "somebody",
        "country": "DE",
        "confidences": ids,
        "heard": dict.fromkeys(ids, 1),
        "recent": tuple(ids),
    }
    return Taste(**{**fields, **changes})


def scored(bundle: PlainBundle, row: int, score: float = 1.0) -> Scored:
    return Scored(row, bundle.item(row), score, "collaborative", Why("listeners_like_you"))
