"""Sends unfinished masters through ingestion again; the masters bucket is the source of truth.

Every ten minutes it picks up what is stuck. With `--all-unfinished` it rebuilds a catalogue whose
database was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import logging

from shared.ingestion import service
from shared.platform import telemetry

# Longer than validation's timeout and the longest pauses between a long track's jobs.
STUCK_AFTER_MINUTES = 15.0


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--stuck-after-minutes",
        type=float,
        default=STUCK_AFTER_MINUTES,
        help="leave work alone that moved within this time (default: %(default)g)",
    )
    parser.add_argument(
        "--all-unfinished", action="store_true", help="redrive whatever has not ended, at any age"
    )
    options = parser.parse_args()
    telemetry.configure()
    stuck_after = None
    if not options.all_unfinished:
        stuck_after = dt.timedelta(minutes=options.stuck_after_minutes)
    seen, redriven = asyncio.run(service.redrive(stuck_after))
    logging.getLogger(__name__).info("%d masters, %d redriven", seen, redriven)


if __name__ == "__main__":
    main()
