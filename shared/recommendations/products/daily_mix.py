"""Daily Mix: up to six lists, one for each side of a person's taste, of what they know and what
goes with it (F202).

What they like most is clustered by its vectors: agglomerative, with average linkage of cosine
distances, which needs no seed and no starting point. The number of clusters is the one with the
best mean silhouette (Rousseeuw 1987); one mix where no division is better than none. A mix is named
by the genres that mark it, and keeps its number from day to day as long as its artists do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from shared.recommendations.items import Bundle, Scored, Taste, Why
from shared.recommendations.lists import MadeList, listed
from shared.recommendations.products.choosing import Order, as_retrieved, known_rows
from shared.recommendations.retrieval import Start, candidates, rows_of, top_artists
from shared.recommendations.rules import DAILY_MIX, apply

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_MIXES = 6
TRACKS = 50
KNOWN_SHARE = 0.5  # of a mix, at most
CLUSTERED = 200  # of the liked tracks, the surest
LEAST_LIKED = 5  # tracks of a cluster that make a mix
LEAST_TRACKS = 10  # of a mix that is worth showing
# A division must be this clear: below a quarter Kaufman and Rousseeuw (1990) see no structure.
LEAST_SILHOUETTE = 0.25
ANCHORS = 10


@dataclass(frozen=True, slots=True)
class Cluster:
    """A side of somebody's taste: rows with confidences, its artists (the surest first) and the
    genres that mark it."""

    liked: Mapping[int, float]
    artists: tuple[str, ...]
    genres: tuple[str, ...]


async def make(
    bundle: Bundle,
    taste: Taste,
    *,
    today: int,
    before: Sequence[MadeList] = (),
    order: Order = as_retrieved,
) -> tuple[MadeList, ...]:
    """The mixes of `today` (days since 1970), by number; `before` are those of the day before.
    None for somebody who likes fewer than `LEAST_LIKED` tracks."""
    made: dict[str, MadeList] = {}
    for number, cluster in _numbered(clusters(bundle, taste), before).items():
        tracks = await _tracks(bundle, taste, cluster, today, order)
        if len(tracks) >= LEAST_TRACKS:
            made[number] = MadeList(
                number, *_named(bundle, number, cluster), listed(tracks), cluster.artists[:ANCHORS]
            )
    return tuple(made[number] for number in sorted(made))


def clusters(bundle: Bundle, taste: Taste) -> list[Cluster]:
    """The sides of a person's taste, the one that they are surest of first."""
    liked = rows_of(bundle, taste.confidences)
    rows = sorted(liked, key=lambda row: (-liked[row], row))[:CLUSTERED]
    if len(rows) < LEAST_LIKED:
        return []
    labels = _labels(bundle, rows)
    parts: dict[int, dict[int, float]] = {}
    for row, label in zip(rows, labels, strict=True):
        parts.setdefault(label, {})[row] = liked[row]
    marked = _marked_by(bundle, parts)
    found = [
        Cluster(part, tuple(top_artists(bundle, part)), marked[label])
        for label, part in parts.items()
        if len(part) >= LEAST_LIKED
    ]
    found.sort(key=lambda one: (-sum(one.liked.values()), one.artists))
    return found[:MOST_MIXES]


def _labels(bundle: Bundle, rows: Sequence[int]) -> list[int]:
    """The cluster of each row."""
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    vectors = np.stack([bundle.vector(row) for row in rows]).astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    apart = np.clip(1 - vectors @ vectors.T, 0, 2)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "average")
    best, chosen_labels = LEAST_SILHOUETTE, np.ones(len(rows), dtype=int)
    # More clusters than mixes: those that are too small for one are left out.
    for count in range(2, min(2 * MOST_MIXES, len(rows) // LEAST_LIKED) + 1):
        labels = fcluster(tree, count, "maxclust")
        clear = _silhouette(apart, labels)
        if clear > best:
            best, chosen_labels = clear, labels
    return [int(one) for one in chosen_labels]


def _silhouette(apart: NDArray[np.float64], labels: NDArray[np.int_]) -> float:
    """The mean silhouette of a clustering (-1..1), from the matrix of distances."""
    import numpy as np

    names = np.unique(labels)
    if len(names) < 2:
        return -1.0
    members = (labels[:, None] == names[None, :]).astype(np.float64)
    sizes = members.sum(axis=0)
    sums = apart @ members
    own = members.argmax(axis=1)
    at = np.arange(len(labels))
    within = sums[at, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[at, own] = np.inf
    nearest = means.min(axis=1)
    widest = np.maximum(within, nearest)
    one = np.where(
        (sizes[own] > 1) & (widest > 0), (nearest - within) / np.where(widest, widest, 1), 0
    )
    return float(one.mean())


def _marked_by(
    bundle: Bundle, parts: Mapping[int, Mapping[int, float]]
) -> dict[int, tuple[str, ...]]:
    """The genres of each part, first those of which it has more than the whole does."""
    weights: dict[int, Counter[str]] = {}
    for label, part in parts.items():
        weights[label] = Counter()
        for row, confidence in part.items():
            for genre in bundle.item(row).genres:
                weights[label][genre] += confidence  # type: ignore[assignment]
    whole: Counter[str] = sum(weights.values(), Counter())
    found = {}
    for label, counted in weights.items():
        # Of a genre's weight the part that is here, times how much of this part it is.
        marks = {genre: weight * weight / whole[genre] for genre, weight in counted.items()}
        found[label] = tuple(sorted(marks, key=lambda genre: (-marks[genre], genre)))
    return found


def _numbered(found: Sequence[Cluster], before: Sequence[MadeList]) -> dict[str, Cluster]:
    """Clusters by the id of their mix: the one that it had, where most artists are the same."""
    ids = [f"daily-mix-{number}" for number in range(1, MOST_MIXES + 1)]
    overlaps = sorted(
        (-len(set(one.artists) & set(held.anchors)), place, held.id)
        for place, one in enumerate(found)
        for held in before
    )
    by_id: dict[str, Cluster] = {}
    placed: set[int] = set()
    for overlap, place, mix in overlaps:
        if overlap < 0 and place not in placed and mix not in by_id and mix in ids:
            by_id[mix] = found[place]
            placed.add(place)
    free = (one for one in ids if one not in by_id)
    for place, cluster in enumerate(found):
        if place not in placed:
            by_id[next(free)] = cluster
    return by_id


async def _tracks(
    bundle: Bundle, taste: Taste, cluster: Cluster, today: int, order: Order
) -> list[Scored]:
    """What they know and what goes with it, in turn."""
    genre = cluster.genres[0] if cluster.genres else None
    why = Why("from_your_mix", genre, genre)
    liked = cluster.liked
    most = max(liked.values())
    known = [
        Scored(row, bundle.item(row), liked[row] / most, "collaborative", why)
        for row in sorted(liked, key=lambda row: (-liked[row], row))
    ]
    half = int(TRACKS * KNOWN_SHARE)
    familiar = apply(known, taste, DAILY_MIX, half, today=today).items
    start = Start(liked, artists=cluster.artists, is_whole=False)
    without = frozenset({*liked, *known_rows(bundle, tuple(taste.heard))})
    ranked = await order(candidates(bundle, taste, start, today=today, without=without))
    new = apply(ranked, taste, DAILY_MIX, TRACKS - half, today=today).items
    mixed = [one for pair in zip_longest(familiar, new) for one in pair if one is not None]
    # Once more together: an artist may be on both sides. The order is the score now.
    placed = [replace(one, score=1 - place / len(mixed)) for place, one in enumerate(mixed)]
    return apply(placed, taste, DAILY_MIX, TRACKS, today=today).items


def _named(bundle: Bundle, number: str, cluster: Cluster) -> tuple[str, str]:
    """Name and description: `Daily Mix 1: Jazz & Soul`, with some of its artists."""
    title = f"Daily Mix {number.rpartition('-')[2]}"
    if cluster.genres:
        title += f": {' & '.join(genre.title() for genre in cluster.genres[:2])}"
    names: dict[str, None] = {}
    for row in sorted(cluster.liked, key=lambda row: (-cluster.liked[row], row)):
        names.update(dict.fromkeys(bundle.item(row).artist_names[:1]))
    shown = list(names)[:3]
    more = " and more" if len(names) > len(shown) else ""
    return title, f"{', '.join(shown)}{more}"
