"""The music of the demo catalogue: four albums, ten tracks, made at the first start and kept.

`make(state)` writes tagged FLAC masters with covers to `state/demo-masters`, each with a sidecar
`<file>.features.json` of its length and audio features. `emulators.demo_catalogue` puts the
catalogue around them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from emulators.demo_features import measure
from emulators.demo_synth import RATE_HZ, Band, Style

VERSION = "2"  # change it with anything audible: old masters are made anew
FOLDER = "demo-masters"
WORKERS = 2

Progress = Callable[[int, int, str], None]  # done, total, what was finished

BUSIEST_TRACK = "All Channels Open"  # broadband from start to end: encoders reach their rate
EXPLICIT_TRACK = "Overload"
RESTRICTED_TRACK = "Last Ferry"
RESTRICTED_TO = ("AT", "AU", "BE", "CA", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "NL",
                 "NO", "NZ", "PL", "PT", "SE", "US")  # fmt: skip
NOT_LICENSED_IN = "JP"  # for one: `RESTRICTED_TRACK` is refused there


@dataclass(frozen=True, slots=True)
class DemoTrack:
    """A track and how it sounds."""

    title: str
    seconds: float
    style: Style
    artists: tuple[str, ...] = ()  # the album's where empty
    explicit: bool = False
    territories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DemoAlbum:
    """An album with its tags."""

    title: str
    artist: str
    genre: str
    date: str
    upc: str
    label: str
    cover: str
    tracks: tuple[DemoTrack, ...] = field(default=())


ALBUMS: tuple[DemoAlbum, ...] = (
    DemoAlbum(
        "Coastline After Dark", "Aster Lane", "Synthwave", "2024-06-21", "860001000016",
        "Parallel Pressings", "sun",
        (
            DemoTrack("Neon Esplanade", 60, Style(
                104, 57, "minor", (0, 5, 2, 6), pad=0.9, pad_brightness=12, bass=0.9,
                bass_pattern=(0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), drums="four", melody=0.8,
                melody_instrument="lead", arpeggio=0.8, echo=0.5)),
            DemoTrack("Tail Lights", 52, Style(
                96, 52, "dorian", (0, 3, 5, 4), pad=1.0, pad_brightness=12, bass=0.8,
                bass_pattern=(0, 0.75, 1.5, 2, 2.75, 3.5), drums="four", melody=0.7,
                melody_instrument="bell", melody_density=0.45, arpeggio=0.6, echo=0.5, peak=0.95)),
            DemoTrack("Glass Elevator", 45, Style(
                118, 59, "mixolydian", (0, 6, 3, 0), pad=0.6, pad_brightness=6, bass=0.9,
                bass_pattern=(0.5, 1.5, 2.5, 3.5), drums="four", melody=0.9,
                melody_instrument="pluck", melody_density=0.7, arpeggio=0.5, peak=0.6)),
        ),
    ),
    DemoAlbum(
        "Slow Harbour", "The Paper Lanterns", "Ambient", "2023-11-03", "860001000023",
        "Tidewater", "harbour",
        (
            DemoTrack("Moorings", 75, Style(
                62, 50, "major", (0, 3, 5, 4), pad=1.2, pad_brightness=3, bass=0.4,
                bass_pattern=(0,), melody=0.9, melody_density=0.35, echo=0.8, peak=0.35)),
            DemoTrack(RESTRICTED_TRACK, 58, Style(
                70, 48, "dorian", (0, 4, 3, 6), pad=1.0, pad_brightness=3, bass=0.5,
                bass_pattern=(0, 2.5), drums="soft", drum_level=0.35, melody=0.8,
                melody_density=0.4, echo=0.7, peak=0.4), territories=RESTRICTED_TO),
            DemoTrack("Lamplight on Water", 50, Style(
                54, 55, "major", (5, 3, 0, 4), pad=0.9, pad_brightness=6, bass=0.3,
                bass_pattern=(0,), melody=1.0, melody_instrument="pluck", melody_density=0.5,
                echo=0.9, peak=0.3)),
        ),
    ),
    DemoAlbum(
        "Midnight Arithmetic", "Kora Venn", "Jazz", "2025-02", "860001000030",
        "Blue Room", "paper",
        (
            DemoTrack("Carry the One", 55, Style(
                88, 53, "dorian", (1, 4, 0, 5), pad=0.7, pad_brightness=3, bass=1.0,
                bass_pattern=(0, 1, 2, 3), drums="swing", drum_level=0.6, melody=1.0,
                melody_instrument="bell", melody_density=0.6, echo=0.3, peak=0.7)),
            DemoTrack("Remainder", 42, Style(
                76, 56, "minor", (0, 3, 6, 2), pad=0.9, pad_brightness=3, bass=0.9,
                bass_pattern=(0, 1.66, 2, 3.66), drums="swing", drum_level=0.5, melody=0.9,
                melody_instrument="pluck", melody_density=0.5, echo=0.4, peak=0.55),
                artists=("Kora Venn", "Aster Lane")),
        ),
    ),
    DemoAlbum(
        "Static Bloom", "Neon Cartographers", "Noise Pop", "2026", "860001000047",
        "Parallel Pressings", "signal",
        (
            DemoTrack(EXPLICIT_TRACK, 48, Style(
                172, 52, "minor", (0, 0, 5, 6), pad=0.6, pad_brightness=12, bass=1.0,
                bass_pattern=(0, 1.5, 2.5, 3), drums="break", melody=0.6,
                melody_instrument="lead", arpeggio=0.4, echo=0.25, wash=0.08, drive=1.5,
                peak=0.98), explicit=True),
            DemoTrack(BUSIEST_TRACK, 64, Style(
                140, 50, "minor", (0, 5, 3, 4), pad=0.9, pad_brightness=12, bass=0.9,
                bass_pattern=(0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), drums="break", melody=0.7,
                melody_instrument="lead", melody_density=0.7, arpeggio=0.9, echo=0.4, wash=0.6,
                drive=1.5, peak=0.98)),
        ),
    ),
)  # fmt: skip


def make(state: Path, progress: Progress | None = None) -> list[Path]:
    """The masters of the demo catalogue in `state/demo-masters`, made if they are not there.

    `progress` is called from this thread as tracks are finished.
    """
    folder = state / FOLDER
    stamp = folder / "VERSION"
    wanted = {path_of(folder, album, number): (album, number)
              for album in ALBUMS for number in range(1, len(album.tracks) + 1)}  # fmt: skip
    if folder.exists() and (not stamp.exists() or stamp.read_text() != VERSION):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stamp.write_text(VERSION)
    missing = {path: what for path, what in wanted.items() if not path.exists()}
    done = len(wanted) - len(missing)
    with ThreadPoolExecutor(WORKERS) as pool:
        tasks = {pool.submit(_make, path, *what): path for path, what in missing.items()}
        for task in as_completed(tasks):
            task.result()
            done += 1
            if progress:
                progress(done, len(wanted), tasks[task].stem)
    return list(wanted)


def features_of(master: Path) -> Path:
    """Where the length and the audio features of a master stand, as JSON."""
    return master.with_suffix(".features.json")


def isrc_of(album: DemoAlbum, number: int) -> str:
    """The ISRC of the `number`th track."""
    return f"QZSEG26{ALBUMS.index(album) + 1:02d}{number:03d}"


def album_of(title: str) -> str:
    """The title of the album that has the track `title`."""
    return next(album.title for album in ALBUMS for one in album.tracks if one.title == title)


def path_of(folder: Path, album: DemoAlbum, number: int) -> Path:
    title = album.tracks[number - 1].title
    return folder / album.artist / album.title / f"{number:02d} - {title}.flac"


def _make(path: Path, album: DemoAlbum, number: int) -> None:
    track = album.tracks[number - 1]
    disc = ALBUMS.index(album)
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = Band(track.style, track.seconds, seed=100 * (disc + 1) + number).play()
    facts = {
        "duration_ms": round(samples.shape[1] * 1000 / RATE_HZ),
        "audio_features": measure(track.style, samples),
    }
    features_of(path).write_text(json.dumps(facts))
    part = path.with_suffix(".part")
    pcm = (samples.T * 32767).round().astype("<i2").tobytes()
    _encode(pcm, part)
    _tag(part, album, number, isrc=isrc_of(album, number))
    part.rename(path)  # last: what is there is whole


def _encode(pcm: bytes, target: Path) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    command = [get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y"]
    command += ["-f", "s16le", "-ar", str(RATE_HZ), "-ac", "2", "-i", "-"]
    command += ["-c:a", "flac", "-f", "flac", str(target)]
    subprocess.run(command, input=pcm, check=True, timeout=120)


@cache
def _cover(design: str) -> bytes:
    from emulators.demo_covers import png

    return png(design)


def _tag(path: Path, album: DemoAlbum, number: int, isrc: str) -> None:
    from mutagen.flac import FLAC, Picture

    track = album.tracks[number - 1]
    file: Any = FLAC(path)
    file["title"] = track.title
    file["artist"] = list(track.artists or (album.artist,))
    file["album"] = album.title
    file["albumartist"] = album.artist
    file["date"] = album.date
    file["genre"] = album.genre
    file["label"] = album.label
    file["barcode"] = album.upc
    file["isrc"] = isrc
    file["tracknumber"] = str(number)
    file["tracktotal"] = str(len(album.tracks))
    file["discnumber"] = "1"
    if track.explicit:
        file["itunesadvisory"] = "1"
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/png", _cover(album.cover)
    picture.width = picture.height = 640
    picture.depth = 24
    file.add_picture(picture)
    file.save()
