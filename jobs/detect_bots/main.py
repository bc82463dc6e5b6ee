"""Looks for accounts that listen as no person does, every quarter of an hour (F286).

Each task searches its share of the people. With an option it is the operator's tool instead:

    detect_bots --show USER
    detect_bots --clear USER --note "a radio show, ticket 4711"
    detect_bots --suspect USER --note "bought plays, ticket 4712"
    detect_bots --retract USER --note "..."       takes back what an operator said
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import logging

from shared.abuse import service, sweeping
from shared.abuse.models import Override
from shared.history import service as history
from shared.platform import telemetry
from shared.platform.settings import settings

_log = logging.getLogger(__name__)


def main() -> None:
    """Runs the job, or does what an operator asks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--show", metavar="USER", help="print the verdict on a person")
    asked.add_argument("--clear", metavar="USER", help="never suspect them, whatever they play")
    asked.add_argument("--suspect", metavar="USER", help="suspect them, whatever they play")
    asked.add_argument("--retract", metavar="USER", help="leave them to the job again")
    parser.add_argument("--note", default="", help="who says so and why; goes into the ledger")
    parser.add_argument(
        "--budget-s",
        type=float,
        default=sweeping.BUDGET_S,
        help="stop after so long; the next run goes on from there (default: %(default)g)",
    )
    options = parser.parse_args()
    telemetry.configure()
    user_id = options.clear or options.suspect or options.retract
    if user_id and not options.note:
        parser.error("--note is required: say who decided this, and why")
    if options.show:
        asyncio.run(_show(options.show))
    elif user_id:
        override: Override | None = (
            "cleared" if options.clear else "suspected" if options.suspect else None
        )
        asyncio.run(_overrule(user_id, override, options.note))
    else:
        asyncio.run(_sweep(options.budget_s))


async def _sweep(budget_s: float) -> None:
    task, tasks = settings().task_index, settings().task_count
    swept = await sweeping.sweep(history, task, tasks, budget_s)
    level = logging.WARNING if swept.unfinished else logging.INFO
    _log.log(level, "task %d of %d is done", task, tasks, extra=dataclasses.asdict(swept))


async def _show(user_id: str) -> None:
    verdict = await service.verdict_on(user_id)
    print(verdict.model_dump_json(indent=2) if verdict else f"There is no verdict on {user_id}.")


async def _overrule(user_id: str, override: Override | None, note: str) -> None:
    change = await service.overrule(user_id, override, note)
    print(f"{user_id}: {override or 'left to the job'}; suspicion {change or 'unchanged'}.")


if __name__ == "__main__":
    main()
