"""Short codes of vectors, among which faiss finds candidates for the greatest inner products.

A code has four bits for each two components (product quantisation, Jégou et al. 2011), which is
compared from registers (Quick ADC, André et al. 2017). Past `FLAT_UP_TO` vectors codes lie in
lists by their nearest centroid and tell what is left of the vector without it, and a query reads
the lists whose centroids have the greatest products with it.

Centroids keep their lengths. Those on the sphere, faiss's own choice for inner products, part
vectors by direction, so that the greatest products, which long vectors have, lie in many lists:
the nearest 1/32 of 256 lists hold 35 % of the nearest hundred instead of 97 % (40,000 x 128,
spectrum 1/k), and for the real factors of 17,632 artists lists in which one must read 20 % of all
vectors hold 79 %, instead of 73 % for 2 %. Half of those hold 89 %, so that few vectors are better
read all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from shared.recommendations.index.vectors import Vectors
    from shared.recommendations.items import Matrix

EXACT_UP_TO = 1_024  # vectors, of which all products take as long as the detour by codes
FLAT_UP_TO = 65_536  # vectors, of which all codes take 0.2 ms
TARGET = 0.97  # of the recall, on the queries that are tried: 0.95 must hold on all others
PROMISED = 0.95
COUNTS = (100, 1_000)  # for which it is tuned; more are looked for among all
QUERIES = 256  # tried
_BITS = 4  # of each pair of components: what fits a register
_TRAINED_ON = 64  # vectors for each centroid
_FETCHED_COST = 90  # codes that are compared in the time that one candidate takes (measured)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Effort:
    """What finding `count` rows takes: how many lists are read, how many candidates they give, and
    the recall that was measured with it."""

    count: int
    probes: int
    fetched: int
    recall: float


def coded(vectors: Matrix, generator: np.random.Generator) -> Any:
    """The codes of `vectors`, (rows, an even number of dimensions), as an index of faiss."""
    import faiss as typed

    faiss: Any = typed  # its types know half of it
    count, dimensions = vectors.shape
    pairs, metric = dimensions // 2, faiss.METRIC_INNER_PRODUCT
    if count <= FLAT_UP_TO:
        codes = faiss.IndexPQFastScan(dimensions, pairs, _BITS, metric)
        codes.train(vectors)
        codes.add(vectors)
        return codes
    lists = 2 ** int(np.log2(np.sqrt(count)) + 0.5)  # 512 for 200,000, 1,024 for a million
    sample = vectors[generator.permutation(count)[: _TRAINED_ON * lists]]
    clusters = faiss.Kmeans(
        dimensions,
        lists,
        niter=10,
        seed=int(generator.integers(2**31)),
        max_points_per_centroid=_TRAINED_ON,
    )
    clusters.train(sample)
    nearest, greatest = faiss.IndexFlatL2(dimensions), faiss.IndexFlatIP(dimensions)
    nearest.add(clusters.centroids)
    greatest.add(clusters.centroids)
    codes = faiss.IndexIVFPQFastScan(nearest, dimensions, lists, pairs, _BITS, metric)
    codes.by_residual = True
    codes.train(sample)
    codes.add(vectors)
    # Vectors go into lists by distance; lists are chosen by product.
    codes.quantizer = greatest
    codes.referenced_objects = [nearest, greatest]  # else they go before it
    return codes


def candidates(codes: Any, queries: Matrix, effort: Effort) -> NDArray[np.int64]:
    """The rows of candidates for each of `queries`, in no order to rely on; -1 where there are no
    more. (queries, effort.fetched)"""
    import faiss as typed

    faiss: Any = typed
    parameters = None
    if hasattr(codes, "nlist"):
        parameters = faiss.SearchParametersIVF(nprobe=effort.probes)
    rows: NDArray[np.int64] = codes.search(queries, effort.fetched, params=parameters)[1]
    return rows


def tuned(codes: Any, stored: Vectors, vectors: Matrix, queries: Matrix) -> list[Effort]:
    """For each of `COUNTS` the cheapest effort that finds `TARGET` of what is nearest to
    `queries`, or else the best there is."""
    most = min(max(COUNTS), len(vectors))
    nearest = []
    for query in queries:
        products = vectors @ query
        rows = np.argpartition(-products, most - 1)[:most]
        nearest.append(rows[np.argsort(-products[rows])])

    def measured(count: int, probes: int, fetched: int) -> Effort:
        hits = 0
        found = candidates(codes, queries, Effort(count, probes, fetched, 0.0))
        for rows, query, true in zip(found, queries, nearest, strict=True):
            rows = rows[rows >= 0]
            best = rows[np.argsort(-stored.scores(rows, query))[:count]]
            hits += len(np.intersect1d(best, true[:count]))
        return Effort(count, probes, fetched, hits / (count * len(queries)))

    lists = getattr(codes, "nlist", 1)
    counts = [count for count in COUNTS if count <= most and len(queries)]
    return [_tuned(count, lists, len(vectors), measured) for count in counts]


def _tuned(
    count: int, lists: int, vectors: int, measured: Callable[[int, int, int], Effort]
) -> Effort:
    tries = [
        (2**power, min(times * count, vectors))
        for power in range(int(np.log2(lists)) + 1)
        for times in (2, 4, 8, 16)
    ]
    tries.sort(key=lambda one: one[0] * vectors / lists + one[1] * _FETCHED_COST)
    best = Effort(count, *tries[0], 0.0)
    for probes, fetched in tries:
        effort = measured(count, probes, fetched)
        if effort.recall > best.recall:
            best = effort
        if best.recall >= TARGET:
            return best
    if best.recall < PROMISED:
        _log.warning("the index finds %.0f %% of the %d nearest", best.recall * 100, count)
    return best
