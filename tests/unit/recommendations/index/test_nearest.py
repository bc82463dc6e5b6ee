"""What the index promises: 95 % of the hundred nearest, in 200 bytes a vector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.recommendations.index import coding
from shared.recommendations.index.nearest import Nearest
from shared.recommendations.items import DIMENSIONS
from tests.unit.recommendations.index.factors import DATA, real_factors
from tests.unit.recommendations.index.parts import decaying

PROMISED = 0.95
MOST_BYTES = 40_000_000 / 200_000  # a vector, with its index

Floats = NDArray[np.float32]


def recall(index: Nearest, vectors: Floats, queries: Floats, count: int = 100) -> float:
    """The share of the exactly nearest that is found."""
    shares = []
    for query in queries:
        products = vectors @ query
        least = np.partition(products, -count)[-count]
        shares.append(sum(products[row] >= least for row, _ in index.search(query, count)) / count)
    return float(np.mean(shares))


@pytest.mark.parametrize(("tuned_on", "exponent"), [("queries", 0.5), ("vectors", 1.0)])
@pytest.mark.parametrize("flat_up_to", [coding.FLAT_UP_TO, 10_000])
def test_the_hundred_nearest_of_many_are_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flat_up_to: int,
    tuned_on: str,
    exponent: float,
) -> None:
    """In one list, and in lists by centroids."""
    monkeypatch.setattr(coding, "FLAT_UP_TO", flat_up_to)
    vectors, queries = decaying(20_000, 600, exponent=exponent)
    Nearest.save(tmp_path, "v", vectors, queries[:300] if tuned_on == "queries" else None)
    index = Nearest(tmp_path, "v")
    assert hasattr(index._codes, "nlist") == (flat_up_to < len(vectors))
    assert recall(index, vectors, queries[300:]) >= PROMISED
    assert recall(index, vectors, queries[300:350], 1_000) >= PROMISED
    size_bytes = sum(one.stat().st_size for one in tmp_path.iterdir())
    assert size_bytes <= MOST_BYTES * len(vectors)


@pytest.mark.parametrize("name", ["lastfm-2k", "ml-1m"])
@pytest.mark.parametrize("exact_up_to", [coding.EXACT_UP_TO, 20_000])
def test_the_hundred_nearest_of_real_factors_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, exact_up_to: int
) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"needs shared/data/{name} beside the project")
    monkeypatch.setattr(coding, "EXACT_UP_TO", exact_up_to)
    people, items = real_factors(name)
    Nearest.save(tmp_path, "v", items, people[1::2][:300])
    index = Nearest(tmp_path, "v")
    assert bool(index.efforts) == (len(items) > exact_up_to)
    assert recall(index, items, people[::2][:300]) >= PROMISED


@pytest.mark.parametrize("count", [0, 1, 50, 99, 5_000])
def test_more_are_asked_for_than_there_are(tmp_path: Path, count: int) -> None:
    vectors, queries = decaying(count, 3)
    Nearest.save(tmp_path, "v", vectors)
    index = Nearest(tmp_path, "v")
    for query in queries:
        found = index.search(query, count + 10)
        assert sorted(row for row, _ in found) == list(range(count))
        assert index.search(query, 0) == []


def test_of_equals_the_first_are_found(tmp_path: Path) -> None:
    vectors = np.tile(decaying(1, 0)[0], (5_000, 1))
    Nearest.save(tmp_path, "v", vectors)
    index = Nearest(tmp_path, "v")
    found = index.search(vectors[0], 100)
    assert len({row for row, _ in found}) == 100
    assert len({score for _, score in found}) == 1


def test_what_is_found_exactly_is_all_found_where_the_nearest_point_away(tmp_path: Path) -> None:
    """Of two kinds of which few are the asked one's, most of the nearest have a product below 0."""
    vectors = np.zeros((60, DIMENSIONS), np.float32)
    vectors[:, 0] = np.where(np.arange(60) < 12, 1, -0.3)
    Nearest.save(tmp_path, "v", vectors)
    assert Nearest(tmp_path, "v").recall(vectors[:1], 40) == 1.0


def test_vectors_of_zeros_are_near_to_nothing_and_harm_nobody(tmp_path: Path) -> None:
    vectors, queries = decaying(6_000, 50)
    vectors[::2] = 0
    Nearest.save(tmp_path, "v", vectors)
    index = Nearest(tmp_path, "v")
    assert index.search(np.zeros(DIMENSIONS, np.float32), 10) == []
    assert recall(index, vectors, queries) >= PROMISED
    Nearest.save(tmp_path, "zeros", np.zeros_like(vectors))
    assert len(Nearest(tmp_path, "zeros").search(queries[0], 10)) == 10


@pytest.mark.parametrize("excluded", [10, 300, 3_000, 5_990, 6_000])
def test_what_is_left_out_makes_room_for_the_next(tmp_path: Path, excluded: int) -> None:
    """Even where the very nearest are left out, as what somebody has heard mostly is."""
    vectors, queries = decaying(6_000, 20)
    Nearest.save(tmp_path, "v", vectors)
    index = Nearest(tmp_path, "v")
    for query in queries:
        order = np.argsort(-(vectors @ query))
        heard, rest = set(order[:excluded].tolist()), order[excluded:].tolist()
        found = [row for row, _ in index.search(query, 100, without=heard)]
        assert len(found) == min(100, len(rest))
        assert not heard & set(found)
        assert len(set(found) & set(rest[:100])) >= 0.9 * len(found)


@pytest.mark.parametrize("vector", [np.full(DIMENSIONS, np.nan), np.full(DIMENSIONS, np.inf)])
def test_a_vector_that_is_not_finite_is_refused(tmp_path: Path, vector: Floats) -> None:
    Nearest.save(tmp_path, "v", decaying(10, 0)[0])
    index = Nearest(tmp_path, "v")
    with pytest.raises(ValueError, match="finite numbers"):
        index.search(vector.astype(np.float32), 5)
    with pytest.raises(ValueError, match="128 finite numbers"):
        index.search(np.ones(64, np.float32), 5)
