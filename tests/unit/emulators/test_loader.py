"""What the local cloud knows of the catalogues that it is filled with."""

from __future__ import annotations

import io
import json
from pathlib import Path

import psutil
from rich.console import Console

from emulators import google_emulators, loader
from emulators.snapshot import Snapshots


def _export(folder: Path, name: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / f"{name}.overall_export_metadata").write_text("12345")
    (folder / "current").write_text(name)


def test_an_export_knows_which_files_it_holds_and_forgets_them_with_it(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "firestore")
    assert snapshots.held() == set()
    assert snapshots.size_bytes() == 0
    _export(tmp_path / "firestore", "export-1")
    snapshots.hold({"a"})
    snapshots.hold({"b"})
    assert snapshots.held() == {"a", "b"}
    assert snapshots.size_bytes() == 5
    (tmp_path / "firestore" / "current").unlink()
    assert snapshots.held() == set()  # a digest without its export would leave a start empty
    snapshots.forget()
    assert snapshots.last() is None


def test_the_heap_grows_with_the_catalogue_and_stays_within_the_machine() -> None:
    small = google_emulators.firestore_heap_mb(0, 0)
    assert small == google_emulators.HEAP_MB
    assert google_emulators.firestore_heap_mb(1_000_000, 0) > small
    assert google_emulators.firestore_heap_mb(0, 1_000_000) > small
    memory_mb = psutil.virtual_memory().total / 2**20
    assert google_emulators.firestore_heap_mb(10**12, 10**12) <= memory_mb * 2 / 3
    assert f"-Xmx{small}m" in " ".join(google_emulators._java(small))


def test_speakers_sign_in_as_the_users_of_their_lines(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text(
        json.dumps({"type": "device", "user": "u", "name": "Kitchen"})
        + "\n"
        + json.dumps({"type": "device", "user": "v"})
    )
    second.write_text(
        json.dumps({"type": "user", "id": "u", "username": "Uma", "password": "12345678"})
        + "\n"
        + json.dumps({"type": "user", "id": "v", "password": "87654321"})
    )
    assert loader.speakers([first, second]) == [
        {"username": "Uma", "password": "12345678", "name": "Kitchen"},
        {"username": "v", "password": "87654321"},
    ]


def test_counts_become_bars_and_the_rest_is_kept() -> None:
    said = io.StringIO("tracks 1/2\nf.jsonl:1: `id` is missing\ntracks 2/2\nnot 1/x a count\n")
    screen = io.StringIO()
    kept = loader._show(Console(file=screen, force_terminal=True, width=80), said)
    assert list(kept) == ["f.jsonl:1: `id` is missing", "not 1/x a count"]
    assert "Loading tracks" in screen.getvalue()
