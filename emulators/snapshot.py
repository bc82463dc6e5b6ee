"""Firestore's contents between two runs.

The emulator keeps everything in memory, but can export it to a folder and start from such an
export. An export is made when the cloud is ready and again when it stops in good order; the name
of the last whole one is in `current`. After a `kill -9` the next start goes on from that one and
the masters bucket tells what is missing since.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import httpx

EXPORT_TIMEOUT_S = 300.0  # seconds on an idle machine, minutes on a busy one


class Snapshots:
    """The exports below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = folder / "catalogues.json"

    def last(self) -> Path | None:
        """The metadata file of the last whole export, None where there is none."""
        pointer = self._folder / "current"
        if not pointer.exists():
            return None
        name = pointer.read_text()
        metadata = self._folder / name / f"{name}.overall_export_metadata"
        return metadata if metadata.exists() else None

    def size_bytes(self) -> int:
        """Size of the last whole export, 0 where there is none."""
        last = self.last()
        if last is None:
            return 0
        return sum(path.stat().st_size for path in last.parent.rglob("*") if path.is_file())

    def held(self) -> set[str]:
        """Digests of the catalogue files whose contents the last whole export holds."""
        if self.last() is None or not self._held.exists():
            return set()
        return set(json.loads(self._held.read_text()))

    def hold(self, digests: set[str]) -> None:
        """Notes that the last export holds what those files say, besides what it held before."""
        self._held.write_text(json.dumps(sorted(self.held() | digests)))

    def take(self, firestore: str, project: str) -> None:
        """Exports everything; whatever fails leaves the last export in force."""
        name = f"export-{time.time_ns()}"
        self._folder.mkdir(parents=True, exist_ok=True)
        httpx.post(
            f"http://{firestore}/emulator/v1/projects/{project}:export",
            json={
                "database": f"projects/{project}/databases/(default)",
                "export_directory": str(self._folder),
                "export_name": name,
            },
            timeout=EXPORT_TIMEOUT_S,
        ).raise_for_status()
        pointer = self._folder / "current.tmp"
        pointer.write_text(name)
        pointer.replace(self._folder / "current")
        for old in self._folder.glob("export-*"):
            if old.name != name:
                shutil.rmtree(old, ignore_errors=True)

    def forget(self) -> None:
        """Drops every export."""
        shutil.rmtree(self._folder, ignore_errors=True)
