"""`load_catalogue` with 100,000 tracks, their albums, artists, audio features and search documents.

Against a Firestore emulator of its own, with the heap that `nox -s up -- --catalogue` would give.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from emulators import google_emulators, processes
from emulators.cloud import ROOT, LocalCloud
from emulators.ports import HOST
from shared.platform.ids import content_id
from tests.bench.report import Report

TRACKS = 100_000
ROWS = Path(os.environ.get("SEGUE_TRACKS_CSV", "../shared/data/spotify_tracks/tracks.csv.gz"))
_FEATURES = ("danceability", "energy", "speechiness", "acousticness", "instrumentalness",
             "liveness", "valence", "loudness", "tempo")  # fmt: skip


def run(cloud: LocalCloud) -> None:
    """One load, and the same load again."""
    if not ROWS.exists():
        print(f"catalogue_load: skipped, there is no {ROWS} (SEGUE_TRACKS_CSV names it)")
        return
    with TemporaryDirectory(prefix="segue-load-") as temporary:
        folder = Path(temporary)
        file = folder / "catalogue.jsonl"
        counts = write(file, TRACKS)
        report = Report("catalogue_load", ", ".join(f"{n:,} {kind}s" for kind, n in counts.items()))
        heap_mb = google_emulators.firestore_heap_mb(file.stat().st_size, 0)
        with _Firestore(folder, heap_mb) as firestore:
            for what in ("load", "the same again"):
                seconds = _load(cloud, firestore, file)
                report.add(what, seconds, "s", "≤ 180 s" if what == "load" else "")
            report.add("job, peak memory", _peak_mb(), "MB")
            report.add("Firestore, memory", firestore.memory_mb(), "MB", f"≤ {heap_mb} MB")
        report.show()


class _Firestore:
    """A Firestore emulator for the `with` body."""

    def __init__(self, folder: Path, heap_mb: int) -> None:
        self._port = processes.free_port()
        self._command = google_emulators.firestore(self._port, None, heap_mb)
        self._log = folder / "firestore.log"

    @property
    def address(self) -> str:
        return f"{HOST}:{self._port}"

    def __enter__(self) -> _Firestore:
        with self._log.open("wb") as output:
            self._running = processes.popen(self._command, stdout=output, stderr=output)
        child = processes.Child("firestore", self._running, self._log)
        processes.wait_until_ready(child, processes.answers(f"http://{self.address}/"))
        return self

    def __exit__(self, *_: object) -> None:
        self._running.kill()
        self._running.wait()

    def memory_mb(self) -> float:
        return float(psutil.Process(self._running.pid).memory_info().rss / 2**20)


def _load(cloud: LocalCloud, firestore: _Firestore, file: Path) -> float:
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "emulators.job_host", "load_catalogue", str(file)],
        env={
            **os.environ,
            **cloud.environment(),
            "FIRESTORE_EMULATOR_HOST": firestore.address,
        },
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - started


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def write(file: Path, tracks: int) -> dict[str, int]:
    """A catalogue of `tracks` tracks at `file`, out of the rows of a real one, which are repeated
    under derived ids until there are enough; returns how many lines of each type."""
    counts: dict[str, int] = {}
    with file.open("w") as out:
        for line in _lines(tracks):
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            counts[line["type"]] = counts.get(line["type"], 0) + 1
    return counts


def _lines(tracks: int) -> Iterator[dict[str, Any]]:
    with gzip.open(ROWS) as packed:
        rows = list(csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8")))
    artists: set[str] = set()
    albums: set[str] = set()
    for number in range(tracks):
        turn, place = divmod(number, len(rows))
        row = rows[place]
        ids = json.loads(row["artist_ids"])
        names = row["artists"].split(", ")
        for artist_id, name in zip(ids, [*names, *ids[len(names) :]], strict=False):
            if artist_id not in artists:
                artists.add(artist_id)
                yield {
                    "type": "artist",
                    "id": artist_id,
                    "name": name or artist_id,
                    "genres": [row["genre"]] if row["genre"] else [],
                    "popularity": int(float(row["artist_popularity"] or 0)),
                }
        album_id = _derived(turn, row["album_id"])
        if album_id not in albums:
            albums.add(album_id)
            yield {
                "type": "album",
                "id": album_id,
                "name": row["album"] or "Untitled",
                "artists": ids[:1],
                "release_date": row["release_date"],
                "label": row["label_name"] or None,
            }
        yield {
            "type": "track",
            "id": _derived(turn, row["id"]),
            "name": row["name"] or "Untitled",
            "album": album_id,
            "artists": ids,
            "disc_number": int(row["disc_number"]),
            "track_number": int(row["track_number"]),
            "duration_ms": int(row["duration_ms"]),
            "explicit": row["explicit"] == "True",
            "isrc": row["isrc"] if len(row["isrc"]) == 12 and row["isrc"].isupper() else None,
            "popularity": int(float(row["popularity"] or 0)),
            "audio_features": _features(row),
        }


def _features(row: dict[str, str]) -> dict[str, float] | None:
    if not row["tempo"]:
        return None
    return {
        **{name: float(row[name]) for name in _FEATURES},
        "key": int(float(row["key"])),
        "mode": int(float(row["mode"])),
        "time_signature": max(int(float(row["time_signature"])), 3),
    }


def _derived(turn: int, item_id: str) -> str:
    return item_id if turn == 0 else content_id("repeated", str(turn), item_id)
