"""Moves traffic to new revisions step by step, every five minutes (F311).

With an option it is the operator's tool instead (shared/rollout/README.md):

    advance_rollouts --show FUNCTION
    advance_rollouts --hold FUNCTION
    advance_rollouts --resume FUNCTION
    advance_rollouts --allow FUNCTION REVISION       tries a refused revision again
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Sequence

from shared.platform import telemetry
from shared.platform.errors import DomainError
from shared.rollout import service
from shared.rollout.models import Rollout

_log = logging.getLogger(__name__)


def main() -> None:
    """Runs the job, or does what an operator asks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--show", metavar="FUNCTION", help="print how far its release is")
    asked.add_argument("--hold", metavar="FUNCTION", help="stay at the step that it is at")
    asked.add_argument("--resume", metavar="FUNCTION", help="go on")
    asked.add_argument(
        "--allow", nargs=2, metavar=("FUNCTION", "REVISION"), help="lift the revision's refusal"
    )
    options = parser.parse_args()
    telemetry.configure()
    try:
        if options.show:
            _print(asyncio.run(service.standing(options.show)))
        elif options.hold or options.resume:
            on_hold = options.hold is not None
            _print(asyncio.run(service.hold(options.hold or options.resume, on_hold)))
        elif options.allow:
            _print(asyncio.run(service.allow(*options.allow)))
        else:
            moved = asyncio.run(service.advance())
            _log.info("%d services looked after", len(moved))
    except DomainError as error:
        parser.exit(1, f"{error.message}\n")


def _print(rollouts: Sequence[Rollout]) -> None:
    for rollout in rollouts:
        print(rollout.model_dump_json(indent=2))


if __name__ == "__main__":
    main()
