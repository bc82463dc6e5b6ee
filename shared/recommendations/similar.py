"""What goes with each track, made ahead for players (`products.autoplay.similar`). A player imports
this alone of all recommendations: its first play does not wait for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from shared.accounts import service as accounts
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.recommendations import store
from shared.recommendations.items import Taste
from shared.recommendations.lists import Similar, SimilarTrack
from shared.recommendations.rules import is_wanted, uncrowded
from shared.signals import service as signals

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


async def going_on(
    user_id: str, country: str | None, track_ids: Sequence[str], limit: int
) -> list[str]:
    """At most `limit` tracks to go on with when these have ended: of what goes with them
    (`similar_to`) what the person may and wants to hear, by the rules of every list. Raises what
    the stores raise."""
    similar, hidden, (person,) = await asyncio.gather(
        similar_to(track_ids), signals.hidden_by(user_id), accounts.get_users([user_id])
    )
    allows_explicit = person is None or not person.explicit_filter
    of = Taste(user_id, country, allows_explicit=allows_explicit, hidden=hidden)
    wanted: dict[str, Track] = {}  # by recording
    for one in await catalog.get_tracks([track.track_id for track in similar]):
        if (
            one is not None
            and one.is_released_in(country)
            and is_wanted(of, one.explicit, one.id, one.album_id, *one.artist_ids)
        ):
            wanted.setdefault(one.isrc or one.id, one)
    return [one.id for one in uncrowded(wanted.values())][:limit]


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
