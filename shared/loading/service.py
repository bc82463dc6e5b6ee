"""Loads catalogue files: checked whole first, then written through the features' services.

Search finds what was loaded from its next index on: `jobs/build_search_index` reads the catalogue.

Every step is an upsert under the ids of the files, so the same load again changes nothing, and one
that broke off is simply run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from shared.analysis import service as analysis
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.ingestion import service as ingestion
from shared.loading import checks, documents, people, pictures
from shared.loading.fields import DEFAULT_DURATION_MS
from shared.loading.lines import EpisodeLine, TrackLine
from shared.loading.reading import AlbumFacts, Catalogue, read
from shared.lyrics import service as lyrics
from shared.lyrics.models import LyricsSource
from shared.podcasts import service as podcasts

T = TypeVar("T")
Progress = Callable[[str, int, int], None]  # what, how many are done, of how many

CHUNK = 1_000  # tracks or episodes at a time
CHUNKS_UNDER_WAY = 2


@dataclass(slots=True)
class Loaded:
    """How many of each kind were loaded; `uploads` are the ids of the masters that ingestion now
    works on, by track id."""

    counts: dict[str, int] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)


async def load(files: Sequence[Path], owner: str, now: datetime, progress: Progress) -> Loaded:
    """Loads `files`. `owner` may look up what becomes of the audio; `now` is what `hours_ago`
    counts from.

    Raises InvalidCatalogue before anything is written, OSError for a file that cannot be read.
    """
    catalogue = await asyncio.to_thread(read, files)
    await checks.check(catalogue)
    images = await pictures.store(catalogue)
    loaded = Loaded()

    def tell(what: str, done: int, total: int) -> None:
        loaded.counts[what] = done
        if total:
            progress(what, done, total)

    sounds = await _music(catalogue, images, tell)
    await _podcasts(catalogue, images, tell)
    await people.load(catalogue, images, now, tell)
    for track_id, file in sounds.items():
        loaded.uploads[track_id] = await ingestion.put_sound(track_id, file, owner)
        tell("masters", len(loaded.uploads), len(sounds))
    return loaded


async def replay(files: Sequence[Path], now: datetime) -> int:
    """Writes only the plays of `files`, which were loaded before, as a history that was lost
    needs it; returns how many."""
    return await people.replay(files, now)


async def _music(catalogue: Catalogue, images: pictures.Images, tell: Progress) -> dict[str, Path]:
    """Loads artists, albums and tracks; returns the audio files by track id."""
    artists = [documents.artist(one, images.of(one)) for one in catalogue.artists.values()]
    albums = {
        one.id: documents.album(
            one,
            catalogue.album_facts.get(one.id, AlbumFacts()),
            catalogue.artists,
            images.of(one),
        )
        for one in catalogue.albums.values()
    }
    await catalog.load([], list(albums.values()), artists)
    tell("artists", len(artists), len(artists))
    tell("albums", len(albums), len(albums))
    copies = {album.id: album.ref() for album in albums.values()}
    names = {one.id: one.name for one in artists}
    del artists, albums
    sounds: dict[str, Path] = {}
    done = 0

    async def work(lines: list[TrackLine]) -> None:
        nonlocal done
        silent: list[Track] = []
        sounding: list[Track] = []
        for line in lines:
            track = documents.track(line, catalogue.albums[line.album], copies[line.album], names)
            (sounding if line.audio else silent).append(track)
        await catalog.load(silent, [], [])
        for track in sounding:
            await catalog.put_track(track)
        await analysis.load([one for line in lines if (one := documents.features(line))])
        await lyrics.load([_lyrics(line) for line in lines if line.lyrics])
        sounds.update({line.id: Path(line.audio) for line in lines if line.audio})
        done += len(lines)
        tell("tracks", done, catalogue.track_count)

    await _in_chunks(catalogue.tracks(), work)
    return sounds


def _lyrics(line: TrackLine) -> LyricsSource:
    return LyricsSource(
        track_id=line.id,
        lrc=line.lyrics or "",
        duration_ms=line.duration_ms or DEFAULT_DURATION_MS,
        updated_at=documents.CREATED_AT,
    )


async def _podcasts(catalogue: Catalogue, images: pictures.Images, tell: Progress) -> None:
    shows = {
        one.id: documents.show(one, catalogue.episode_counts.get(one.id, 0), images.of(one))
        for one in catalogue.shows.values()
    }
    await podcasts.load(list(shows.values()), [])
    tell("shows", len(shows), len(shows))
    numbers: dict[str, int] = {}
    done = 0

    async def work(lines: list[EpisodeLine]) -> None:
        nonlocal done
        chunk = []
        for line in lines:
            numbers[line.show] = numbers.get(line.show, 0) + 1
            image_id = images.of(line) if line.image else None
            show_line = catalogue.shows[line.show]
            chunk.append(documents.episode(line, show_line, numbers[line.show], image_id))
        await podcasts.load([], chunk)
        done += len(chunk)
        tell("episodes", done, catalogue.episode_count)

    await _in_chunks(catalogue.episodes(), work)


async def _in_chunks(items: Iterable[T], work: Callable[[list[T]], Awaitable[None]]) -> None:
    """Calls `work` with `CHUNK` items at a time, a few calls under way at once; `items` is drawn
    as they end."""
    drawn = _chunks(iter(items))

    async def worker() -> None:
        for chunk in drawn:
            await work(chunk)

    async with asyncio.TaskGroup() as group:
        for _ in range(CHUNKS_UNDER_WAY):
            group.create_task(worker())


def _chunks(items: Iterator[T]) -> Iterator[list[T]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk
