"""Learns what shelves are worth from what was shown and played, every hour (F212).

Home uses it within minutes (`shelves/posteriors.json` in the bucket `models`); where there is
nothing to learn from, or the warehouse does not answer, what was learned before stays in use.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from datetime import UTC, datetime

from shared.experiments import shelves
from shared.platform import telemetry
from shared.platform.errors import Unavailable

_log = logging.getLogger(__name__)


def main() -> None:
    """Runs the job, or shows what is in use."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dry-run", action="store_true", help="learn and print, store nothing")
    parser.add_argument("--show", action="store_true", help="print what is in use, learn nothing")
    options = parser.parse_args()
    telemetry.configure()
    try:
        learned = asyncio.run(shelves.stored() if options.show else _learn(options.dry_run))
    except (Unavailable, ValueError) as error:
        sys.exit(f"{error} Nothing was changed.")
    if learned is None:
        print("Nothing has been learned yet." if options.show else "No shelf was shown yet.")
    elif options.show or options.dry_run:
        print(learned.model_dump_json(indent=2))


async def _learn(dry_run: bool) -> shelves.Learned | None:
    from shared.experiments import warehouse

    now = datetime.now(UTC)
    learned = shelves.learn(await warehouse.shelves(now, shelves.DAYS), now)
    if learned is not None and not dry_run:
        await shelves.store(learned)
        _log.info("the worth of %d shelves is learned", len(learned.worths) - 1)
    return learned


if __name__ == "__main__":
    main()
