"""Firestore's contents between two runs.

The emulator keeps everything in memory, but can export it to a folder and start from such an
export. An export is made when the cloud is ready and again when it stops in good order; the name
of the last whole one is in `current`. After a `kill -9` the next start goes on from that one and
the masters bucket tells what is missing since.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import httpx


class Snapshots:
    """The exports below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def last(self) -> Path | None:
        """The metadata file of the last whole export, None where there is none."""
        pointer = self._folder / "current"
        if not pointer.exists():
            return None
        name = pointer.read_text()
        metadata = self._folder / name / f"{name}.overall_export_metadata"
        return metadata if metadata.exists() else None

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
            timeout=60,
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
