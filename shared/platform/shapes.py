"""Shapes that all parts of the Web API share, as types: mypy holds the renderers to them and the
OpenAPI document shows them. Each feature has its own beside its renderer."""

from __future__ import annotations

from typing import Generic, NotRequired, TypeVar

from typing_extensions import TypedDict

T = TypeVar("T")


class Image(TypedDict):
    """ImageObject: `height` and `width` in pixels, null where unknown."""

    url: str
    height: int | None
    width: int | None


class ExternalUrls(TypedDict):
    """ExternalUrlObject: where people see the item."""

    spotify: str


class Followers(TypedDict):
    """FollowersObject: `href` is always null, as in the published document."""

    href: str | None
    total: int


class Page(TypedDict, Generic[T]):
    """PagingObject."""

    href: str
    items: list[T]
    limit: int
    next: str | None
    offset: int
    previous: str | None
    total: int


class Cursors(TypedDict):
    """CursorObject."""

    after: NotRequired[str | None]
    before: NotRequired[str | None]


class CursorPage(TypedDict, Generic[T]):
    """CursorPagingObject."""

    href: str
    items: list[T]
    limit: int
    next: str | None
    cursors: Cursors | None
    total: NotRequired[int]


class ErrorDetail(TypedDict):
    """ErrorObject; `reason` where a program can act on it."""

    status: int
    message: str
    reason: NotRequired[str]


class ErrorBody(TypedDict):
    """What every error answers."""

    error: ErrorDetail
