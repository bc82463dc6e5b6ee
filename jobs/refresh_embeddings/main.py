"""Gives new tracks their vectors and makes a new bundle serve, three times an hour.

A track that nobody has played yet gets a vector from what it sounds like and what it is called;
one that was played since the last training is solved for against those who played it. Where nothing
was ever trained, vectors come from content alone. What autoplay goes on with after the new tracks
is written for players.

Exit status 1 means that nothing was changed, or that what autoplay goes on with is left to the next
run; the last line says which, and why.
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
    parser.add_argument(
        "--use",
        metavar="VERSION",
        help="make nothing; have this earlier bundle serve until the next one is made",
    )
    options = parser.parse_args()
    telemetry.configure()
    try:
        if options.use:
            asyncio.run(service.use_bundle(options.use))
            print(f"{options.use} serves, within half a minute everywhere.")
            return
        refreshed = asyncio.run(service.refresh(force=options.force))
    except (Unavailable, service.Refused) as error:
        sys.exit(f"{error}; nothing was changed.")
    except service.Unfinished as error:
        sys.exit(f"{error}. The next run goes on with it.")
    print(refreshed.model_dump_json(indent=2))


if __name__ == "__main__":
    main()
