"""The Web API's objects of the listening history, as types."""

from __future__ import annotations

from typing_extensions import TypedDict

from shared.catalog.shapes import ArtistObject, TrackObject
from shared.platform.shapes import CursorPage, ExternalUrls, Page


class ContextObject(TypedDict):
    """Where something was played from; `type` is album, artist, collection, playlist or show."""

    type: str
    href: str
    external_urls: ExternalUrls
    uri: str


class PlayHistoryObject(TypedDict):
    """One play; `played_at` in UTC with milliseconds."""

    track: TrackObject
    played_at: str
    context: ContextObject | None


CursorPagingPlayHistoryObject = CursorPage[PlayHistoryObject]


PagingTrackObject = Page[TrackObject]
PagingArtistObject = Page[ArtistObject]
