"""Judges experiments every hour: stops those that harm, and writes how all of them go (F214-F217).

The pages lie in the bucket `reports`, experiments/index.html first. With another option it is the
operator's tool (shared/experiments/README.md):

    experiment_report --list
    experiment_report --define FILE             JSON; again, to add people to one that runs
    experiment_report --start NAME
    experiment_report --stop NAME --note "..."
    experiment_report --conclude NAME --winner VARIANT --note "..."
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import logging
import sys
from pathlib import Path

from pydantic import ValidationError

from shared.experiments import service
from shared.experiments.models import Experiment
from shared.platform import telemetry
from shared.platform.errors import DomainError

_log = logging.getLogger(__name__)


def main() -> None:
    """Runs the job, or does what an operator asks."""
    parser = _parser()
    options = parser.parse_args()
    telemetry.configure()
    if options.conclude and not options.winner:
        parser.error("--winner is required: which variant the audience is to have")
    if (options.stop or options.conclude) and not options.note:
        parser.error("--note is required: say who decided this, and why")
    try:
        if options.list:
            print(asyncio.run(_listed()))
        elif options.define:
            wanted = _definition(parser, options.define)
            print(asyncio.run(service.define(wanted)).model_dump_json(indent=2))
        elif options.start:
            _tell(asyncio.run(service.start(options.start)))
        elif options.stop:
            reason = f"by an operator: {options.note}"
            _tell(asyncio.run(service.stop(options.stop, reason, options.note)))
        elif options.conclude:
            act = service.conclude(options.conclude, options.winner, options.note)
            _tell(asyncio.run(act))
        else:
            asyncio.run(_judge(options.only))
    except DomainError as error:
        parser.exit(1, f"{error.message}\n")


async def _judge(only: list[str]) -> None:
    from shared.experiments import judging

    judged = await judging.judge(only)
    _log.info("experiments are judged", extra=dataclasses.asdict(judged))
    if judged.failed:
        sys.exit(f"Not judged: {', '.join(judged.failed)}; the log says why.")


async def _listed() -> str:
    found = await service.everything()
    lines = [f"{one.name:40} {one.status:10} {one.about}" for one in found.values()]
    return "\n".join(lines) or "There are none; --define makes one."


def _definition(parser: argparse.ArgumentParser, source: str) -> Experiment:
    try:
        text = source
        if not source.lstrip().startswith("{"):
            text = sys.stdin.read() if source == "-" else Path(source).read_text()
        return Experiment.model_validate_json(text)
    except OSError as error:
        parser.exit(1, f"{source} cannot be read: {error.strerror}\n")
    except ValidationError as error:
        faults = [
            f"  {'.'.join(map(str, one['loc'])) or 'definition'}: "
            + one["msg"].removeprefix("Value error, ")
            for one in error.errors()
        ]
        parser.exit(1, "\n".join(["The definition is not valid:", *faults, ""]))


def _tell(experiment: Experiment) -> None:
    print(f"{experiment.name} is {experiment.status}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--list", action="store_true", help="print all, with their status")
    asked.add_argument(
        "--define",
        metavar="FILE",
        help="store a definition, as a draft where it is new; `-`: from stdin; or the JSON itself",
    )
    asked.add_argument("--start", metavar="NAME", help="have a draft run")
    asked.add_argument("--stop", metavar="NAME", help="everybody has control within a minute")
    asked.add_argument("--conclude", metavar="NAME", help="the audience has --winner")
    asked.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        default=[],
        help="judge this one; may be repeated",
    )
    parser.add_argument("--winner", metavar="VARIANT", default="")
    parser.add_argument("--note", default="", help="who says so and why; stands on the page")
    return parser


if __name__ == "__main__":
    main()
