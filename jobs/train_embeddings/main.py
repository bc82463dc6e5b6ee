"""Trains the embeddings from everything that people did, every Saturday (F191).

What comes out is a version below `embeddings/` of the trainings bucket and a bundle made from it,
which serves from then on; how well it finds what was held out is printed. Between two trainings
`refresh_embeddings` gives new tracks their vectors.

Exit status 1 means that nothing was changed, or that what autoplay goes on with is left to the next
refresh; the last line says which, and why.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from shared.platform import telemetry
from shared.platform.errors import Unavailable
from shared.platform.settings import settings
from shared.recommendations.training import service


def main() -> None:
    """Runs the job."""
    options = _options()
    telemetry.configure()
    try:
        if options.use:
            asyncio.run(service.use_training(options.use))
            print(f"{options.use} is what refresh_embeddings starts from.")
            return
        trained = asyncio.run(
            service.train(
                days=options.days,
                seed=options.seed,
                engine=options.engine or settings().training_engine,
                dry_run=options.dry_run,
                force=options.force,
            )
        )
    except (Unavailable, service.Refused) as error:
        sys.exit(f"{error}; nothing was changed.")
    except service.Unfinished as error:
        sys.exit(f"{error}. The next refresh goes on with it.")
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
        "--engine",
        choices=("exact", "spark"),
        help="what factorises: ours on this machine, or Spark as a Dataproc batch, for more than "
        "one machine holds (default: what the settings say)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="let it serve though it has lost more than half of the tracks",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="train and report, store and change nothing"
    )
    parser.add_argument(
        "--use",
        metavar="VERSION",
        help="train nothing; have the refreshes start from this earlier training",
    )
    return parser.parse_args()


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 90:
        raise argparse.ArgumentTypeError("signals are read for 1 to 90 days")
    return days


if __name__ == "__main__":
    main()
