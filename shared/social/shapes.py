"""What social shows to programs, as types: following in the Web API's shape, the rest is ours."""

from __future__ import annotations

from typing_extensions import TypedDict

from shared.accounts.shapes import UserReference
from shared.catalog.shapes import ArtistObject, TrackObject
from shared.platform.shapes import CursorPage


class FollowedArtistsObject(TypedDict):
    """The artists that the caller follows, newest first."""

    artists: CursorPage[ArtistObject]


class ShareObject(TypedDict):
    """A share link; `url` is for people. Times are RFC 3339."""

    id: str
    url: str
    uri: str
    created_at: str
    expires_at: str


class FriendContextObject(TypedDict):
    """What a track was played from."""

    type: str
    uri: str


class FriendPlayObject(TypedDict):
    """What a friend played last; `played_at` is RFC 3339."""

    user: UserReference
    track: TrackObject
    played_at: str
    context: FriendContextObject | None


class FriendActivityObject(TypedDict):
    """`enabled`: whether the caller lets followers see what they play; `items`: newest first, one
    for each friend at most."""

    enabled: bool
    items: list[FriendPlayObject]
