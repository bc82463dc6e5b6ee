"""What changed since an index was built, held in memory over it.

A `Segment` is told of changes as they are followed, and makes an immutable `Live` of any moment
that a request names. Every look that finds a change makes the live anew, which costs about
0.25 ms of a processor for each document that it holds (measured); looks are paced by that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cachetools import LRUCache

from shared.search.models import (
    Candidate,
    Change,
    Engine,
    ItemType,
    Plan,
    Retrieved,
    SearchDocument,
    Word,
)

if TYPE_CHECKING:
    from shared.search.local.shard import Shard

MAX_DOCUMENTS = 20_000  # of more changes the newest
LIVES_KEPT = 8
MOST_REBUILT = 2_000  # half a second of work
NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Live:
    """The changes up to `as_of`. `hidden` are the keys that the index beneath must not show;
    `shards` and `suggest` hold what the documents are now, only where there are any."""

    as_of: datetime = NEVER
    hidden: frozenset[str] = frozenset()
    shards: Mapping[ItemType, Shard] = field(default_factory=dict)
    suggest: Shard | None = None

    @classmethod
    def of(cls, as_of: datetime, changes: Iterable[Change]) -> Live:
        """The live of `changes`, of each key the newest."""
        from shared.search.local.shard import Shard

        hidden: set[str] = set()
        by_type: dict[ItemType, list[SearchDocument]] = {}
        for one in changes:
            hidden.add(one.key)
            if one.document is not None:
                by_type.setdefault(one.document.type, []).append(one.document)
        every = [document for documents in by_type.values() for document in documents]
        return cls(
            as_of,
            frozenset(hidden),
            {kind: Shard.in_memory(documents) for kind, documents in by_type.items()},
            Shard.in_memory(every, suggest=True) if every else None,
        )


class Segment:
    """The changes after `since` that are known, and the lives made of them; `now` is the newest
    of these. Call `add` and `live` off the loop; the rest may be asked from anywhere."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self.now = Live()
        self._history: dict[str, tuple[Change, ...]] = {}  # by key, oldest first
        self._lives: LRUCache[datetime, Live] = LRUCache(LIVES_KEPT)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many documents are known to have changed."""
        return len(self._history)

    def add(self, changes: Iterable[Change]) -> int:
        """Takes note of `changes` and brings `now` up to them; returns how many were new."""
        with self._lock:
            new = [one for one in changes if self._is_new(one)]
            if not new:
                return 0
            if any(one.changed_at <= self.now.as_of for one in new):
                self._lives.clear()  # they were made without it
            for one in new:
                known = (*self._history.get(one.key, ()), one)
                self._history[one.key] = tuple(sorted(known, key=_moment))
            self.now = self._made(max(self.now.as_of, *map(_moment, new)))
            return len(new)

    def newest(self, key: str) -> Change | None:
        """What last became of a document, whatever is asked as of when."""
        known = self._history.get(key)
        return known[-1] if known else None

    def live(self, as_of: datetime) -> Live:
        """The changes up to `as_of`. It is made, unless it was among the last that were asked. Of
        more than `MOST_REBUILT` documents that would keep the request waiting: it gets `now`."""
        if as_of >= self.now.as_of:
            return self.now
        with self._lock:
            moments = (one.changed_at for known in self._history.values() for one in known)
            reached = max((moment for moment in moments if moment <= as_of), default=NEVER)
            if reached != NEVER and len(self) > MOST_REBUILT:
                return self.now
            return self._made(reached)

    def _is_new(self, change: Change) -> bool:
        return change.changed_at > self.since and change not in self._history.get(change.key, ())

    def _made(self, as_of: datetime) -> Live:
        if as_of not in self._lives:
            self._lives[as_of] = Live.of(as_of, self._changes(as_of))
        return self._lives[as_of]

    def _changes(self, until: datetime) -> list[Change]:
        """Of each key the newest change up to `until`: all that are gone, which cost but a key,
        and of the others the newest."""
        reached = [
            [one for one in known if one.changed_at <= until] for known in self._history.values()
        ]
        latest = [changes[-1] for changes in reached if changes]
        gone = [one for one in latest if one.document is None]
        there = sorted((one for one in latest if one.document), key=_moment, reverse=True)
        return [*gone, *there[:MAX_DOCUMENTS]]


class Guarded:
    """An engine whose answers leave out what, by the newest change, must not be shown: safety
    goes before an older view, and before a change that has no room in the live segment."""

    def __init__(self, engine: Engine, segment: Segment) -> None:
        self._engine = engine
        self._segment = segment

    async def retrieve(self, kind: ItemType, plan: Plan) -> Retrieved:
        """As `Engine.retrieve`."""
        found = await self._engine.retrieve(kind, plan)
        kept = self._kept(found.candidates, plan)
        return Retrieved(kept, found.total - len(found.candidates) + len(kept))

    async def complete(self, plan: Plan, kinds: Sequence[ItemType]) -> tuple[Candidate, ...]:
        """As `Engine.complete`."""
        return self._kept(await self._engine.complete(plan, kinds), plan)

    async def similar_words(self, word: str, edits: int) -> tuple[tuple[Word, int], ...]:
        """As `Engine.similar_words`."""
        return await self._engine.similar_words(word, edits)

    def _kept(self, candidates: tuple[Candidate, ...], plan: Plan) -> tuple[Candidate, ...]:
        return tuple(one for one in candidates if self._may_be_shown(one.card.key, plan))

    def _may_be_shown(self, key: str, plan: Plan) -> bool:
        change = self._segment.newest(key)
        if change is None:
            return True
        document = change.document
        return (
            document is not None
            and document.is_in(plan.market)
            and (plan.allow_explicit or not document.explicit)
        )


def _moment(change: Change) -> datetime:
    return change.changed_at
