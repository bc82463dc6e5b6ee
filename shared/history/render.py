"""The listening history in the Web API's shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from shared.catalog.models import Track
from shared.catalog.render import track_object
from shared.history.keys import Cursor
from shared.history.models import Play, from_ms
from shared.platform.settings import settings

PATH = "/v1/me/player/recently-played"


def history_page(
    plays: Sequence[Play],
    tracks: Sequence[Track | None],
    limit: int,
    market: str | None,
    before: Cursor | None,
    after: Cursor | None,
    more: bool,
) -> dict[str, Any]:
    """CursorPagingPlayHistoryObject. `next` goes on in the direction of the request: to newer
    plays after `after`, else to older ones. Beside the millisecond it names the play, so that
    those which share a millisecond are on one page or the other."""
    following = None
    if more and after is not None:
        following = _address(limit, after=Cursor(plays[0].played_at_ms, plays[0].event_id))
    elif more:
        following = _address(limit, before=Cursor(plays[-1].played_at_ms, plays[-1].event_id))
    cursors = None
    if plays:
        cursors = {"after": str(plays[0].played_at_ms), "before": str(plays[-1].played_at_ms)}
    return {
        "href": _address(limit, before, after),
        "items": [
            {
                "track": track_object(track, market),
                "played_at": _rfc3339(play.played_at_ms),
                "context": _context(play.context_uri),
            }
            for play, track in zip(plays, tracks, strict=True)
            if track is not None
        ],
        "limit": limit,
        "next": following,
        "cursors": cursors,
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


def _context(uri: str | None) -> dict[str, Any] | None:
    if uri is None:
        return None
    _, kind, item_id = uri.split(":", 2)
    return {
        "type": kind,
        "uri": uri,
        "href": f"{settings().public_url}/v1/{kind}s/{item_id}",
        "external_urls": {"spotify": f"{settings().public_url}/#/{kind}/{item_id}"},
    }
