"""Shapes of people in the Web API."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from shared.platform.shapes import ExternalUrls, Followers, Image


class UserReference(TypedDict):
    """Who somebody is, as the owner of a playlist or the one who added an item."""

    display_name: str | None
    external_urls: ExternalUrls
    href: str
    id: str
    type: Literal["user"]
    uri: str


class PublicUserObject(UserReference):
    """What anybody may see of a person."""

    followers: Followers
    images: list[Image]


class ExplicitContent(TypedDict):
    """ExplicitContentSettingsObject."""

    filter_enabled: bool
    filter_locked: bool


class PrivateUserObject(PublicUserObject):
    """The caller's own profile; what the token's scopes do not allow is absent."""

    account_id: str
    email: NotRequired[str]
    country: NotRequired[str]
    product: NotRequired[str]
    explicit_content: NotRequired[ExplicitContent]
