"""`nox -s bench [-- NAME …]`: runs the benchmarks in one local cloud."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from emulators import seed
from emulators.cloud import LocalCloud

BENCHMARKS = (
    "manifest_throughput",
    "web_api",
    "playlist_insert",
    "cold_start",
    "start_latency",
    "ingestion_cpu",
    "catalogue_load",
    "search",
    "feature_latency",
    "discover_weekly",
    "home_deadline",
)
CLOUDLESS = ("ann",)  # which a local cloud beside them would only slow down


def main() -> None:
    """Measures ratios against peers; nothing passes or fails on time."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    known = (*BENCHMARKS, *CLOUDLESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--size", type=int, default=200_000, help="vectors of ann (%(default)s)")
    parser.add_argument("--state", type=Path, help="state folder to reuse; default: a fresh one")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(known))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    names = arguments.names or known
    for name in (one for one in names if one in CLOUDLESS):
        importlib.import_module(f"tests.bench.{name}").run(arguments.size)
    if not (in_cloud := [one for one in names if one not in CLOUDLESS]):
        return
    with (
        TemporaryDirectory(prefix="segue-bench-") as temporary,
        LocalCloud(arguments.state or Path(temporary)) as cloud,
    ):
        seed.fill(cloud, Console(stderr=True), demo=True, music=[])
        for name in in_cloud:
            importlib.import_module(f"tests.bench.{name}").run(cloud)


if __name__ == "__main__":
    main()
