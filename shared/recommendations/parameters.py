"""The query of `GET /v1/recommendations`: 14 attributes, each with a floor, a ceiling and a
target, in the types and ranges of the published document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from shared.platform.parameters import MarketParam
from shared.recommendations.models import ATTRIBUTES, MAX_TRACKS, Attribute, Seed, Tuning

SEPARATOR = ","
_IDS = r"^([0-9A-Za-z]{22}(,[0-9A-Za-z]{22})*)?$"
MAX_GENRES_CHARS = 500
FARTHEST = 10**9
_MEANING = {
    "min": "only tracks with at least this",
    "max": "only tracks with at most this",
    "target": "rather tracks near to this",
}


class SeedQuery(BaseModel):
    """Seeds, and how many tracks are wanted where."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    limit: int = Field(20, ge=1, le=MAX_TRACKS, description="how many tracks, at most")
    market: MarketParam = None
    seed_artists: str | None = Field(None, pattern=_IDS, description="ids, comma-separated")
    seed_tracks: str | None = Field(None, pattern=_IDS, description="ids, comma-separated")
    seed_genres: str | None = Field(
        None, max_length=MAX_GENRES_CHARS, description="names, comma-separated"
    )
    explain: bool = Field(False, description="also say of each track why it stands there")

    def seeds(self) -> list[Seed]:
        """The seeds, artists first."""
        artists = [Seed("artist", one) for one in _split(self.seed_artists)]
        genres = [Seed("genre", one) for one in _split(self.seed_genres)]
        tracks = [Seed("track", one) for one in _split(self.seed_tracks)]
        return artists + genres + tracks

    def tuning(self) -> Tuning:
        """The floors, ceilings and targets that are set."""

        def given(bound: str) -> dict[str, float]:
            values = {name: getattr(self, f"{bound}_{name}") for name in ATTRIBUTES}
            # Open ranges take any number; one beyond all tracks is as good as the farthest.
            return {
                name: float(min(max(value, -FARTHEST), FARTHEST))
                for name, value in values.items()
                if value is not None
            }

        return Tuning(given("min"), given("max"), given("target"))


def _split(text: str | None) -> list[str]:
    return [one.strip() for one in (text or "").split(SEPARATOR) if one.strip()]


def _field(attribute: Attribute, bound: str) -> tuple[Any, Any]:
    low, high = attribute.low, attribute.high
    if (attribute.name, bound) == ("time_signature", "min"):
        high = 11  # as documented, of the floor alone
    field = Field(
        None,
        ge=low,
        le=high,
        allow_inf_nan=None if attribute.is_whole else False,
        description=_MEANING[bound],
    )
    return (int if attribute.is_whole else float) | None, field


_fields: dict[str, Any] = {
    f"{bound}_{name}": _field(attribute, bound)
    for name, attribute in ATTRIBUTES.items()
    for bound in _MEANING
}
RecommendationsQuery: type[SeedQuery] = create_model(
    "RecommendationsQuery", __base__=SeedQuery, **_fields
)
