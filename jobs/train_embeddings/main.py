"""Trains the embeddings from everything that people did, every Saturday (F191).

What comes out is a version below `embeddings/` of the models bucket, with a report of how well it
finds what was held out (report.json), and a bundle made from it, which serves from then on. Between
two trainings `refresh_embeddings` gives new tracks their vectors every hour.

Exit status 1 means that nothing was changed; the log says why.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from shared.platform import telemetry
from shared.platform.errors import Unavailable
from shared.recommendations.training import service

_log = logging.getLogger(__name__)


def main() -> None:
    """Runs the job."""
    options = _options()
    telemetry.configure()
    try:
        trained = asyncio.run(
            service.train(
                days=options.days,
                seed=options.seed,
                dry_run=options.dry_run,
                force=options.force,
            )
        )
    except (Unavailable, service.Refused) as error:
        sys.exit(f"{error}; nothing was changed.")
    print(trained.model_dump_json(indent=2))
    if options.dry_run:
        print("A dry run: nothing was stored.", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--days",
        type=_days,
        default=service.DAYS,
        help="learn from so many days, 1 to 90 (default: %(default)d)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=service.SEED,
        help="of the first vectors and of what is held out (default: %(default)d)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="let it serve though it has lost more than half of the tracks",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="train and report, store and change nothing"
    )
    return parser.parse_args()


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 90:
        raise argparse.ArgumentTypeError("signals are read for 1 to 90 days")
    return days


if __name__ == "__main__":
    main()
