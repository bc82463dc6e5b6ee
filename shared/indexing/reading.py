"""The whole catalogue as search documents.

It is read from the features themselves, so whatever became of single changes on their way to
search, an index is right once it is built.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

from shared.catalog import service as catalog
from shared.catalog.models import Artist
from shared.playlists import service as playlists
from shared.podcasts import documents as podcast_documents
from shared.podcasts import service as podcasts
from shared.podcasts.models import Show
from shared.search.documents import album_document, artist_document, track_document
from shared.search.models import SearchDocument
from shared.search.popularity import boosted

Page = list[SearchDocument]
Boost = Callable[[SearchDocument], SearchDocument]


async def every_document() -> AsyncIterator[Page]:
    """Every document of every type, a page at a time. Artists and shows come first: what others
    are found by of theirs is held in memory, about 1 kB each."""
    artists: dict[str, Artist] = {}
    async for of_artists in catalog.every_artist():
        yield [artist_document(one) for one in of_artists]
        # The others add nothing to what they made.
        artists.update({one.id: one for one in of_artists if one.aliases or one.genres})
    async for of_albums in catalog.every_album():
        yield [album_document(one, artists) for one in of_albums]
    async for of_tracks in catalog.every_track():
        yield [track_document(one, artists) for one in of_tracks]
    del artists
    shows: dict[str, Show] = {}
    async for of_shows in podcasts.every_show():
        yield [podcast_documents.show_document(one) for one in of_shows]
        shows.update({one.id: one for one in of_shows})
    async for of_episodes in podcasts.every_episode():
        yield [
            podcast_documents.episode_document(one, shows[one.show_id])
            for one in of_episodes
            if one.show_id in shows
        ]
    async for documents in playlists.every_document():
        yield documents


def boost(plays: Mapping[str, int]) -> Boost:
    """What raises a document's popularity by the plays that searches led to, by key."""
    most = max(plays.values(), default=0)

    def of(document: SearchDocument) -> SearchDocument:
        played = plays.get(document.key, 0)
        if not played:
            return document
        raised = boosted(document.popularity, played, most)
        return document.model_copy(update={"popularity": raised})

    return of
