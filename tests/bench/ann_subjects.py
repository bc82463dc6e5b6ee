"""What `ann` compares, each in a process of its own: builds an index of vectors and asks it.

`python -m tests.bench.ann_subjects NAME FOLDER` reads `vectors.npy`, `tuning.npy`, `queries.npy`
and the exact answers (`tuning-true.npy`, `queries-true.npy`) of FOLDER, takes the first setting
with which the tuning queries reach the recall that is asked for, measures it on the other queries,
one at a time in one thread, and prints JSON. Peers run in an environment without our packages.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

COUNT = 100
RECALL = 0.95
WARMING = 100
TRIED = 100  # tuning queries, of each setting of a peer
BUDGET_S = 60  # whoever has used it up is asked no more, and compared by what it was asked
SEED = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured: of the build, and of each query, also the seconds on a processor."""

    built_s: float
    built_processor_s: float
    size_bytes: int
    setting: int
    recall: float
    seconds: list[float]
    processor_s: list[float]


class Subject(Protocol):
    """An index of vectors by their inner products."""

    settings: ClassVar[Sequence[int]]  # from the least effort to the most

    def __init__(self, vectors: Any, tuning: Any, file: Path) -> None:
        """Builds the index and stores it at `file`."""

    def find(self, query: Any, setting: int) -> Any:
        """`COUNT` rows."""


class Ours:
    """`shared.recommendations.index.nearest` as it serves: tuned when it is built."""

    settings: ClassVar[Sequence[int]] = (0,)

    def __init__(self, vectors: Any, tuning: Any, file: Path) -> None:
        from shared.recommendations.index.nearest import Nearest

        file.mkdir()
        Nearest.save(file, "vectors", vectors, tuning, seed=SEED)
        self._index = Nearest(file, "vectors")
        _one_thread()

    def find(self, query: Any, setting: int) -> Any:
        """As `Subject.find`."""
        return [row for row, _ in self._index.search(query, COUNT)]


class Exact:
    """faiss, every product."""

    settings: ClassVar[Sequence[int]] = (0,)

    def __init__(self, vectors: Any, tuning: Any, file: Path) -> None:
        import faiss

        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)
        faiss.write_index(self._index, str(file))
        _one_thread()

    def find(self, query: Any, setting: int) -> Any:
        """As `Subject.find`."""
        return self._index.search(query[None], COUNT)[1][0]


class Annoy:
    """F193: a hundred trees."""

    settings: ClassVar[Sequence[int]] = (
        0,
        20_000,
        50_000,
        100_000,
        200_000,
        500_000,
        1_000_000,
        2_000_000,
    )  # 0: its own

    def __init__(self, vectors: Any, tuning: Any, file: Path) -> None:
        from annoy import AnnoyIndex

        self._index = AnnoyIndex(vectors.shape[1], "dot")
        self._index.set_seed(SEED)
        for row, vector in enumerate(vectors):
            self._index.add_item(row, vector)
        self._index.build(100, n_jobs=os.cpu_count())
        self._index.save(str(file))

    def find(self, query: Any, setting: int) -> Any:
        """As `Subject.find`."""
        return self._index.get_nns_by_vector(query, COUNT, search_k=setting or -1)


class Hnswlib:
    """A graph with 16 links of each vector."""

    settings: ClassVar[Sequence[int]] = (100, 150, 200, 300, 400, 600, 800, 1_200, 1_600, 3_200)

    def __init__(self, vectors: Any, tuning: Any, file: Path) -> None:
        import hnswlib

        self._index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        self._index.init_index(len(vectors), ef_construction=200, M=16, random_seed=SEED)
        self._index.add_items(vectors, num_threads=os.cpu_count())
        self._index.save_index(str(file))

    def find(self, query: Any, setting: int) -> Any:
        """As `Subject.find`."""
        self._index.set_ef(setting)
        return self._index.knn_query(query, k=COUNT, num_threads=1)[0][0]


SUBJECTS: dict[str, type[Subject]] = {
    "ours": Ours,
    "exact": Exact,
    "Annoy": Annoy,
    "hnswlib": Hnswlib,
}


def _one_thread() -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


def recall(found: Sequence[Any], true: Any) -> float:
    """The share of the true rows that are among those found."""
    hits = sum(len(np.intersect1d(one, other)) for one, other in zip(found, true, strict=True))
    return float(hits / true.size)


def main() -> None:
    """Builds, measures and prints."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    vectors, tuning, queries = (
        np.load(folder / f"{one}.npy") for one in ("vectors", "tuning", "queries")
    )
    file = folder / name
    began, used = time.perf_counter(), time.process_time()
    subject = SUBJECTS[name](vectors, tuning, file)
    built_s, built_processor_s = time.perf_counter() - began, time.process_time() - used
    true = np.load(folder / "tuning-true.npy")[:TRIED]
    for setting in subject.settings:
        reached = recall([subject.find(query, setting) for query in tuning[:TRIED]], true)
        if reached >= RECALL:
            break
    for query in queries[:WARMING]:
        subject.find(query, setting)
    found, seconds, processor_s = [], [], []
    for query in queries:
        began, used = time.perf_counter(), time.thread_time()
        found.append(subject.find(query, setting))
        processor_s.append(time.thread_time() - used)
        seconds.append(time.perf_counter() - began)
        if sum(seconds) > BUDGET_S:
            break
    files = [one for one in (file, *file.rglob("*")) if one.is_file()]
    result = Result(
        built_s=built_s,
        built_processor_s=built_processor_s,
        size_bytes=sum(one.stat().st_size for one in files),
        setting=setting,
        recall=recall(found, np.load(folder / "queries-true.npy")[: len(found)]),
        seconds=seconds,
        processor_s=processor_s,
    )
    json.dump(asdict(result), sys.stdout)


if __name__ == "__main__":
    main()
