"""The Web API's recommendations as types."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from shared.catalog.shapes import TrackObject
from shared.platform.shapes import ExternalUrls, Image, Page
from shared.recommendations.items import ReasonKind
from shared.recommendations.models import Origin, SeedKind


class RecommendationSeedObject(TypedDict):
    """A seed and how many tracks it offered: at first, within the floors and ceilings, and of
    those in the market."""

    afterFilteringSize: int
    afterRelinkingSize: int
    href: str
    id: str
    initialPoolSize: int
    type: SeedKind


class OriginObject(TypedDict):
    """A seed through which a track came in (`id` as in `seeds`), and how it hangs together with
    it."""

    type: SeedKind
    id: str
    origin: Origin


class RecommendationExplanationObject(TypedDict):
    """Why a track stands where it does: its `score` (0..1, higher is nearer to what was asked),
    what that is made of (`distances`, 0..1 by attribute), and what it came in by."""

    score: float
    distances: dict[str, float]
    origins: list[OriginObject]


class RecommendationObject(TrackObject):
    """A recommended track; with `explain=1` also why."""

    explanation: NotRequired[RecommendationExplanationObject]


class RecommendationsObject(TypedDict):
    """Recommended tracks, best first, and their seeds."""

    seeds: list[RecommendationSeedObject]
    tracks: list[RecommendationObject]


class GenreSeedsObject(TypedDict):
    """Genres that can be seeds."""

    genres: list[str]


class ReasonObject(TypedDict):
    """Why a track is here: a short sentence, and the URI of what it speaks of."""

    kind: ReasonKind
    text: str
    uri: str | None


class RecommendedTrackObject(TrackObject):
    """A track with why it is recommended; null where it is simply the person's own."""

    reason: ReasonObject | None


class RecommendedPageObject(Page[RecommendedTrackObject]):
    """PagingObject of recommended tracks, the next one first."""


class RecommendedTracksObject(TypedDict):
    """Recommended tracks, the next one first."""

    tracks: list[RecommendedTrackObject]


class MadeForYouObject(TypedDict):
    """A list that was made for the person, valid from `valid_from` (RFC 3339); `total` tracks are
    on it. `uri` is the context of plays from it."""

    type: Literal["made-for-you"]
    id: str
    name: str
    description: str
    href: str
    uri: str
    made_at: str
    valid_from: str
    total: int


class MadeForYouListObject(MadeForYouObject):
    """The same with its tracks that may be played."""

    tracks: list[RecommendedTrackObject]


class MadeForYouListsObject(TypedDict):
    """The lists that were made for the person."""

    items: list[MadeForYouObject]


class HomeContextObject(TypedDict):
    """An album, an artist or a playlist to go on with."""

    type: Literal["album", "artist", "playlist"]
    id: str
    name: str
    href: str
    uri: str
    external_urls: ExternalUrls
    images: list[Image]


class ShelfObject(TypedDict):
    """A row of home. `uri` is the context of plays from it."""

    id: str
    title: str
    uri: str
    items: list[RecommendedTrackObject | MadeForYouObject | HomeContextObject]


class HomeObject(TypedDict):
    """Home: shelves, the first one on top. `is_last_good`: they are those of an earlier answer,
    because something they are made of did not answer in time."""

    made_at: str
    is_last_good: bool
    shelves: list[ShelfObject]


class FlagsObject(TypedDict):
    """The variant that the person gets of each feature flag and experiment, by its name."""

    flags: dict[str, str]
