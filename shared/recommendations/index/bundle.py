"""One version of everything that serving needs, opened: `shared.recommendations.items.Bundle`.

Nothing of it changes, and nothing is read before it is asked for, but the short codes of the
vectors; so any number of threads may read, and a million tracks open at once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shared.artifacts.opening import Broken
from shared.recommendations.collaborative.folding import penalties
from shared.recommendations.index.arrays import Lists, mapped
from shared.recommendations.index.artifact import FORMAT
from shared.recommendations.index.building import HEADER
from shared.recommendations.index.facts import Facts
from shared.recommendations.index.nearest import Nearest
from shared.recommendations.index.postings import Popular, Postings, Released
from shared.recommendations.items import FoldIn, Item
from shared.recommendations.sequence.model import SequenceModel

if TYPE_CHECKING:
    from shared.recommendations.items import Vector


class BrokenBundle(Broken):
    """A folder holds no bundle that this code can read; the text says why."""


def open_bundle(folder: Path) -> MappedBundle:
    """The bundle that `building.build` wrote to `folder`. Raises BrokenBundle."""
    try:
        return MappedBundle(folder)
    except (OSError, EOFError, ValueError, LookupError, TypeError, RuntimeError) as error:
        raise BrokenBundle(f"{folder.name}: {error}") from error


class MappedBundle:
    """The bundle of a folder; see `Bundle` for what is asked of it."""

    def __init__(self, folder: Path) -> None:
        header = json.loads((folder / HEADER).read_text())
        if header["format"] != FORMAT:
            raise ValueError(f"its format is {header['format']}, known is {FORMAT}")
        self._version: str = header["version"]
        self._built_at = datetime.fromisoformat(header["built_at"])
        self._fold_in = FoldIn(**header["fold_in"])
        self.settings: Mapping[str, float] = header["settings"]
        self._facts = Facts(folder)
        self._nearest = Nearest(folder, "vectors")
        self._artist_vectors = Nearest(folder, "artist_vectors")
        self._gramian = mapped(folder, "gramian")
        self._neighbours = Lists(folder, "neighbours")
        self._weights = Lists(folder, "neighbours", values="neighbours.weights")
        self._greatest = float(mapped(folder, "neighbours.greatest")[0])
        self._artists = Postings(folder, "artists")
        self._genres = Postings(folder, "genres")
        self._albums = Postings(folder, "albums")
        self._popular = Popular(folder, self._facts)
        self._released = Released(folder)
        self._sequence: SequenceModel | None = None
        if header["sequence"] is not None:
            arrays = {name: mapped(folder, f"sequence.{name}") for name in header["sequence"]}
            self._sequence = SequenceModel(arrays)
        if not len(self._facts) == len(self._nearest.vectors) == len(self._neighbours):
            raise ValueError("its files are not of as many tracks")

    @property
    def version(self) -> str:
        """The name of the version."""
        return self._version

    @property
    def built_at(self) -> datetime:
        """When what is in it was read."""
        return self._built_at

    def __len__(self) -> int:
        return len(self._facts)

    def row_of(self, track_id: str) -> int | None:
        """The row of a track."""
        return self._facts.row_of(track_id)

    def item(self, row: int) -> Item:
        """What is known of a track. Raises IndexError for a row that is not here."""
        return self._facts[row]

    def vector(self, row: int) -> Vector:
        """Its vector."""
        return self._nearest.vectors[row]

    def nearest(
        self, vector: Vector, count: int, *, without: Collection[int] = ()
    ) -> list[tuple[int, float]]:
        """The rows with the greatest inner products, best first, with those; nothing for zeros.
        Raises ValueError for a vector that is not finite."""
        return self._nearest.search(vector, count, without=without)

    def recall(self, rows: Iterable[int], count: int = 100) -> float:
        """How much of what is nearest to the vectors of `rows` is found, 0..1."""
        return self._nearest.recall([self.vector(row) for row in rows], count)

    def neighbours(self, row: int) -> Sequence[tuple[int, float]]:
        """Rows that people who like this one like, best first, with weights > 0 (to 11 bits)."""
        rows = self._neighbours[row].tolist()
        weights = (self._weights[row].astype(np.float64) * self._greatest).tolist()
        return list(zip(rows, weights, strict=True))

    def fold_in(self, confidences: Mapping[int, float]) -> Vector:
        """The vector of a person who likes these rows so surely (> 0); zeros for none."""
        if not confidences:
            return np.zeros(self._nearest.vectors.dimensions, np.float32)
        rows = np.fromiter(confidences, np.int64, len(confidences))
        weights = np.fromiter(confidences.values(), np.float64, len(confidences))
        known = self._nearest.vectors.take(rows).astype(np.float64)
        # As `collaborative.folding`, which turns the vectors of all tracks first: worth it for many
        # people, and a hundred times as long for one.
        system = self._fold_in.unobserved_weight * self._gramian + (known.T * weights) @ known
        penalty = penalties(np.array([len(rows)]), len(self), self._fold_in)
        system[np.diag_indices_from(system)] += penalty
        solved: Vector = np.linalg.solve(system, weights @ known).astype(np.float32)
        return solved

    def next_after(self, session: Sequence[int], count: int) -> list[tuple[int, float]]:
        """What the sequence model expects after these rows (the newest last), best first; nothing
        where there is no such model."""
        return [] if self._sequence is None else self._sequence.next_after(session, count)

    def popular(self, market: str | None, count: int) -> Sequence[int]:
        """The most played rows that may be played in `market` (None: anywhere), best first."""
        return self._popular.rows(market, count)

    def of_artist(self, artist_id: str) -> Sequence[int]:
        """An artist's rows, the most popular first."""
        return self._artists[artist_id]

    def of_genre(self, genre: str) -> Sequence[int]:
        """A genre's rows, the most popular first."""
        return self._genres[genre]

    def of_album(self, album_id: str) -> Sequence[int]:
        """An album's rows, as they are numbered."""
        return self._albums[album_id]

    def similar_artists(self, artist_id: str, count: int) -> list[tuple[str, float]]:
        """Artists whose tracks lie near to this artist's, best first, with cosines > 0."""
        number = self._artists.number_of(artist_id)
        if number is None:
            return []
        own = self._artist_vectors.vectors[number]
        found = self._artist_vectors.search(own, count, without=(number,))
        return [(self._artists.keys[one], score) for one, score in found if score > 0]

    def released_since(self, day: int) -> Sequence[int]:
        """Rows that were released on `day` or later, newest first; without those of no known
        day."""
        return self._released.since(day)
