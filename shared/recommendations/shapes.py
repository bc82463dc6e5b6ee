"""The Web API's recommendations as types."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from shared.catalog.shapes import TrackObject


class RecommendationSeedObject(TypedDict):
    """A seed and how many tracks it offered: at first, within the floors and ceilings, and of
    those in the market."""

    afterFilteringSize: int
    afterRelinkingSize: int
    href: str
    id: str
    initialPoolSize: int
    type: Literal["artist", "genre", "track"]


class RecommendationsObject(TypedDict):
    """Recommended tracks, best first, and their seeds."""

    seeds: list[RecommendationSeedObject]
    tracks: list[TrackObject]


class GenreSeedsObject(TypedDict):
    """Genres that can be seeds."""

    genres: list[str]
