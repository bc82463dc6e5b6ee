"""A bundle from its parts: everything that serving needs of one version, written once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.recommendations.index.arrays import Lists, save
from shared.recommendations.index.artifact import FORMAT
from shared.recommendations.index.facts import Facts
from shared.recommendations.index.nearest import Nearest
from shared.recommendations.index.postings import Popular, Postings, Released, grouped
from shared.recommendations.index.vectors import Vectors
from shared.recommendations.items import DIMENSIONS, NEIGHBOURS_KEPT, FoldIn, Item
from shared.recommendations.sequence.model import SequenceModel

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix

HEADER = "bundle.json"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a bundle is made of; row n of everything is `items[n]`.

    `vectors` are (items, DIMENSIONS) in float32, zeros for a track of which nothing is known.
    `neighbours` are rows (items, up to NEIGHBOURS_KEPT) in int32, best first and padded with -1,
    and their weights > 0 in float32. `sequence` are the arrays of the sequence model. `queries`
    are vectors of people, some hundred by chance, on which the index is tuned; without them it is
    tuned on vectors of tracks. `settings` are numbers that training found and serving needs.
    """

    items: Sequence[Item]
    vectors: Matrix
    neighbours: tuple[NDArray[np.int32], NDArray[np.float32]]
    fold_in: FoldIn
    sequence: Mapping[str, NDArray[Any]] | None
    built_at: datetime
    queries: Matrix | None = None
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Built:
    """A bundle in a folder. `recalls` are those of the index by count, as it was tuned; none
    where it searches exactly."""

    folder: Path
    version: str
    built_at: datetime
    counts: Mapping[str, int]
    size_bytes: int
    recalls: Mapping[int, float]


def build(parts: Parts, folder: Path, version: str, *, seed: int = 0) -> Built:
    """Writes the bundle `version` of `parts` to `folder`, which is made. Raises ValueError for
    parts that do not fit together, and FileExistsError for a folder that holds something."""
    _check(parts)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; a bundle needs a folder of its own")
    rows = Facts.save(folder, parts.items)
    order = np.lexsort((-rows["plays"], -rows["popularity"])).tolist()
    by_artist = grouped((one.artist_ids for one in parts.items), order)
    by_genre = grouped((one.genres for one in parts.items), order)
    by_album = grouped((one.album_id,) for one in parts.items)
    Postings.save(folder, "artists", by_artist)
    Postings.save(folder, "genres", by_genre)
    Postings.save(folder, "albums", by_album)
    Popular.save(folder, rows)
    Released.save(folder, rows)
    _save_neighbours(folder, *parts.neighbours)
    vectors = np.ascontiguousarray(parts.vectors, np.float32)
    Nearest.save(folder, "vectors", vectors, parts.queries, seed=seed)
    Nearest.save(folder, "artist_vectors", _directions(vectors, by_artist), seed=seed)
    save(folder, "gramian", Vectors(folder, "vectors").gramian(), np.float64)
    for name, array in (parts.sequence or {}).items():
        save(folder, f"sequence.{name}", array)
    counts = {
        "tracks": len(parts.items),
        "artists": len(by_artist),
        "genres": len(by_genre),
        "albums": len(by_album),
    }
    header = {
        "format": FORMAT,
        "version": version,
        "built_at": parts.built_at.astimezone(UTC).isoformat(),
        "fold_in": asdict(parts.fold_in),
        "sequence": None if parts.sequence is None else sorted(parts.sequence),
        "settings": dict(parts.settings),
        "counts": counts,
    }
    (folder / HEADER).write_text(json.dumps(header, indent=2) + "\n")
    efforts = Nearest(folder, "vectors").efforts
    return Built(
        folder=folder,
        version=version,
        built_at=parts.built_at,
        counts=counts,
        size_bytes=sum(one.stat().st_size for one in folder.iterdir()),
        recalls={one.count: one.recall for one in efforts},
    )


def _check(parts: Parts) -> None:
    count = len(parts.items)
    if parts.vectors.shape != (count, DIMENSIONS):
        raise ValueError(
            f"vectors are of shape {parts.vectors.shape}, expected was ({count}, {DIMENSIONS})"
        )
    indices, weights = parts.neighbours
    if indices.shape != weights.shape or indices.ndim != 2 or len(indices) != count:
        raise ValueError(
            f"neighbours are of shapes {indices.shape} and {weights.shape}, expected was "
            f"({count}, at most {NEIGHBOURS_KEPT}) of both"
        )
    if indices.shape[1] > NEIGHBOURS_KEPT:
        raise ValueError(f"a track has {indices.shape[1]} neighbours; give {NEIGHBOURS_KEPT}")
    if indices.size and not -1 <= indices.min() <= indices.max() < count:
        raise ValueError(f"a neighbour is not one of the rows 0..{count - 1}, nor -1 for none")
    there = weights[indices >= 0]
    if not (np.isfinite(there) & (there > 0)).all():
        raise ValueError("a neighbour's weight is not a finite number above 0; leave it out (-1)")
    if parts.sequence is not None and (known := len(SequenceModel(parts.sequence))) != count:
        raise ValueError(f"the sequence model knows {known} tracks, expected were {count}")
    if parts.built_at.tzinfo is None:
        raise ValueError("built_at has no time zone; give it in UTC")


def _save_neighbours(
    folder: Path, indices: NDArray[np.int32], weights: NDArray[np.float32]
) -> None:
    """Writes them without the padding, weights as half floats of the greatest: 11 bits of each."""
    there = indices >= 0
    greatest = float(weights[there].max(initial=0.0)) or 1.0
    least = np.finfo(np.float16).smallest_subnormal  # above 0 they stay
    halves = np.maximum((weights[there] / greatest).astype(np.float16), least)
    Lists.save(folder, "neighbours", there.sum(axis=1), indices[there], np.int32)
    save(folder, "neighbours.weights", halves, np.float16)
    save(folder, "neighbours.greatest", [greatest], np.float64)


def _directions(vectors: Matrix, by_artist: Mapping[str, Sequence[int]]) -> Matrix:
    """Of each artist the mean direction of their tracks, of length 1; zeros where nothing is known:
    so an inner product is a cosine, and a track that many play counts no more than another."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found = np.zeros((len(by_artist), vectors.shape[1]), np.float32)
    for number, rows in enumerate(by_artist.values()):
        some = np.asarray(rows)
        mean = (vectors[some] / np.where(lengths[some] > 0, lengths[some], 1)).mean(axis=0)
        found[number] = mean / (np.linalg.norm(mean) or 1)
    return found
