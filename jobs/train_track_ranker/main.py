"""Learns from how plays ended which tracks are skipped and which are heard out, every Monday
(F201).

What was learned ranks recommendations from a quarter of an hour later on, if on later plays by
other people it is better than the guess beyond doubt; the report, which is printed and lies beside
the models in the bucket `models` (recommendation-ranker/<version>/report.md), says by how much.
Where it is not better, or there is too little to learn from, what was used before stays in use.
Nothing is changed before the end, so a job that was stopped starts anew.

Exits with 1 where something that it reads does not answer, and with 3 where there is no bundle to
know tracks by, be it that none was made yet or that it could not be read: nothing is changed then.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from shared.artifacts.choice import Unusable
from shared.platform import telemetry
from shared.platform.errors import Unavailable
from shared.recommendations import serving
from shared.recommendations.ranking import learning
from shared.recommendations.ranking import serving as ranker

NO_BUNDLE = 3
_log = logging.getLogger(__name__)


def main() -> None:
    """Runs the job, or has the operator's choice used."""
    options = _options()
    telemetry.configure()
    try:
        if options.use is not None:
            asyncio.run(_use(options.use))
        else:
            sys.exit(asyncio.run(_learn(options)))
    except (Unavailable, Unusable) as error:
        sys.exit(f"{error}; nothing was changed.")


async def _learn(options: argparse.Namespace) -> int:
    bundle = await serving.bundle()
    if bundle is None:
        _log.error("no bundle can be read; where there is none yet, run refresh_embeddings first")
        return NO_BUNDLE
    report = await learning.learn(
        bundle, days=options.days, seed=options.seed, dry_run=options.dry_run
    )
    print(report.to_markdown())
    if options.dry_run:
        print("A dry run: nothing was stored.")
    return 0


async def _use(version: str) -> None:
    wanted = None if version == "none" else version
    if wanted is not None:
        await ranker.load(wanted)  # or it is Unusable
    pointer = await ranker.choice.use(wanted)
    print(f"{wanted or 'The guess'}: used from {pointer.uses[0].since:%H:%M:%S} UTC on.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--days",
        type=_days,
        default=learning.DAYS,
        help="learn from so many days, 1 to 90 (default: %(default)d)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=learning.SEED,
        help="of the split of the people and of the intervals (default: %(default)d)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="train and report, store and change nothing"
    )
    parser.add_argument(
        "--use",
        metavar="VERSION",
        help="train nothing; have this version used, or `none`: the guess",
    )
    return parser.parse_args()


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 90:
        raise argparse.ArgumentTypeError("from 1 to 90")
    return days


if __name__ == "__main__":
    main()
