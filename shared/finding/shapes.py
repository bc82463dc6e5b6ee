"""What `GET /v1/search` answers, as a type."""

from __future__ import annotations

from typing import Any, Generic, NotRequired, TypeVar

from typing_extensions import TypedDict

from shared.catalog.shapes import ArtistObject, SimplifiedAlbumObject, TrackObject
from shared.platform.shapes import Page
from shared.playlists.shapes import SimplifiedPlaylistObject
from shared.podcasts.shapes import SimplifiedEpisodeObject, SimplifiedShowObject
from shared.search.shapes import FacetsObject

T = TypeVar("T")


class FoundPage(Page[T], Generic[T]):
    """A page of results, and where nothing is spelt as asked the query that may have been
    meant."""

    suggested_query: NotRequired[str]


class SearchObject(TypedDict, total=False):
    """A page of each type that was asked for; facets, where they were asked for."""

    tracks: FoundPage[TrackObject]
    artists: FoundPage[ArtistObject]
    albums: FoundPage[SimplifiedAlbumObject]
    playlists: FoundPage[SimplifiedPlaylistObject]
    shows: FoundPage[SimplifiedShowObject]
    episodes: FoundPage[SimplifiedEpisodeObject]
    audiobooks: FoundPage[dict[str, Any]]
    facets: FacetsObject
