"""Loads a catalogue: JSON Lines of artists, albums, tracks, shows, episodes, playlists, users …

The format is told in shared/loading/lines.py. Counts go to standard error as they grow; standard
output gets one line of JSON: {"loaded": {kind: count}, "uploads": {track id: upload id}}, where
the uploads are the audio files that ingestion works on from then on. Exit status 2 means that the
files have faults, which are listed, and that nothing was loaded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from shared.loading import lines, service
from shared.loading.faults import InvalidCatalogue

OWNER = "catalogue"


def main() -> None:
    """Runs the job."""
    options = _options()
    now = options.now or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    try:
        with _on_disk(options.files, bool(options.replay)) as files:
            loaded = asyncio.run(_load(files, options.replay, options.owner, now))
    except (InvalidCatalogue, OSError) as fault:
        print(fault, file=sys.stderr)
        sys.exit(2)
    print(json.dumps({"loaded": loaded.counts, "uploads": loaded.uploads}))


async def _load(
    files: Sequence[Path], replayed: Sequence[Path], owner: str, now: datetime
) -> service.Loaded:
    loaded = await service.load(files, owner, now, _tell)
    plays = await service.replay(replayed, now)
    loaded.counts["plays"] = loaded.counts.get("plays", 0) + plays
    return loaded


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=lines.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        help="JSON Lines; - is standard input, as is nothing at all (without --replay)",
    )
    parser.add_argument(
        "--owner",
        default=OWNER,
        help="id of the user who may look the audio's uploads up (default: %(default)s)",
    )
    parser.add_argument(
        "--now",
        type=_moment,
        help="RFC 3339 time that `hours_ago` counts from; the same one again adds no plays "
        "(default: the beginning of this hour)",
    )
    parser.add_argument(
        "--replay",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="write only the plays of this file, which was loaded before; may be repeated",
    )
    return parser.parse_args()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("a time needs its zone, for example 2026-01-31T12:00:00Z")
    return moment


@contextmanager
def _on_disk(files: Sequence[Path], may_be_none: bool) -> Iterator[list[Path]]:
    """The files, which are read twice; standard input is kept beside them for as long."""
    if (files or may_be_none) and Path("-") not in files:
        yield list(files)
        return
    # In the working directory, since paths in it are relative to that.
    with tempfile.NamedTemporaryFile(prefix="stdin-", suffix=".jsonl", dir=Path.cwd()) as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        kept.flush()
        yield [*(file for file in files if file != Path("-")), Path(kept.name)]


def _tell(what: str, done: int, total: int) -> None:
    print(f"{what} {done}/{total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
