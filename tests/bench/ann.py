"""The hundred greatest inner products: ours beside Annoy (F193), hnswlib and exact search.

Over vectors with the spectrum of a factorisation (independent normals, the k-th deviation 1/k,
turned by chance; seed 0) and over real factors of `implicit`'s ALS, where the data lie beside the
project. Each subject has a process of its own and the same queries, of which none was tuned on, one
at a time in one thread; an index is built with all processors. "on a processor" is the time that
others who share the machine cannot lengthen much.

`nox -s bench -- ann --size 50000`, or without the rest: `python -m tests.bench.ann --size 50000`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from emulators.environments import ensure_python
from tests.bench.ann_subjects import COUNT, SUBJECTS, Result
from tests.bench.report import Report, median, percentile
from tests.unit.recommendations.index.factors import DATA, real_factors
from tests.unit.recommendations.index.parts import decaying

SIZE = 200_000
TUNING, QUERIES = 300, 2_000
PEERS = ("Annoy", "hnswlib")
TIMEOUT_S = 3_600
MB = 1_000_000
ROOT = Path(__file__).resolve().parents[2]

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Case:
    """Vectors, and queries of which the first `TUNING` are there to be tuned on."""

    name: str
    vectors: Floats
    queries: Floats


def run(size: int = SIZE) -> None:
    """Builds, asks and shows the report."""
    report = Report(
        "ann",
        f"recall@{COUNT} against exact; up to {QUERIES:,} queries one at a time, one thread",
    )
    peers = ensure_python("ann-peers")
    for case in _cases(size):
        is_full = case.vectors.shape[0] >= SIZE
        with TemporaryDirectory(prefix="segue-ann-") as folder:
            _store(case, Path(folder))
            measured = {
                name: _measured(name, Path(folder), peers if name in PEERS else None)
                for name in SUBJECTS
            }
        for name, result in measured.items():
            _add(report, f"{case.name}: {name}", result, has_wants=is_full and name == "ours")
        own = percentile(measured["ours"].processor_s, 0.99)
        for name in ("exact", *PEERS):
            ratio = percentile(measured[name].processor_s, 0.99) / own
            report.add(f"{case.name}: {name} / ours, p99 on a processor", ratio, "×")
    report.show()


def _cases(size: int) -> Iterator[Case]:
    vectors, queries = decaying(size, TUNING + QUERIES)
    yield Case(f"{size:,} x 128", vectors, queries)
    for name in ("lastfm-2k", "ml-1m"):
        if (DATA / name).exists():
            people, items = real_factors(name)
            order = np.random.default_rng(0).permutation(len(people))[: TUNING + QUERIES]
            yield Case(f"{name} factors, {len(items):,}", items, people[order])


def _store(case: Case, folder: Path) -> None:
    np.save(folder / "vectors.npy", case.vectors)
    for name, queries in (("tuning", case.queries[:TUNING]), ("queries", case.queries[TUNING:])):
        np.save(folder / f"{name}.npy", queries)
        products = (case.vectors @ query for query in queries)
        true = [np.argpartition(-one, COUNT)[:COUNT] for one in products]
        np.save(folder / f"{name}-true.npy", np.array(true))


def _measured(name: str, folder: Path, python: Path | None) -> Result:
    done = subprocess.run(
        [str(python or sys.executable), "-m", "tests.bench.ann_subjects", name, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_S,
        check=True,
    )
    return Result(**json.loads(done.stdout))


def _add(report: Report, what: str, result: Result, *, has_wants: bool) -> None:
    for label, value, unit, want in (
        (f"recall@{COUNT}", result.recall, "", "≥ 0.95"),
        ("p50", median(result.seconds) * 1e3, "ms", ""),
        ("p99", percentile(result.seconds, 0.99) * 1e3, "ms", "< 0.5 ms"),
        ("p50 on a processor", median(result.processor_s) * 1e3, "ms", ""),
        ("p99 on a processor", percentile(result.processor_s, 0.99) * 1e3, "ms", ""),
        ("built in", result.built_s, "s", "< 20 s"),
        ("processor seconds of it", result.built_processor_s, "s", ""),
        ("on disk", result.size_bytes / MB, "MB", "< 40 MB"),
    ):
        report.add(f"{what}: {label}", value, unit, want if has_wants else "")


def main() -> None:
    """Measures without a local cloud."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=SIZE, help="how many vectors (%(default)s)")
    run(parser.parse_args().size)


if __name__ == "__main__":
    main()
