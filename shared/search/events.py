"""What people were shown when they searched (F190): for popularity, and for learning an order.

A search is an event for each type of result. They are published beside the rendering of the answer
(`shared.platform.telling`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pydantic import Field

from shared.platform.events import Event
from shared.platform.ids import content_id, random_id
from shared.platform.telling import PATIENCE_S, Teller
from shared.search.models import Found, Results, SearchRequest
from shared.signals.models import Signal
from shared.topology import SEARCH_EVENTS, Topic

MAX_QUERY_CHARS = 250
MAX_WAITING = 5_000  # events of 2 to 4 kB: 20 MB at most
_DECIMALS = 4  # of a score
# Whoever types searches at every pause; all of that is one search of a person's taste.
ONE_SEARCH = timedelta(seconds=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SearchEvent(Event):
    """One page of one type of result. `shown` is a JSON list of the items' keys in their order, the
    first at place `offset`; `features` is JSON too, see `_features`. The query is the person's own
    words: it is in no log and no `repr`."""

    TOPIC: ClassVar[Topic] = SEARCH_EVENTS

    event_id: str
    user_id: str | None = None  # absent where an app searched for itself
    ts: datetime
    query: str = Field(max_length=MAX_QUERY_CHARS, repr=False)
    type: str
    market: str | None = None
    locale: str
    view: str
    offset: int = Field(ge=0)
    total: int = Field(ge=0)
    shown: str
    features: str
    suggested_query: str | None = Field(default=None, repr=False)


def made(
    request: SearchRequest, results: Results, user_id: str | None, now: datetime | None = None
) -> tuple[SearchEvent, ...]:
    """The events of an answered search, one for each type that was asked for. `user_id` is None
    for an app's own token."""
    now = now or datetime.now(UTC)
    suggested = results.suggested_query
    return tuple(
        SearchEvent(
            event_id=random_id(),
            user_id=user_id,
            ts=now,
            query=request.query[:MAX_QUERY_CHARS],
            type=kind,
            market=request.market,
            locale=request.locale,
            view=results.view,
            offset=request.offset,
            total=hits.total,
            shown=json.dumps([found.card.key for found in hits.items]),
            features=_features(hits.items),
            suggested_query=suggested and suggested[:MAX_QUERY_CHARS],
        )
        for kind, hits in results.pages.items()
    )


def _features(page: Sequence[Found]) -> str:
    """What the ranking knew of a page's items, in their order: the features' `names`, a row of
    `values` for each item, its class of `match` and its weighted `score`. The names stand beside
    the values, since events are learned from long after the ranking that made them."""
    explained = [found.explanation for found in page]
    names = list(explained[0].parts) if explained else []
    return json.dumps(
        {
            "names": names,
            "values": [[round(one.parts[name], _DECIMALS) for name in names] for one in explained],
            "match": [one.match for one in explained],
            "score": [round(one.score, _DECIMALS) for one in explained],
        },
        separators=(",", ":"),
    )


_teller: Teller[SearchEvent] = Teller("search events", MAX_WAITING)


def tell(events: Iterable[SearchEvent]) -> None:
    """Has `events` published beside whatever the caller does next; see `Teller`."""
    _teller.tell(events)


async def told(within_s: float = PATIENCE_S) -> bool:
    """Whether all that was told is stored, after `within_s` seconds at most."""
    return await _teller.told(within_s)


def as_signal(events: Sequence[SearchEvent]) -> Signal | None:
    """The search that `events` were made of, as a signal of a person's taste; None for a further
    page, and for an app. All that somebody searches for in one `ONE_SEARCH` by the clock is the
    same signal, of its beginning and with its own id, so no instance has to remember another's.
    Its words stay where they are: no feature needs them."""
    first = next((event for event in events if event.user_id and event.offset == 0), None)
    if first is None or first.user_id is None:
        return None
    began = first.ts - (first.ts - _EPOCH) % ONE_SEARCH
    return Signal(
        event_id=content_id("search", first.user_id, began.isoformat()),
        user_id=first.user_id,
        kind="search",
        ts=began,
    )
