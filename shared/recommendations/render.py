"""Recommendations in the Web API's shape."""

from __future__ import annotations

from typing import cast

from shared.catalog.render import href, track_object
from shared.platform.settings import settings
from shared.recommendations.models import Recommendation, Recommendations, SeedPool
from shared.recommendations.shapes import (
    RecommendationExplanationObject,
    RecommendationObject,
    RecommendationSeedObject,
    RecommendationsObject,
)

PLACES = 4  # of a score


def recommendations_object(
    found: Recommendations, market: str | None = None, *, explain: bool = False
) -> RecommendationsObject:
    """RecommendationsObject."""
    return {
        "seeds": [seed_object(one) for one in found.pools],
        "tracks": [recommendation_object(one, market, explain) for one in found.tracks],
    }


def recommendation_object(
    one: Recommendation, market: str | None, explain: bool
) -> RecommendationObject:
    """RecommendationObject."""
    shown = cast(RecommendationObject, track_object(one.track, market))
    if explain:
        shown["explanation"] = explanation_object(one)
    return shown


def explanation_object(one: Recommendation) -> RecommendationExplanationObject:
    """RecommendationExplanationObject."""
    return {
        "score": round(one.score, PLACES),
        "distances": {name: round(far, PLACES) for name, far in one.distances.items()},
        "origins": [
            {"type": why.seed.kind, "id": why.seed.id, "origin": why.origin} for why in one.reasons
        ],
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
