"""Shows and episodes in the Web API's shapes.

Pure but for the addresses in the settings. An episode is playable where its show is released;
without a market, everywhere.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from shared.catalog.markets import available_markets, is_available
from shared.catalog.render import external_urls, href, images, page, uri
from shared.platform.shapes import Page
from shared.podcasts.models import Episode, ResumePoint, Show
from shared.podcasts.shapes import (
    EpisodeObject,
    ShowObject,
    SimplifiedEpisodeObject,
    SimplifiedShowObject,
)

SHOW_PAGE = 50  # episodes inside a show object

ResumePoints = Mapping[str, ResumePoint]  # by episode id


def simplified_show(show: Show) -> SimplifiedShowObject:
    """SimplifiedShowObject."""
    return {
        "available_markets": available_markets(show.territories),
        "copyrights": [{"text": one.text, "type": one.type} for one in show.copyrights],
        "description": show.description,
        "explicit": show.explicit,
        "external_urls": external_urls("show", show.id),
        "href": href("show", show.id),
        "html_description": show.html_description or html.escape(show.description),
        "id": show.id,
        "images": images(show.images),
        "is_externally_hosted": show.is_externally_hosted,
        "languages": list(show.languages),
        "media_type": show.media_type,
        "name": show.name,
        "publisher": show.publisher,
        "total_episodes": show.total_episodes,
        "type": "show",
        "uri": uri("show", show.id),
    }


def show_object(
    show: Show,
    episodes: Sequence[Episode],
    total: int,
    market: str | None = None,
    resume: ResumePoints | None = None,
) -> ShowObject:
    """ShowObject; `episodes` are the first `SHOW_PAGE` of the show's `total`."""
    return {
        **simplified_show(show),
        "episodes": episodes_page(show, episodes, total, SHOW_PAGE, 0, market, resume),
    }


def episodes_page(
    show: Show,
    episodes: Sequence[Episode],
    total: int,
    limit: int,
    offset: int,
    market: str | None = None,
    resume: ResumePoints | None = None,
) -> Page[SimplifiedEpisodeObject]:
    """PagingObject of SimplifiedEpisodeObjects; `episodes` are those of the page alone."""
    items = [simplified_episode(one, show, market, _point(one, resume)) for one in episodes]
    address = f"{href('show', show.id)}/episodes"
    return page(items, address, total, limit, offset, market=market)


def simplified_episode(
    episode: Episode,
    show: Show,
    market: str | None = None,
    resume: ResumePoint | None = None,
) -> SimplifiedEpisodeObject:
    """SimplifiedEpisodeObject; `resume_point` is there when `resume` is given."""
    playable = market is None or is_available(show.territories, market)
    shown: SimplifiedEpisodeObject = {
        "audio_preview_url": episode.audio_preview_url,
        "description": episode.description,
        "duration_ms": episode.duration_ms,
        "explicit": episode.explicit,
        "external_urls": external_urls("episode", episode.id),
        "href": href("episode", episode.id),
        "html_description": episode.html_description or html.escape(episode.description),
        "id": episode.id,
        "images": images(episode.images or show.images),
        "is_externally_hosted": episode.is_externally_hosted,
        "is_playable": playable,
        "languages": list(episode.languages or show.languages),
        "name": episode.name,
        "release_date": episode.release_date,
        "release_date_precision": episode.release_date_precision,
        "type": "episode",
        "uri": uri("episode", episode.id),
    }
    if shown["languages"]:
        shown["language"] = shown["languages"][0]
    if not playable:
        shown["restrictions"] = {"reason": "market"}
    if resume is not None:
        shown["resume_point"] = {
            "fully_played": resume.fully_played,
            "resume_position_ms": resume.position_ms,
        }
    return shown


def episode_object(
    episode: Episode, show: Show, market: str | None = None, resume: ResumePoint | None = None
) -> EpisodeObject:
    """EpisodeObject; `resume_point` is there when `resume` is given."""
    return {
        **simplified_episode(episode, show, market, resume),
        "show": simplified_show(show),
    }


def _point(episode: Episode, resume: ResumePoints | None) -> ResumePoint | None:
    return None if resume is None else resume[episode.id]
