"""Popularity from searches: what people played from what they found (F190)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import log1p

from shared.search import warehouse

DAYS = 28  # whole weeks, so that no weekday counts more
# How far what is played most comes on the way to 100. Half: the catalogue's own measure, which
# knows plays from everywhere, keeps its say.
SHARE = 0.5
# Where less is played than this, little is known: a handful of plays makes nothing a hit.
MOST_AT_LEAST = 1_000


async def plays_from_search() -> Mapping[str, int]:
    """For each document key that was played from a search in the last 28 days: on how many days
    by how many people, summed. Keys without any are absent. Raises Unavailable."""
    return await warehouse.plays_by_key(datetime.now(UTC), DAYS)


def boosted(popularity: int, plays: int, most: int) -> int:
    """`popularity` (0..100) moved towards 100 by `plays` from search, where the most-played item
    has `most`:

        popularity + (100 - popularity) · SHARE · ln(1 + plays) / ln(1 + max(most, MOST_AT_LEAST))

    No plays change nothing; more plays, or a greater popularity, never give less. In 0..100.
    """
    if plays <= 0:
        return popularity
    part = min(log1p(plays) / log1p(max(most, MOST_AT_LEAST)), 1.0)
    return round(popularity + (100 - popularity) * SHARE * part)
