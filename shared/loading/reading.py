"""Catalogue files read and checked as a whole, before anything is written.

Tracks and episodes, of which there may be hundreds of thousands, are read a second time when they
are loaded; only what others need of them is kept: that they exist, and what they add to albums.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared.loading.faults import Faults, messages
from shared.loading.fields import DEFAULT_DURATION_MS, Reference
from shared.loading.lines import (
    ADAPTER,
    AlbumLine,
    ArtistLine,
    CategoryLine,
    ClientLine,
    DeviceLine,
    EpisodeLine,
    FeaturedLine,
    Line,
    PlaylistLine,
    ShowLine,
    TrackLine,
    UserLine,
)
from shared.lyrics import lrc
from shared.platform.errors import InvalidInput

# What these name must be in the same load: their documents carry copies of it.
_COPIED = {
    "track": ("album", "artist"),
    "album": ("artist",),
    "episode": ("show",),
    "device": ("user",),
}
_FILE_FIELDS = ("image", "audio")


@dataclass(slots=True)
class AlbumFacts:
    """What the tracks of an album say about it; `territories` None is everywhere."""

    tracks: int = 0
    territories: set[str] | None = field(default_factory=set)
    artists: set[str] = field(default_factory=set)

    def add(self, track: TrackLine) -> None:
        """Counts `track` in."""
        self.tracks += 1
        self.artists.update(track.artists or ())
        if not track.territories:
            self.territories = None
        elif self.territories is not None:
            self.territories.update(track.territories)


@dataclass(slots=True)
class Catalogue:
    """A load without faults, but for references that the stored catalogue must satisfy
    (`open_references`, each with the place that names it)."""

    files: tuple[Path, ...]
    artists: dict[str, ArtistLine] = field(default_factory=dict)
    albums: dict[str, AlbumLine] = field(default_factory=dict)
    shows: dict[str, ShowLine] = field(default_factory=dict)
    playlists: list[PlaylistLine] = field(default_factory=list)
    users: list[UserLine] = field(default_factory=list)
    clients: list[ClientLine] = field(default_factory=list)
    categories: list[CategoryLine] = field(default_factory=list)
    featured: list[FeaturedLine] = field(default_factory=list)
    devices: list[DeviceLine] = field(default_factory=list)
    album_facts: dict[str, AlbumFacts] = field(default_factory=dict)
    episode_counts: dict[str, int] = field(default_factory=dict)
    episode_images: dict[str, str] = field(default_factory=dict)  # path -> file:line
    places: dict[tuple[str, str], str] = field(default_factory=dict)  # (kind, id) -> file:line
    open_references: dict[Reference, str] = field(default_factory=dict)
    track_count: int = 0
    episode_count: int = 0

    def tracks(self) -> Iterator[TrackLine]:
        """The tracks, read again; each has its `track_number`."""
        placed: dict[tuple[str, int], int] = {}
        for line in self._again(b'"track"', TrackLine):
            assert isinstance(line, TrackLine)
            disc = (line.album, line.disc_number)
            placed[disc] = placed.get(disc, 0) + 1
            if line.track_number is None:
                line = line.model_copy(update={"track_number": placed[disc]})
            yield line

    def episodes(self) -> Iterator[EpisodeLine]:
        """The episodes, read again."""
        for line in self._again(b'"episode"', EpisodeLine):
            assert isinstance(line, EpisodeLine)
            yield line

    def _again(self, mark: bytes, kind: type[TrackLine | EpisodeLine]) -> Iterator[Line]:
        for file in self.files:
            for _, text in _lines(file):
                if mark in text:  # spares most others their parsing
                    line = ADAPTER.validate_json(text)
                    if isinstance(line, kind):
                        yield _with_whole_paths(line, file.parent)


def read(files: Sequence[Path]) -> Catalogue:
    """The catalogue in `files`. Raises InvalidCatalogue with every fault, OSError for a file that
    cannot be read."""
    catalogue, faults = Catalogue(tuple(files)), Faults()
    references: dict[Reference, str] = {}
    copied: dict[Reference, str] = {}
    for file in files:
        for number, text in _lines(file):
            where = f"{file.name}:{number}"
            line = _parsed(text, where, faults)
            if line is None:
                continue
            _check_files(line, file.parent, where, faults)
            _keep(catalogue, _with_whole_paths(line, file.parent), where, faults)
            for reference in line.references():
                needed = reference[0] in _COPIED.get(line.type, ())
                (copied if needed else references).setdefault(reference, where)
    _close(catalogue, references, copied, faults)
    faults.check()
    return catalogue


def users(files: Sequence[Path]) -> Iterator[UserLine]:
    """The people in `files`, which were read and found good before."""
    for file in files:
        for _, text in _lines(file):
            if b'"user"' in text:
                line = ADAPTER.validate_json(text)
                if isinstance(line, UserLine):
                    yield line


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    with file.open("rb") as stream:
        for number, text in enumerate(stream, start=1):
            if text.strip():
                yield number, text


def _parsed(text: bytes, where: str, faults: Faults) -> Line | None:
    try:
        return ADAPTER.validate_json(text)
    except ValidationError as error:
        try:
            raw: Any = json.loads(text)
        except ValueError as fault:
            faults.add(where, f"not JSON ({fault}); each line is one whole JSON object")
            return None
        if not isinstance(raw, dict):
            faults.add(where, "not a JSON object; each line is one, with a `type`")
            return None
        about = ""
        if "type" in raw and (name := raw.get("id")):
            about = f"{raw['type']} {name}: "
        for message in messages(error, raw):
            faults.add(where, about + message)
        return None


def _check_files(line: Line, root: Path, where: str, faults: Faults) -> None:
    for path in line.files():
        if not (root / path).is_file():
            faults.add(where, f"there is no file {path!r} beside the catalogue, in {root}")


def _check_lyrics(line: TrackLine, where: str, faults: Faults) -> None:
    try:
        lrc.parse(line.lyrics or "", line.duration_ms or DEFAULT_DURATION_MS)
    except InvalidInput as fault:
        faults.add(where, f"track {line.id}: `lyrics`: {fault.message}")


def _with_whole_paths(line: Line, root: Path) -> Any:
    found = {name: str(root / path) for name in _FILE_FIELDS if (path := getattr(line, name, None))}
    return line.model_copy(update=found) if found else line


def _keep(catalogue: Catalogue, line: Line, where: str, faults: Faults) -> None:
    keys = list(_keys(line))
    for key in keys:
        if key in catalogue.places:
            kind, name = key
            faults.add(where, f"{kind} {name!r} is at {catalogue.places[key]} already; keep one")
            return
    catalogue.places.update(dict.fromkeys(keys, where))
    match line:
        case ArtistLine():
            catalogue.artists[line.id] = line
        case AlbumLine():
            catalogue.albums[line.id] = line
        case TrackLine():
            catalogue.track_count += 1
            if line.lyrics is not None:
                _check_lyrics(line, where, faults)
            catalogue.album_facts.setdefault(line.album, AlbumFacts()).add(line)
        case ShowLine():
            catalogue.shows[line.id] = line
        case EpisodeLine():
            catalogue.episode_count += 1
            count = catalogue.episode_counts.get(line.show, 0)
            catalogue.episode_counts[line.show] = count + 1
            if line.image:
                catalogue.episode_images.setdefault(line.image, where)
        case PlaylistLine():
            catalogue.playlists.append(line)
        case UserLine():
            catalogue.users.append(line)
        case ClientLine():
            catalogue.clients.append(line)
        case CategoryLine():
            catalogue.categories.append(line)
        case FeaturedLine():
            catalogue.featured.append(line)
        case DeviceLine():
            catalogue.devices.append(line)


def _keys(line: Line) -> Iterator[tuple[str, str]]:
    """What the line alone may be, of all lines."""
    match line:
        case ClientLine():
            yield "client", line.client_id
        case FeaturedLine():
            yield "featured", line.market or "any"
        case DeviceLine():
            yield "device", f"{line.user}/{line.name}"
        case UserLine():
            yield "user", line.id
            yield "username", (line.username or line.id).lower()
            yield "email", (line.email or f"{line.id}@segue.example").lower()
        case _:
            yield line.type, line.id


def _close(
    catalogue: Catalogue,
    references: dict[Reference, str],
    copied: dict[Reference, str],
    faults: Faults,
) -> None:
    for reference, where in copied.items():
        if reference not in catalogue.places:
            kind, name = reference
            faults.add(where, f"there is no {kind} {name!r}: add its line to this load")
    for reference, where in references.items():
        if reference not in catalogue.places:
            catalogue.open_references[reference] = where
