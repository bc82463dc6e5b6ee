"""A catalogue, listeners and a bundle in the real stores."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from shared.artifacts import versions
from shared.catalog import service as catalog
from shared.catalog.models import Album, Artist, Track
from shared.recommendations import serving
from shared.recommendations.index import building, releases
from shared.recommendations.index.building import Parts
from shared.recommendations.items import NEIGHBOURS_KEPT, FoldIn
from shared.signals import service as signals
from shared.signals.models import Signal
from tests.unit.catalog.samples import a_track, an_album, an_artist
from tests.unit.recommendations.bundles import PlainBundle, track_id


def parts_of(bundle: PlainBundle) -> Parts:
    """What a real bundle of the same catalogue is built from."""
    indices = np.full((len(bundle), NEIGHBOURS_KEPT), -1, np.int32)
    weights = np.zeros((len(bundle), NEIGHBOURS_KEPT), np.float32)
    for row in range(len(bundle)):
        for place, (other, weight) in enumerate(bundle.neighbours(row)):
            indices[row, place], weights[row, place] = other, weight
    return Parts(
        items=bundle.items,
        vectors=bundle.vectors,
        neighbours=(indices, weights),
        fold_in=FoldIn(unobserved_weight=0.1, regularization=0.01, frequency_exponent=1.0),
        sequence=None,
        built_at=datetime.now(UTC),
    )


async def release_bundle(bundle: PlainBundle, folder: Path) -> str:
    """Builds a real bundle, stores it and makes it serve; its version."""
    version = versions.new_version(datetime.now(UTC), random.randrange(4096))
    path = folder / f"built-{version}"
    built = await asyncio.to_thread(building.build, parts_of(bundle), path, version)
    await releases.release(built, force=True)
    return version


@asynccontextmanager
async def served(bundle: PlainBundle, folder: Path) -> AsyncIterator[None]:
    """Its catalogue loaded and it serving, in this process that has served nothing yet and
    forgets it afterwards."""
    serving._serving.cache_clear()
    try:
        await load_catalogue(bundle)
        await release_bundle(bundle, folder)
        yield
    finally:
        serving._serving.cache_clear()


async def load_catalogue(bundle: PlainBundle) -> None:
    """Puts its tracks, with their albums and artists, into the catalog."""
    artists: dict[str, Artist] = {}
    albums: dict[str, Album] = {}
    tracks: list[Track] = []
    for item in bundle.items:
        (artist_id,) = item.artist_ids
        artist = artists.setdefault(
            artist_id, an_artist(item.artist_names[0], id=artist_id, genres=item.genres)
        )
        album = albums.setdefault(
            item.album_id, an_album(artist, f"Album of {artist.name}", id=item.album_id)
        )
        tracks.append(
            a_track(
                album,
                item.name,
                id=item.track_id,
                isrc=None,
                duration_ms=item.duration_ms,
                popularity=item.popularity,
                explicit=item.is_explicit,
                encodings=(),
            )
        )
    await catalog.load(tracks, list(albums.values()), list(artists.values()))


async def listen(
    user_id: str,
    rows: Sequence[int],
    at: datetime | None = None,
    *,
    ending: str = "complete",
    context_uri: str | None = None,
    session: str = "s",
) -> None:
    """Plays tracks one after the other, the last one at `at` (now), each to its `ending`."""
    at = at or datetime.now(UTC)
    for place, row in enumerate(reversed(rows)):
        moment = at - timedelta(minutes=4 * place, seconds=10)
        for kind in ("play", ending):
            await signals.record(
                Signal.model_validate(
                    {
                        "event_id": f"{session}-{kind}-{row}",
                        "user_id": user_id,
                        "kind": kind,
                        "ts": moment + timedelta(seconds=5 * (kind != "play")),
                        "track_id": track_id(row),
                        "session_id": session,
                        "context_uri": context_uri,
                        "position_ms": None if kind == "play" else 5_000,
                    }
                )
            )
