"""Recommendations from seeds. The recommender will land behind `recommend`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.catalog import service as catalog
from shared.platform.errors import InvalidInput
from shared.recommendations.models import (
    MAX_SEEDS,
    Candidate,
    Reason,
    Recommendations,
    Seed,
    SeedPool,
    Tuning,
)
from shared.recommendations.pools import pool_of
from shared.recommendations.scoring import centre, choose, within


async def recommend(
    seeds: Sequence[Seed], limit: int, tuning: Tuning, market: str | None = None
) -> Recommendations:
    """At most `limit` (1..100) tracks that are near to the seeds (1..5) and to the targets, best
    first; with `market` only what is released there. The same question has the same answer while
    the catalog stays as it is.

    A seed that is not in the catalog offers nothing. Seed tracks themselves are not recommended.
    Raises InvalidInput for no seed or too many.
    """
    seeds = list(dict.fromkeys(seeds))
    if not seeds:
        raise InvalidInput("seed_artists, seed_genres, seed_tracks: name at least one seed")
    if len(seeds) > MAX_SEEDS:
        raise InvalidInput(
            f"seed_artists, seed_genres, seed_tracks: at most {MAX_SEEDS} seeds in all"
        )
    pools = await asyncio.gather(*(pool_of(seed, len(seeds)) for seed in seeds))
    asked = {seed.id for seed in seeds if seed.kind == "track"}

    candidates: dict[str, Candidate] = {}
    reasons: dict[str, list[Reason]] = {}
    sizes = []
    for pool in pools:
        offered = [one for one in pool.candidates.values() if one.track.id not in asked]
        fitting = [one for one in offered if within(one.values, tuning)]
        released = [one for one in fitting if one.track.is_released_in(market or None)]
        sizes.append(SeedPool(pool.seed, len(offered), len(fitting), len(released)))
        for one in released:
            candidates[one.track.id] = one
            reason = Reason(pool.seed, pool.origins[one.track.id])
            reasons.setdefault(one.track.id, []).append(reason)
    middle = centre(pool.middle for pool in pools)
    chosen = choose(list(candidates.values()), reasons, tuning.target, middle, limit)
    return Recommendations(chosen, tuple(sizes))


async def genre_seeds() -> tuple[str, ...]:
    """The genres that can be seeds, in alphabetical order: those of the catalog's most popular
    artists."""
    return await catalog.get_genres()
