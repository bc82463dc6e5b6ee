"""Metadata that survives `kill -9`: a snapshot, and the changes since it.

A change is one JSON line, handed to the operating system before the request is answered; the
snapshot is written at start, at exit, and when the journal has grown. Losing power may lose the
last lines (no fsync); losing the process may not.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMPACT_AT_BYTES = 16 << 20

logger = logging.getLogger(__name__)


class Journal:
    """Two files under `root`; not thread safe, its owner holds a lock."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._snapshot = root / "metadata.json"
        self._path = root / "journal.jsonl"
        self._file: Any = None
        self._size = 0

    def load(self) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
        """The last snapshot ({} where there is none) and the changes after it, oldest first.

        A line that the process did not finish writing was never acknowledged: it is dropped.
        """
        snapshot: dict[str, Any] = {}
        try:
            snapshot = json.loads(self._snapshot.read_bytes())
        except FileNotFoundError:
            pass
        except ValueError:
            logger.warning("unreadable snapshot %s: starting from the journal", self._snapshot)
        return snapshot, self._changes()

    def _changes(self) -> Iterator[dict[str, Any]]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    logger.warning("dropped an unfinished line of %s", self._path)

    def append(self, change: dict[str, Any]) -> bool:
        """Record one change; True when a snapshot is due."""
        if self._file is None:
            self._file = self._path.open("ab", buffering=0)
            self._size = self._file.tell()
        line = json.dumps(change, separators=(",", ":")).encode() + b"\n"
        self._file.write(line)
        self._size += len(line)
        return self._size > COMPACT_AT_BYTES

    def compact(self, snapshot: dict[str, Any]) -> None:
        """Replace the snapshot and start an empty journal.

        Killed between the two steps, the old changes are replayed onto the new snapshot, which
        leaves it as it is: each change states a whole record.
        """
        aside = self._snapshot.with_suffix(".new")
        with aside.open("w") as file:
            file.write(json.dumps(snapshot, separators=(",", ":")))
            file.flush()
            os.fsync(file.fileno())  # the journal that it replaces is about to go
        aside.replace(self._snapshot)
        self.close()
        self._file = self._path.open("wb", buffering=0)
        self._size = 0

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
