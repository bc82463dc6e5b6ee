"""Gives new tracks their vectors and makes a new bundle serve, every hour.

A track that nobody has played yet gets a vector from what it sounds like and what it is called;
one that was played since the last training is solved for against those who played it. Where nothing
was ever trained, vectors come from content alone.

Exit status 1 means that nothing was changed; the log says why.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from shared.platform import telemetry
from shared.platform.errors import Unavailable
from shared.recommendations.training import service


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="let it serve though it has lost more than half of the tracks",
    )
    options = parser.parse_args()
    telemetry.configure()
    try:
        refreshed = asyncio.run(service.refresh(force=options.force))
    except (Unavailable, service.Refused) as error:
        sys.exit(f"{error}; nothing was changed.")
    print(refreshed.model_dump_json(indent=2))


if __name__ == "__main__":
    main()
