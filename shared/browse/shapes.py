"""The Web API's browse objects as types."""

from __future__ import annotations

from typing_extensions import TypedDict

from shared.catalog.shapes import SimplifiedAlbumObject
from shared.platform.shapes import Image, Page
from shared.playlists.shapes import SimplifiedPlaylistObject


class CategoryObject(TypedDict):
    """A category, named in the asked locale where it is translated."""

    href: str
    icons: list[Image]
    id: str
    name: str


class CategoriesObject(TypedDict):
    """A page of the categories."""

    categories: Page[CategoryObject]


class NewReleasesObject(TypedDict):
    """A page of the albums released latest."""

    albums: Page[SimplifiedAlbumObject]


class FeaturedPlaylistsObject(TypedDict):
    """A page of playlists under a message."""

    message: str
    playlists: Page[SimplifiedPlaylistObject]
