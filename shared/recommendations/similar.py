"""What goes with each track, made ahead for players (`products.autoplay.similar`). A player imports
this alone of all recommendations: its first play does not wait for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.recommendations import store
from shared.recommendations.lists import Similar, SimilarTrack

LAST_READ = 3  # tracks


async def write_similar(rows: Iterable[Similar]) -> int:
    """Stores what goes with each track; how many were stored. Again makes no difference."""
    return await store.write_similar(rows)


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
