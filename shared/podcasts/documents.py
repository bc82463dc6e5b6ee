"""Shows and episodes as search documents. Pure."""

from __future__ import annotations

from shared.podcasts.models import Episode, Show
from shared.search.documents import search_document
from shared.search.models import SearchDocument


def show_document(show: Show) -> SearchDocument:
    """Found by its name and its publisher."""
    return search_document(
        "show", show.id, show.name, [show.publisher], territories=show.territories
    )


def episode_document(episode: Episode, show: Show) -> SearchDocument:
    """Found by its name, its show and whose that is."""
    return search_document(
        "episode",
        episode.id,
        episode.name,
        [show.name, show.publisher],
        territories=show.territories,
        release_date=episode.release_date,
    )
