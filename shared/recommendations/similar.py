"""What goes with each track, made ahead for players (`products.autoplay.similar`). A player imports
this alone of all recommendations: its first play does not wait for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.recommendations import store
from shared.recommendations.lists import Similar, SimilarTrack

LAST_READ = 3  # tracks
RENEWED_AFTER_MS = 30 * 24 * 3600 * 1000  # a third of the time that the table keeps it


async def write_similar(rows: Iterable[Similar]) -> int:
    """Stores what goes with each track; how many were stored. Again makes no difference."""
    return await store.write_similar(rows)


async def written_of(now_ms: int) -> str | None:
    """The training of which what goes with every track was written; None where that is not so, or
    where it is time to write it anew, before it is forgotten."""
    found = await store.read_similar_of()
    return found[0] if found and now_ms - found[1] < RENEWED_AFTER_MS else None


async def note_written_of(training: str) -> None:
    """Remembers that it was written for every track."""
    await store.write_similar_of(training)


async def similar_to(track_ids: Sequence[str]) -> list[SimilarTrack]:
    """What goes with the last few of these tracks, which are in the order in which they play;
    none of them is among it. Raises what the store raises."""
    last = list(dict.fromkeys(reversed(track_ids)))[:LAST_READ]
    found = await store.read_similar(last)
    each = [found[one] for one in last if one in found]
    merged: dict[str, SimilarTrack] = {}
    for place in range(max(map(len, each), default=0)):
        for tracks in each:
            if place < len(tracks):
                merged.setdefault(tracks[place].track_id, tracks[place])
    ended = set(track_ids)
    return [one for one in merged.values() if one.track_id not in ended]
