"""Builds the search index from the whole catalogue and makes it serve, every hour (F186).

Exit status 1 means that the new index was refused and that the one before serves on.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import logging
import sys

from shared.artifacts.releases import Refused
from shared.indexing import service
from shared.platform import telemetry
from shared.platform.settings import settings

_log = logging.getLogger(__name__)


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="let an index serve that has lost more than half of its documents",
    )
    parser.add_argument(
        "--engine",
        choices=("local", "spanner"),
        help="what to build for (default: what the settings say)",
    )
    options = parser.parse_args()
    telemetry.configure()
    engine = options.engine or settings().search_engine
    build = service.fill_spanner if engine == "spanner" else service.build
    try:
        indexed = asyncio.run(build(force=options.force))
    except Refused as refused:
        _log.error("%s", refused)
        sys.exit(1)
    if not indexed.serves:
        _log.warning("a newer index serves already; %s is kept beside it", indexed.version)
    print(json.dumps(dataclasses.asdict(indexed)))


if __name__ == "__main__":
    main()
