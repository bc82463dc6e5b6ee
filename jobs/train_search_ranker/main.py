"""Learns the order of search results from what people played, every Monday (F182).

The learned order is used from a quarter of an hour later on, if on held-out queries it is better
than the weights beyond doubt; the report, which is printed and lies beside the model in the bucket
`models` (search-ranker/<version>/report.md), says by how much. Where it is not better, or there is
too little to learn from, what was used before stays in use.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from shared.artifacts.choice import Unusable
from shared.platform import telemetry
from shared.platform.errors import Unavailable
from shared.search import learning, reranking


def main() -> None:
    """Runs the job, or has the operator's choice used."""
    options = _options()
    telemetry.configure()
    try:
        if options.use is not None:
            asyncio.run(_use(options.use))
            return
        report = asyncio.run(
            learning.learn(days=options.days, seed=options.seed, dry_run=options.dry_run)
        )
    except (Unavailable, Unusable) as error:
        sys.exit(f"{error}; nothing was changed.")
    print(report.to_markdown())
    if options.dry_run:
        print("A dry run: nothing was stored.")


async def _use(version: str) -> None:
    wanted = None if version == "none" else version
    if wanted is not None:
        await reranking.load(wanted)  # or it is Unusable
    pointer = await reranking.choice.use(wanted)
    print(f"{wanted or 'The weights alone'}: used from {pointer.uses[0].since:%H:%M:%S} UTC on.")


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
        help="of the split of the queries and of the intervals (default: %(default)d)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="train and report, store and change nothing"
    )
    parser.add_argument(
        "--use",
        metavar="VERSION",
        help="train nothing; have this version used, or `none`: the weights alone",
    )
    return parser.parse_args()


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 90:
        raise argparse.ArgumentTypeError("events are kept for 90 days: from 1 to 90")
    return days


if __name__ == "__main__":
    main()
