"""Recommended tracks, made lists and shelves in the shapes of the API.

Everything is looked up in the catalog when it is shown: what has been withdrawn, or may not be
played where the person is, is on no list any more, whenever that was made; nor is what they have
hidden since, or what is explicit once they filter that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from shared.catalog import render as catalog_objects
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.platform.settings import settings
from shared.recommendations.items import Taste
from shared.recommendations.lists import ListedTrack, Made, MadeList
from shared.recommendations.products.shelves import Shelf
from shared.recommendations.reasons import reason_of
from shared.recommendations.rules import is_wanted, uncrowded
from shared.recommendations.shapes import (
    HomeContextObject,
    MadeForYouListObject,
    MadeForYouObject,
    ReasonObject,
    RecommendedTrackObject,
    ShelfObject,
)

PATH = "/v1/me/made-for-you"


async def tracks_shown(
    listed: Sequence[ListedTrack], market: str | None, taste: Taste | None = None
) -> list[RecommendedTrackObject]:
    """RecommendedTrackObjects of those that may be played in `market` (None: anywhere) and, with
    `taste`, that the person wants to see. What is left keeps the rules of a list."""
    by_id = await _found(listed, taste, market)
    left = [by_id[one.track_id] for one in listed if one.track_id in by_id]
    kept = {one.id: one for one in uncrowded(left)}
    return _tracks(listed, kept, market, with_reasons=True)


async def _found(
    listed: Iterable[ListedTrack], taste: Taste | None, market: str | None
) -> dict[str, Track]:
    """What the catalog knows of those that the person may play and wants to see, by id."""
    found = await catalog.get_tracks(list(dict.fromkeys(one.track_id for one in listed)))
    return {
        one.id: one
        for one in found
        if one is not None
        and one.is_released_in(market)
        and (taste is None or is_wanted(taste, one.explicit, one.id, one.album_id, *one.artist_ids))
    }


def _tracks(
    listed: Sequence[ListedTrack],
    by_id: Mapping[str, Track],
    market: str | None,
    with_reasons: bool,
) -> list[RecommendedTrackObject]:
    return [
        {
            **catalog_objects.track_object(track, market),
            "reason": _reason(one) if with_reasons else None,
        }
        for one in listed
        if (track := by_id.get(one.track_id)) is not None
    ]


def _reason(one: ListedTrack) -> ReasonObject:
    reason = reason_of(one.why)
    return {"kind": reason.kind, "text": reason.text, "uri": reason.uri}


def list_object(made: Made, one: MadeList) -> MadeForYouObject:
    """MadeForYouObject."""
    return {
        "type": "made-for-you",
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "href": f"{settings().public_url}{PATH}/{one.id}",
        "uri": f"segue:made:{one.id}",
        "made_at": rfc3339(made.made_at_ms),
        "valid_from": rfc3339(made.from_ms),
        "total": len(one.tracks),
    }


async def whole_list(
    made: Made, one: MadeList, market: str | None, taste: Taste
) -> MadeForYouListObject:
    """MadeForYouListObject."""
    shown = await tracks_shown(one.tracks, market, taste)
    return {**list_object(made, one), "total": len(shown), "tracks": shown}


async def shelf_objects(
    shelves: Sequence[Shelf], made: Iterable[Made], taste: Taste, market: str | None
) -> list[ShelfObject]:
    """ShelfObjects of those on which anything is left to show, with few reads for all."""
    by_id = await _found((one for shelf in shelves for one in shelf.tracks), taste, market)
    contexts = {
        one["uri"]: one
        for one in await _contexts(
            [uri for shelf in shelves for uri in shelf.contexts], taste.user_id
        )
    }
    of_list = {one.id: (each, one) for each in made for one in each.lists}
    shown: list[ShelfObject] = []
    for shelf in shelves:
        items: ShelfObject = {
            "id": shelf.name,
            "title": shelf.title,
            "uri": shelf.uri,
            "items": [
                *_tracks(shelf.tracks, by_id, market, shelf.is_recommended),
                *(list_object(*of_list[one.id]) for one in shelf.lists if one.id in of_list),
                *(contexts[uri] for uri in shelf.contexts if uri in contexts),
            ],
        }
        if items["items"]:
            shown.append(items)
    return shown


async def _contexts(uris: Sequence[str], user_id: str) -> list[HomeContextObject]:
    from shared.playlists import service as playlists

    ids: dict[str, list[str]] = {"album": [], "artist": [], "playlist": []}
    for uri in uris:
        _, kind, item_id = uri.split(":")[:3]
        ids[kind].append(item_id)
    albums = await catalog.get_albums(ids["album"])
    artists = await catalog.get_artists(ids["artist"])
    lists = await playlists.get_playlists(user_id, ids["playlist"]) if ids["playlist"] else []
    return [
        *(_context("album", one.id, one.name, one.images) for one in albums if one),
        *(_context("artist", one.id, one.name, one.images) for one in artists if one),
        *(_context("playlist", one.id, one.name, ()) for one in lists if one),
    ]


def _context(kind: str, item_id: str, name: str, images: Sequence[str]) -> HomeContextObject:
    return {
        "type": kind,  # type: ignore[typeddict-item]
        "id": item_id,
        "name": name,
        "href": catalog_objects.href(kind, item_id),
        "uri": catalog_objects.uri(kind, item_id),
        "external_urls": catalog_objects.external_urls(kind, item_id),
        "images": catalog_objects.images(images),
    }


def rfc3339(moment_ms: int) -> str:
    """A moment (ms since the epoch) as the API shows it."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="seconds")
