"""Saved things in the Web API's shapes, as types; `added_at` is RFC 3339, in UTC."""

from __future__ import annotations

from typing import Generic, NotRequired, TypeVar

from typing_extensions import TypedDict

from shared.catalog.shapes import AlbumObject, TrackObject
from shared.platform.shapes import Cursors, Page
from shared.podcasts.shapes import EpisodeObject, SimplifiedShowObject

T = TypeVar("T")


class SavedTrackObject(TypedDict):
    """A saved track."""

    added_at: str
    track: TrackObject


class SavedAlbumObject(TypedDict):
    """A saved album."""

    added_at: str
    album: AlbumObject


class SavedShowObject(TypedDict):
    """A saved show."""

    added_at: str
    show: SimplifiedShowObject


class SavedEpisodeObject(TypedDict):
    """A saved episode."""

    added_at: str
    episode: EpisodeObject


class SavedPageObject(Page[T], Generic[T]):
    """PagingObject; `cursors` is there for a client that pages by cursor."""

    cursors: NotRequired[Cursors]
