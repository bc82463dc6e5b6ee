"""What the search operations answer.

The engine leaves out what may not be shown, and the documents have the last word: whatever an
index says, nothing is rendered that is no longer there, not released in the market, withdrawn,
explicit for one who filters that, or no longer public (F187).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from shared.accounts import service as accounts
from shared.catalog import render as catalog_render
from shared.catalog import service as catalog
from shared.catalog import views as catalog_views
from shared.finding.shapes import SearchObject
from shared.history import affinity
from shared.platform.auth import Principal
from shared.platform.settings import settings
from shared.playlists import pages as playlist_pages
from shared.podcasts import views as podcast_views
from shared.search import events, render, service
from shared.search.models import Hits, SearchRequest, SearchType
from shared.search.parameters import joined_view, split_view
from shared.search.shapes import SuggestionsObject
from shared.signals import service as signals
from shared.social import service as social

_NOTHING = Hits((), 0)


async def search(
    caller: Principal, wanted: SearchRequest, asked: Sequence[SearchType], market: str | None
) -> SearchObject:
    """A page of each type of `asked`, in that order. `market` is the one that the request names,
    if any; `wanted.market` the one that counts. Raises InvalidInput for a blank query."""
    index_view, minute = split_view(wanted.view)
    question, minute = await _asked_by(caller, replace(wanted, view=index_view), minute)
    results = await service.search(question)
    if caller.user_id and not caller.suspected:
        made = events.made(question, results, caller.user_id)
        events.tell(made)
        if (signal := events.as_signal(made)) is not None:
            signals.tell([signal])
    hits: Mapping[str, Hits] = {str(kind): found for kind, found in results.pages.items()}
    found = [hits.get(kind, _NOTHING) for kind in asked]
    shown = await asyncio.gather(
        *(_shown(kind, one, question, market) for kind, one in zip(asked, found, strict=True))
    )
    links = {
        "market": market,
        "view": joined_view(results.view, minute),
        "facets": "1" if question.with_facets else None,
        "explain": "1" if question.explain else None,
    }
    address = f"{settings().public_url}/v1/search"
    limit, offset = question.limit, question.offset
    body: dict[str, Any] = {
        f"{kind}s": catalog_render.page(
            items, address, one.total, limit, offset, q=question.query, type=kind, **links
        )
        for kind, one, items in zip(asked, found, shown, strict=True)
    }
    if results.suggested_query:
        # In the pages: tekore takes whatever stands beside them for another page, and fails.
        for page in body.values():
            page["suggested_query"] = results.suggested_query
    if results.facets is not None:
        body["facets"] = render.facets_object(results.facets)
    await asyncio.gather(events.told(), signals.told())
    return cast(SearchObject, body)


async def suggest(caller: Principal, wanted: SearchRequest) -> SuggestionsObject:
    """What may be meant by a query that is still being typed. Raises InvalidInput for a blank
    one."""
    question, _ = await _asked_by(caller, wanted, None)
    return render.suggestions_object(await service.suggest(question), question)


async def _asked_by(
    caller: Principal, wanted: SearchRequest, minute: int | None
) -> tuple[SearchRequest, int]:
    """`wanted` as this person asks it: what they like, as of the minute that comes with it, and
    whether they filter what is explicit."""
    if caller.user_id is None:
        return wanted, 0
    (user,), (liked, minute) = await asyncio.gather(
        accounts.get_users([caller.user_id]), affinity.of(caller.user_id, minute)
    )
    filtered = user is not None and user.explicit_filter
    return replace(wanted, affinity=liked, allow_explicit=not filtered), minute


async def _shown(
    kind: SearchType, found: Hits, question: SearchRequest, market: str | None
) -> Sequence[Any]:
    items = await _objects(kind, found.ids, question, market)
    return render.explained(items, found.items) if question.explain else items


async def _objects(
    kind: SearchType, ids: Sequence[str], question: SearchRequest, market: str | None
) -> Sequence[Any]:
    where, explicit = question.market, question.allow_explicit
    match kind:
        case "track":
            return await catalog_views.found_tracks(ids, where, market, explicit=explicit)
        case "album":
            return await catalog_views.found_albums(ids, where, market)
        case "artist":
            found = [one for one in await catalog.get_artists(ids) if one]
            artists = [one for one in found if not one.is_blocked_in(where)]
            followers = await social.follower_counts("artist", [one.id for one in artists])
            return [catalog_render.artist_object(one, followers[one.id]) for one in artists]
        case "show":
            return await podcast_views.found_shows(ids, where, explicit=explicit)
        case "episode":
            return await podcast_views.found_episodes(ids, where, market, explicit=explicit)
        case "playlist":
            return await playlist_pages.found_playlists(ids)
        case "audiobook":
            return []
