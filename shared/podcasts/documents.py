"""Shows and episodes as search documents. Pure."""

from __future__ import annotations

from shared.podcasts.models import Episode, Show
from shared.search.models import SearchDocument


def show_document(show: Show) -> SearchDocument:
    """Found by its name, its publisher and what it says of itself."""
    return SearchDocument(
        type="show",
        id=show.id,
        name=show.name,
        artists=(show.publisher,),
        description=show.description,
        territories=show.territories,
        explicit=show.explicit,
    )


def episode_document(episode: Episode, show: Show) -> SearchDocument:
    """Found by its name, its show and whose that is."""
    return SearchDocument(
        type="episode",
        id=episode.id,
        name=episode.name,
        artists=(show.publisher,),
        album=show.name,
        territories=show.territories,
        explicit=episode.explicit,
        release_date="" if episode.release_date.startswith("0000") else episode.release_date,
    )
