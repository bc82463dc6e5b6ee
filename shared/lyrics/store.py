"""Lyrics in Firestore, by track id."""

from __future__ import annotations

from collections.abc import Iterable

from shared import topology
from shared.lyrics.models import LyricsSource
from shared.platform import bulk, clients


async def read(track_id: str) -> LyricsSource | None:
    """The lyrics of a track, None where it has none."""
    held = (await clients.collection(topology.LYRICS).document(track_id).get()).to_dict()
    return None if held is None else LyricsSource.model_validate(held)


async def write(source: LyricsSource) -> None:
    """Stores lyrics over those that are there."""
    await clients.collection(topology.LYRICS).document(source.track_id).set(source.to_document())


async def write_all(sources: Iterable[LyricsSource]) -> None:
    """Stores all of them over what is there."""
    await bulk.write(topology.LYRICS, ((one.track_id, one.to_document()) for one in sources))
