"""Writes the features of a day's end to the lake as Parquet, every night for the day before (F208).

    features/{user,track,pair}/day=2026-01-31/part-00000.parquet, ..., _SUCCESS

A day that is there is not made again; a run that was cut off is taken up where it was. The same
features are served from Bigtable as of now: shared/signals/features.py defines both.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
from datetime import UTC, date, datetime, timedelta

from shared.platform import telemetry
from shared.platform.errors import InvalidInput, Unavailable
from shared.signals import exporting


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--day",
        type=date.fromisoformat,
        default=datetime.now(UTC).date() - timedelta(days=1),
        help="the day, 2026-01-31 for example (default: yesterday, in UTC)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="make and count the features, store nothing"
    )
    parser.add_argument(
        "--force", action="store_true", help="make a day again that is there already"
    )
    options = parser.parse_args()
    telemetry.configure()
    try:
        exported = asyncio.run(
            exporting.export(options.day, dry_run=options.dry_run, force=options.force)
        )
    except InvalidInput as error:
        parser.error(str(error))
    except Unavailable as error:
        sys.exit(f"{error}. Run the job again: it goes on where it was.")
    print(json.dumps({"day": str(options.day), **dataclasses.asdict(exported)}))


if __name__ == "__main__":
    main()
