"""Shows, episodes and how far people have heard them (F242, F243).

Ids, images and territories are as in the catalog.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from shared.catalog.models import NAME_LIMIT, Copyright, DatePrecision, Document, Market


class Show(Document):
    """A podcast; `languages` are ISO 639 codes, `description` has no markup."""

    id: str
    name: str = Field(max_length=NAME_LIMIT)
    publisher: str = ""
    description: str = ""
    html_description: str = ""  # empty: the description serves
    explicit: bool = False
    languages: tuple[str, ...] = ()
    media_type: str = "audio"
    copyrights: tuple[Copyright, ...] = ()
    images: tuple[str, ...] = ()
    territories: tuple[Market, ...] = ()
    is_externally_hosted: bool = False
    total_episodes: int = Field(default=0, ge=0)

    def is_released_in(self, market: str | None) -> bool:
        """Whether it may be played in `market` (None: in any)."""
        return market is None or not self.territories or market in self.territories


class Episode(Document):
    """An episode of the show `show_id`; it is released where its show is."""

    id: str
    show_id: str
    name: str = Field(max_length=NAME_LIMIT)
    description: str = ""
    html_description: str = ""
    duration_ms: int = Field(gt=0)
    explicit: bool = False
    languages: tuple[str, ...] = ()
    release_date: str = "0000"  # YYYY, YYYY-MM or YYYY-MM-DD
    release_date_precision: DatePrecision = "year"
    images: tuple[str, ...] = ()  # none: those of the show
    audio_preview_url: str | None = None
    is_externally_hosted: bool = False
    number: int = Field(default=0, ge=0)  # within the show; orders episodes of one day


class ResumePoint(Document):
    """How far a person has heard an episode, by their latest report."""

    user_id: str
    episode_id: str
    position_ms: int = Field(ge=0)
    fully_played: bool = False
    reported_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def rank(self) -> tuple[datetime, bool, int]:
        """What decides between two reports: the later, then the further one."""
        return self.reported_at, self.fully_played, self.position_ms
