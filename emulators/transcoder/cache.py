"""Encoded streams and measurements by content, so that nothing is computed twice.

Files appear under their final name by rename, so a reader never sees half of one. Readers get a
hard link, so evicting an entry cannot pull it from under a running job.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

DEFAULT_MAX_BYTES = 10 * 2**30


def cache_key(*parts: object) -> str:
    """A name for what `parts` (JSON values) determine, 64 hex digits."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class Cache:
    """A bounded directory of files, the least recently used going first."""

    def __init__(self, root: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._root = root
        self._max_bytes = max_bytes
        root.mkdir(parents=True, exist_ok=True)
        for leftover in root.glob("*/*.part"):
            leftover.unlink(missing_ok=True)

    def _path(self, key: str, suffix: str) -> Path:
        return self._root / key[:2] / f"{key}{suffix}"

    def fetch(self, key: str, suffix: str, target: Path) -> bool:
        """Links the entry to `target`; False when there is none."""
        entry = self._path(key, suffix)
        try:
            _link(entry, target)
        except FileNotFoundError:
            return False
        os.utime(entry)
        return True

    def store(self, key: str, suffix: str, file: Path) -> None:
        """Takes a copy (a link where possible) of a finished file."""
        entry = self._path(key, suffix)
        entry.parent.mkdir(exist_ok=True)
        part = entry.with_name(f"{entry.name}.{os.getpid()}.part")
        part.unlink(missing_ok=True)
        _link(file, part)
        part.rename(entry)
        os.utime(entry)
        self._evict(keep=entry)

    def fetch_json(self, key: str) -> Any | None:
        """The stored JSON value, or None."""
        entry = self._path(key, ".json")
        try:
            value = json.loads(entry.read_text())
        except (FileNotFoundError, ValueError):
            return None
        os.utime(entry)
        return value

    def store_json(self, key: str, value: Any) -> None:
        """Stores a small JSON value."""
        entry = self._path(key, ".json")
        entry.parent.mkdir(exist_ok=True)
        part = entry.with_name(f"{entry.name}.{os.getpid()}.part")
        part.write_text(json.dumps(value))
        part.rename(entry)

    def _evict(self, keep: Path) -> None:
        entries = [(path, path.stat()) for path in self._root.glob("*/*") if path.is_file()]
        total = sum(stat.st_size for _, stat in entries)
        for path, stat in sorted(entries, key=lambda entry: entry[1].st_mtime_ns):
            if total <= self._max_bytes:
                return
            if path != keep:
                path.unlink(missing_ok=True)
                total -= stat.st_size
                log.info("evicted %s (%d bytes)", path.name, stat.st_size)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        shutil.copyfile(source, target)  # another file system, or one without links
