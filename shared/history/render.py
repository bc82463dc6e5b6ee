"""The listening history in the Web API's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from shared.catalog.models import Track
from shared.catalog.render import artist_object, page, track_object
from shared.catalog.shapes import TrackObject
from shared.history.keys import Cursor
from shared.history.models import Play, from_ms
from shared.history.shapes import (
    ContextObject,
    CursorPagingPlayHistoryObject,
    PagingArtistObject,
    PagingTrackObject,
    PlayHistoryObject,
)
from shared.platform.settings import settings
from shared.platform.shapes import Cursors

if TYPE_CHECKING:
    from shared.history.taste import TimeRange
    from shared.history.top import TopArtists, TopTracks

PATH = "/v1/me/player/recently-played"
CONTEXT_KINDS = ("album", "artist", "playlist", "show")


def history_page(
    plays: Sequence[Play],
    tracks: Sequence[Track | None],
    limit: int,
    market: str | None,
    before: Cursor | None,
    after: Cursor | None,
    more: bool,
) -> CursorPagingPlayHistoryObject:
    """CursorPagingPlayHistoryObject. `next` goes on in the direction of the request: to newer
    plays after `after`, else to older ones. Beside the millisecond it names the play, so that
    those which share a millisecond are on one page or the other."""
    following = None
    if more and after is not None:
        following = _address(limit, after=Cursor(plays[0].played_at_ms, plays[0].event_id))
    elif more:
        following = _address(limit, before=Cursor(plays[-1].played_at_ms, plays[-1].event_id))
    cursors: Cursors = {"after": "", "before": ""}  # never null in the published document
    if plays:
        cursors = {"after": str(plays[0].played_at_ms), "before": str(plays[-1].played_at_ms)}
    return {
        "href": _address(limit, before, after),
        "items": [
            _play(play, track_object(track, market))
            for play, track in zip(plays, tracks, strict=True)
            if track is not None
        ],
        "limit": limit,
        "next": following,
        "cursors": cursors,
    }


def _play(play: Play, track: TrackObject) -> PlayHistoryObject:
    """A play; one that was started by itself has its album as context, as the player has."""
    context = context_object(play.context_uri) if play.context_uri else None
    return {
        "track": track,
        "played_at": _rfc3339(play.played_at_ms),
        "context": context or context_object(track["album"]["uri"]),
    }


def _address(limit: int, before: Cursor | None = None, after: Cursor | None = None) -> str:
    parameters: dict[str, str | int] = {}
    for name, cursor in (("before", before), ("after", after)):
        if cursor is not None:
            parameters[name] = cursor.played_at_ms
            if cursor.event_id is not None:
                parameters["cursor_event"] = cursor.event_id
    return f"{settings().public_url}{PATH}?{urlencode({**parameters, 'limit': limit})}"


def _rfc3339(moment_ms: int) -> str:
    return from_ms(moment_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def top_tracks_page(
    top: TopTracks, time_range: TimeRange, limit: int, offset: int, market: str | None
) -> PagingTrackObject:
    """PagingTrackObject."""
    items = [track_object(track, market) for track in top.items]
    address = f"{settings().public_url}/v1/me/top/tracks"
    return page(items, address, top.total, limit, offset, time_range=time_range)


def top_artists_page(
    top: TopArtists, followers: Mapping[str, int], time_range: TimeRange, limit: int, offset: int
) -> PagingArtistObject:
    """PagingArtistObject."""
    items = [artist_object(artist, followers[artist.id]) for artist in top.items]
    address = f"{settings().public_url}/v1/me/top/artists"
    return page(items, address, top.total, limit, offset, time_range=time_range)


def context_object(uri: str) -> ContextObject | None:
    """ContextObject of a context's URI, None for what is no context of the Web API (a search)."""
    scheme, kind, *rest = uri.split(":")
    if scheme != "spotify" or not rest:
        return None
    base = settings().public_url
    if kind == "user" and rest[1:] == ["collection"]:
        return {
            "type": "collection",
            "uri": uri,
            "href": f"{base}/v1/me/tracks",
            "external_urls": {"spotify": f"{base}/#/collection/tracks"},
        }
    if kind == "user" and rest[1:2] == ["playlist"]:
        kind, rest = "playlist", rest[2:]
    if kind not in CONTEXT_KINDS or len(rest) != 1:
        return None
    return {
        "type": kind,
        "uri": uri,
        "href": f"{base}/v1/{kind}s/{rest[0]}",
        "external_urls": {"spotify": f"{base}/#/{kind}/{rest[0]}"},
    }
