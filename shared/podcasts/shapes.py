"""The Web API's shows and episodes as types."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from shared.catalog.shapes import CopyrightObject, Restrictions
from shared.platform.shapes import ExternalUrls, Image, Page


class ResumePointObject(TypedDict):
    """How far the caller has heard an episode."""

    fully_played: bool
    resume_position_ms: int


class SimplifiedShowObject(TypedDict):
    """A show without its episodes."""

    available_markets: list[str]
    copyrights: list[CopyrightObject]
    description: str
    explicit: bool
    external_urls: ExternalUrls
    href: str
    html_description: str
    id: str
    images: list[Image]
    is_externally_hosted: bool
    languages: list[str]
    media_type: str
    name: str
    publisher: str
    total_episodes: int
    type: Literal["show"]
    uri: str


class SimplifiedEpisodeObject(TypedDict):
    """An episode without its show; `resume_point` for a token with the scope
    `user-read-playback-position`."""

    audio_preview_url: str | None
    description: str
    duration_ms: int
    explicit: bool
    external_urls: ExternalUrls
    href: str
    html_description: str
    id: str
    images: list[Image]
    is_externally_hosted: bool
    is_playable: bool
    language: NotRequired[str]
    languages: list[str]
    name: str
    release_date: str
    release_date_precision: Literal["year", "month", "day"]
    resume_point: NotRequired[ResumePointObject]
    restrictions: NotRequired[Restrictions]
    type: Literal["episode"]
    uri: str


class EpisodeObject(SimplifiedEpisodeObject):
    """An episode with its show."""

    show: SimplifiedShowObject


class ShowObject(SimplifiedShowObject):
    """A show with the first page of its episodes, newest first."""

    episodes: Page[SimplifiedEpisodeObject]


class ShowsObject(TypedDict):
    """Several shows, null where an id is unknown."""

    shows: list[SimplifiedShowObject | None]


class EpisodesObject(TypedDict):
    """Several episodes, null where an id is unknown."""

    episodes: list[EpisodeObject | None]
