"""From candidates to a list: what is expected of each, then the rules.

Products do no I/O of their own; ranking reads counters of tracks, so it is handed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from shared.recommendations.items import Bundle, Scored, Taste

NEAR = 50  # candidates that are ordered around a seed
Order = Callable[[Sequence[Scored]], Awaitable[Sequence[Scored]]]
"""Scores candidates anew by how probably they are heard out and not skipped (`ranking`)."""


async def as_retrieved(candidates: Sequence[Scored]) -> Sequence[Scored]:
    """The order of retrieval itself."""
    return candidates


def behind(ranked: Sequence[Scored], rest: Sequence[Scored]) -> list[Scored]:
    """What was not ranked, in its own order behind all that was: scored over as wide a span again,
    so that what weighs scores afterwards still sees those of the ranking."""
    scores = [one.score for one in ranked]
    least = min(scores, default=0.0)
    step = ((max(scores, default=0.0) - least) or 1.0) / (len(rest) or 1)
    return [replace(one, score=least - step * place) for place, one in enumerate(rest, 1)]


async def ordered_near(order: Order, candidates: Sequence[Scored]) -> list[Scored]:
    """`candidates` around a seed, the nearest first, of which the first `NEAR` are ordered: or what
    everybody hears out would come before what is like the seed."""
    near = await order(candidates[:NEAR])
    return [*near, *behind(near, candidates[NEAR:])]


def known_rows(bundle: Bundle, track_ids: Sequence[str] | frozenset[str]) -> list[int]:
    """The rows of those tracks that the bundle has."""
    return [row for one in track_ids if (row := bundle.row_of(one)) is not None]


def heard_recordings(bundle: Bundle, taste: Taste) -> frozenset[str]:
    """The recordings of what the person has heard: a song counts on each of its releases."""
    return frozenset(bundle.item(row).recording for row in known_rows(bundle, tuple(taste.heard)))
