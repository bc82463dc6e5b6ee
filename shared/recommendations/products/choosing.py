"""From candidates to a list: what is expected of each, then the rules.

Products do no I/O of their own; ranking reads counters of tracks, so it is handed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from shared.recommendations.items import Bundle, Scored, Taste

Order = Callable[[Sequence[Scored]], Awaitable[Sequence[Scored]]]
"""Scores candidates anew by how probably they are heard out and not skipped (`ranking`)."""


async def as_retrieved(candidates: Sequence[Scored]) -> Sequence[Scored]:
    """The order of retrieval itself."""
    return candidates


def known_rows(bundle: Bundle, track_ids: Sequence[str] | frozenset[str]) -> list[int]:
    """The rows of those tracks that the bundle has."""
    return [row for one in track_ids if (row := bundle.row_of(one)) is not None]


def heard_recordings(bundle: Bundle, taste: Taste) -> frozenset[str]:
    """The recordings of what the person has heard: a song counts on each of its releases."""
    return frozenset(bundle.item(row).recording for row in known_rows(bundle, tuple(taste.heard)))
