"""The Web API's catalog objects as types: what `render` makes and the OpenAPI document shows.

Optional keys come with a market (`is_playable`), with a refusal (`restrictions`) or with a
replacement (`linked_from`); all others are always there, deprecated ones too: clients read them.
"""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from shared.platform.shapes import ExternalUrls, Followers, Image, Page


class ExternalIds(TypedDict):
    """ExternalIdObject: the identifiers that are known."""

    isrc: NotRequired[str]
    ean: NotRequired[str]
    upc: NotRequired[str]


class CopyrightObject(TypedDict):
    """CopyrightObject: `type` is C (the work) or P (the recording)."""

    text: str
    type: str


class Restrictions(TypedDict):
    """TrackRestrictionObject and its siblings: why an item cannot be played."""

    reason: Literal["market", "product", "explicit"]


class LinkedTrackObject(TypedDict):
    """The track that was asked for, where another one of the same recording was answered."""

    external_urls: ExternalUrls
    href: str
    id: str
    type: Literal["track"]
    uri: str


class SimplifiedArtistObject(TypedDict):
    """An artist inside what they made."""

    external_urls: ExternalUrls
    href: str
    id: str
    name: str
    type: Literal["artist"]
    uri: str


class ArtistObject(SimplifiedArtistObject):
    """An artist; `popularity` 0..100."""

    followers: Followers
    genres: list[str]
    images: list[Image]
    popularity: int


class SimplifiedAlbumObject(TypedDict):
    """An album without its tracks; `release_date` is as long as its precision says."""

    album_type: Literal["album", "single", "compilation"]
    artists: list[SimplifiedArtistObject]
    available_markets: list[str]
    external_urls: ExternalUrls
    href: str
    id: str
    images: list[Image]
    name: str
    release_date: str
    release_date_precision: Literal["year", "month", "day"]
    total_tracks: int
    type: Literal["album"]
    uri: str
    is_playable: NotRequired[bool]
    restrictions: NotRequired[Restrictions]


class ArtistDiscographyAlbumObject(SimplifiedAlbumObject):
    """An album among those of one artist."""

    album_group: Literal["album", "single", "compilation", "appears_on"]


class SimplifiedTrackObject(TypedDict):
    """A track without its album; `preview_url` is an absolute URL of 30 s."""

    artists: list[SimplifiedArtistObject]
    available_markets: list[str]
    disc_number: int
    duration_ms: int
    explicit: bool
    external_urls: ExternalUrls
    href: str
    id: str
    is_local: bool
    name: str
    preview_url: str | None
    track_number: int
    type: Literal["track"]
    uri: str
    is_playable: NotRequired[bool]
    restrictions: NotRequired[Restrictions]
    linked_from: NotRequired[LinkedTrackObject]


class TrackObject(SimplifiedTrackObject):
    """A track with its album; `popularity` 0..100."""

    album: SimplifiedAlbumObject
    external_ids: ExternalIds
    popularity: int


class AlbumObject(SimplifiedAlbumObject):
    """An album with the first page of its tracks."""

    copyrights: list[CopyrightObject]
    external_ids: ExternalIds
    genres: list[str]
    label: str
    popularity: int
    tracks: Page[SimplifiedTrackObject]


class TracksObject(TypedDict):
    """Several tracks, null where an id is unknown."""

    tracks: list[TrackObject | None]


class AlbumsObject(TypedDict):
    """Several albums, null where an id is unknown."""

    albums: list[AlbumObject | None]


class ArtistsObject(TypedDict):
    """Several artists, null where an id is unknown."""

    artists: list[ArtistObject | None]


class TopTracksObject(TypedDict):
    """An artist's most popular tracks."""

    tracks: list[TrackObject]


class RelatedArtistsObject(TypedDict):
    """Artists like one."""

    artists: list[ArtistObject]


class MarketsObject(TypedDict):
    """Every market, ISO 3166-1 alpha-2."""

    markets: list[str]


class PlaysObject(TypedDict):
    """How often a track was played, in all (ours)."""

    track_id: str
    plays: int
