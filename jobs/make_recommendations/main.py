"""Makes the lists that are due: Discover Weekly, Daily Mix and Release Radar, every hour.

Each task serves its share of the people. A run that was killed is simply begun again: what it had
made stands, and nothing is made twice.

    make_recommendations                             what is due, for everybody
    make_recommendations --product discover-weekly   of one product alone
    make_recommendations --user USER --force         one person's, again, whatever stands

Exits with 0 when all that was due is made or the budget is used up (the next run goes on), with 1
when it failed for some people, and with 3 when there is no bundle to recommend from yet.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys

from shared.platform import telemetry
from shared.platform.settings import settings
from shared.recommendations import making, serving
from shared.recommendations.periods import PRODUCTS, Product

FAILED, NO_BUNDLE = 1, 3
_log = logging.getLogger(__name__)


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--product", choices=PRODUCTS, action="append", help="make these alone; may be repeated"
    )
    parser.add_argument("--user", metavar="USER", help="serve one person alone")
    parser.add_argument(
        "--force", action="store_true", help="make the present period's lists again"
    )
    parser.add_argument(
        "--budget-s",
        type=float,
        default=making.BUDGET_S,
        help="stop after so long; the next run goes on from there (default: %(default)g)",
    )
    options = parser.parse_args()
    if options.force and not options.user:
        parser.error("--force replaces lists that people have: name one person by --user")
    telemetry.configure()
    sys.exit(
        asyncio.run(
            _run(options.product or PRODUCTS, options.user, options.force, options.budget_s)
        )
    )


async def _run(
    products: tuple[Product, ...], user_id: str | None, force: bool, budget_s: float
) -> int:
    bundle = await serving.bundle()
    if bundle is None:
        _log.error("there is no bundle yet: run train_embeddings first")
        return NO_BUNDLE
    maker = making.Maker(bundle, await serving.ordering(is_job=True), products, force)
    if user_id:
        progress = await maker.run_for(user_id)
    else:
        progress = await maker.run(settings().task_index, settings().task_count, budget_s)
    summary = progress.summary()
    level = logging.WARNING if progress.unfinished or progress.failed else logging.INFO
    _log.log(level, "lists are made from bundle %s", bundle.version, extra=summary)
    print(json.dumps(summary))
    return FAILED if progress.failed else 0


if __name__ == "__main__":
    main()
