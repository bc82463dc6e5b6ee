"""Recommendations in the Web API's shape."""

from __future__ import annotations

from shared.catalog.render import href, track_object
from shared.platform.settings import settings
from shared.recommendations.models import Recommendations, SeedPool
from shared.recommendations.shapes import RecommendationSeedObject, RecommendationsObject


def recommendations_object(
    found: Recommendations, market: str | None = None
) -> RecommendationsObject:
    """RecommendationsObject."""
    return {
        "seeds": [seed_object(one) for one in found.pools],
        "tracks": [track_object(one.track, market) for one in found.tracks],
    }


def seed_object(pool: SeedPool) -> RecommendationSeedObject:
    """RecommendationSeedObject. A genre has no address of its own, and the published schema
    allows no null: it points to the list of genres."""
    genres = f"{settings().public_url}/v1/recommendations/available-genre-seeds"
    seed = pool.seed
    return {
        "afterFilteringSize": pool.after_filtering,
        "afterRelinkingSize": pool.after_relinking,
        "href": genres if seed.kind == "genre" else href(seed.kind, seed.id),
        "id": seed.id,
        "initialPoolSize": pool.initial,
        "type": seed.kind,
    }
