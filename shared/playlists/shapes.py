"""The Web API's playlists as types.

Items and their contents stand under the classic names (`tracks`, `track`) and the later ones
(`items`, `item`) alike; `primary_color` and `video_thumbnail` are in no document, but strict
clients require them. With `fields` an answer has what was asked for alone.
"""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from shared.accounts.shapes import UserReference
from shared.catalog.shapes import SimplifiedAlbumObject, SimplifiedArtistObject, TrackObject
from shared.platform.shapes import ExternalUrls, Followers, Image, Page
from shared.podcasts.shapes import EpisodeObject


class ListedTrackObject(TrackObject):
    """A track as an item; `track` and `episode` say which of the two it is."""

    episode: Literal[False]
    track: Literal[True]


class ListedEpisodeObject(EpisodeObject):
    """An episode as an item. A client that did not say that it knows episodes finds what it knows
    of a track as well: the show as the album, its publisher as the artist."""

    episode: Literal[True]
    track: Literal[False]
    album: NotRequired[SimplifiedAlbumObject]
    artists: NotRequired[list[SimplifiedArtistObject]]
    available_markets: NotRequired[list[str]]
    disc_number: NotRequired[int]
    external_ids: NotRequired[dict[str, str]]
    is_local: NotRequired[bool]
    popularity: NotRequired[int]
    preview_url: NotRequired[str | None]
    track_number: NotRequired[int]


class VideoThumbnail(TypedDict):
    """A picture of a video, which no item of ours has."""

    url: str | None


ListedObject = ListedTrackObject | ListedEpisodeObject | None


class PlaylistTrackObject(TypedDict):
    """An item: what it is, who added it and when. `item` and `track` are the same; null where it
    is no longer in the catalogue."""

    added_at: str
    added_by: UserReference
    is_local: bool
    item: ListedObject
    primary_color: str | None
    track: ListedObject
    video_thumbnail: VideoThumbnail


class PlaylistTracksRefObject(TypedDict):
    """Where the items are, and how many."""

    href: str
    total: int


class _Playlist(TypedDict):
    collaborative: bool
    description: str
    external_urls: ExternalUrls
    href: str
    id: str
    images: list[Image]
    name: str
    owner: UserReference
    primary_color: str | None
    public: bool
    snapshot_id: str
    type: Literal["playlist"]
    uri: str


class SimplifiedPlaylistObject(_Playlist):
    """A playlist without its items."""

    items: PlaylistTracksRefObject
    tracks: PlaylistTracksRefObject


class PlaylistObject(_Playlist):
    """A playlist with the first page of its items."""

    followers: Followers
    items: Page[PlaylistTrackObject]
    tracks: Page[PlaylistTrackObject]


class SnapshotObject(TypedDict):
    """The version that an edit made."""

    snapshot_id: str


class Selection(TypedDict, total=False):
    """What the parameter `fields` asks for, and nothing else."""
