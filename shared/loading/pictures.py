"""The pictures of a catalogue: those that its lines bring, and a few drawn ones for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.ingestion import artwork, covers
from shared.loading.documents import drawn_for
from shared.loading.faults import Faults
from shared.loading.lines import AlbumLine, ArtistLine, CategoryLine, EpisodeLine, ShowLine
from shared.loading.reading import Catalogue

Pictured = ArtistLine | AlbumLine | ShowLine | EpisodeLine | CategoryLine
UNDER_WAY = 4


@dataclass(frozen=True, slots=True)
class Images:
    """Image ids of stored pictures, by path and by what was drawn for."""

    by_path: dict[str, str]
    drawn: dict[str, str]

    def of(self, line: Pictured) -> str:
        """The image id for `line`."""
        return self.by_path[line.image] if line.image else self.drawn[drawn_for(line.id)]


async def store(catalogue: Catalogue) -> Images:
    """Stores every picture that the lines name, and the drawn ones that they need. Raises
    InvalidCatalogue for files that hold no picture; nothing else is written by then."""
    paths, drawn = _wanted(catalogue)
    limit = asyncio.Semaphore(UNDER_WAY)
    faults = Faults()

    async def from_file(path: str, where: str) -> tuple[str, str]:
        async with limit:
            picture = await asyncio.to_thread(Path(path).read_bytes)
            image_id = await covers.store_cover(picture, path)
        if image_id != artwork.embedded_id(picture):
            edge = artwork.MIN_EDGE_PX
            faults.add(where, f"{Path(path).name} is no picture of {edge} × {edge} px or more")
        return path, image_id

    async def draw(name: str) -> tuple[str, str]:
        async with limit:
            return name, await covers.store_cover(None, name)

    found = await asyncio.gather(*(from_file(*one) for one in paths.items()))
    faults.check()
    return Images(dict(found), dict(await asyncio.gather(*(draw(one) for one in sorted(drawn)))))


def _wanted(catalogue: Catalogue) -> tuple[dict[str, str], set[str]]:
    """Paths of pictures, each with the place that names it, and what to draw for."""
    paths: dict[str, str] = dict(catalogue.episode_images)
    drawn: set[str] = set()
    groups: tuple[Iterable[Pictured], ...] = (
        catalogue.artists.values(),
        catalogue.albums.values(),
        catalogue.shows.values(),
        catalogue.categories,
    )
    for playlist in catalogue.playlists:
        if playlist.image:
            paths.setdefault(playlist.image, catalogue.places["playlist", playlist.id])
    for group in groups:
        for line in group:
            if line.image:
                paths.setdefault(line.image, catalogue.places[line.type, line.id])
            else:
                drawn.add(drawn_for(line.id))
    return paths, drawn
