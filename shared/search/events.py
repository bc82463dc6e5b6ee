"""What people were shown when they searched (F190): for popularity, and for learning an order.

A search is an event for each type of result. Publishing happens beside the rendering of the
answer, not after it: a function has hardly any CPU between requests
(https://cloud.google.com/run/docs/configuring/billing-settings), so what is left for later may
wait for the next request, or for ever. Whatever is told while a publish is under way goes with the
next, so that a batch grows with the load and no timer is needed. An answer waits for Pub/Sub only
so long as `told` is allowed to; what is not stored by then stays here and is tried again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import Field

from shared.platform.events import MAX_MESSAGES_PER_PUBLISH, Event, publish
from shared.platform.ids import random_id
from shared.search.models import Found, Results, SearchRequest
from shared.topology import SEARCH_EVENTS, Topic

MAX_QUERY_CHARS = 250
MAX_WAITING = 5_000  # events of 2 to 4 kB: 20 MB at most
PATIENCE_S = 0.05  # an answer's, with Pub/Sub
_DECIMALS = 4  # of a score

_log = logging.getLogger(__name__)


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


_waiting: deque[SearchEvent] = deque()
_publishing: asyncio.Task[None] | None = None


def tell(events: Iterable[SearchEvent]) -> None:
    """Has `events` published beside whatever the caller does next. Beyond `MAX_WAITING` the newest
    are dropped, and the log says how many."""
    global _publishing
    offered = list(events)
    room = max(MAX_WAITING - len(_waiting), 0)
    _waiting.extend(offered[:room])
    if len(offered) > room:
        _log.error("%d search events are dropped, Pub/Sub is away", len(offered) - room)
    loop = asyncio.get_running_loop()
    if _publishing is None or _publishing.done() or _publishing.get_loop() is not loop:
        _publishing = loop.create_task(_publish_waiting())


async def told(within_s: float = PATIENCE_S) -> bool:
    """Whether all that was told is stored, after `within_s` seconds at most. Call it when the
    answer is ready."""
    if _publishing is not None and _publishing.get_loop() is asyncio.get_running_loop():
        await asyncio.wait([_publishing], timeout=within_s)
    return not _waiting and (_publishing is None or _publishing.done())


async def _publish_waiting() -> None:
    from google.api_core.exceptions import InvalidArgument

    while _waiting:
        batch = [_waiting.popleft() for _ in range(min(len(_waiting), MAX_MESSAGES_PER_PUBLISH))]
        try:
            await publish(batch)
        except InvalidArgument:  # the topic's schema: it would be refused again
            _log.exception("%d search events are refused and dropped", len(batch))
        except Exception as error:
            # Nobody awaits this task, so an error of any kind ends here. The next search tries
            # again; an event that was stored after all is told apart by its id.
            _waiting.extendleft(reversed(batch))
            _log.warning("%d search events have to wait: %r", len(_waiting), error)
            return
