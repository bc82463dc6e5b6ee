"""Measures what new tracks sound like, every quarter of an hour (F031, F197).

Tracks whose sound was published in the last three days get their audio features from their masters,
each task its share; `/v1/audio-features` serves them. A track that was measured already is left
alone, so a run that was killed is continued by the next. Prints what it did as JSON.

    analyze_audio --all            tracks of any age: after a new version of the extractor, or after
                                   the database was lost
    analyze_audio --track ID       one track, anew
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import logging
import sys

from shared.ingestion import analyzing
from shared.platform import telemetry
from shared.platform.errors import DomainError
from shared.platform.settings import settings


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="look at tracks of any age")
    which.add_argument("--track", metavar="ID", help="measure this track, whatever it has")
    parser.add_argument("--force", action="store_true", help="measure those that are measured, too")
    parser.add_argument("--limit", type=int, metavar="N", help="measure at most N tracks")
    options = parser.parse_args()
    if options.limit is not None and options.limit < 1:
        parser.error("--limit must be at least 1")
    telemetry.configure()
    task, tasks = settings().task_index, settings().task_count
    if options.track:
        work = analyzing.analyze_track(options.track)
    else:
        work = analyzing.analyze(
            task, tasks, whole=options.all, force=options.force, limit=options.limit
        )
    try:
        analyzed = asyncio.run(work)
    except DomainError as error:
        logging.getLogger(__name__).error("%s", error)
        sys.exit(1)
    print(json.dumps({"task": task, **dataclasses.asdict(analyzed)}))


if __name__ == "__main__":
    main()
