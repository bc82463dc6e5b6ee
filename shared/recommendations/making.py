"""Makes the lists that are due, ahead of the request (F199, F200, F205).

Work is divided by a hash of the people's ids, whatever form those have. There is no list of what
has been done and no lock: what is due is decided by what stands (`due`), and a list is written by
one conditional mutation of one row (`store.write_made`). So a run that was killed is simply begun
again, finds what it had made, and makes the rest; two runs at once make no list twice.

What it costs. Each task sees a cell for everybody (some 0.1 ms of its time), reads for `BATCH`
people of its own what they have, and only for those of whom a list is due their signals and follows
(some 20 ms with the list). So up to a hundred tasks divide the time well; beyond, ranges of ids
should be divided first.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, cast
from zlib import crc32

from shared.accounts import service as accounts
from shared.recommendations import store, taste
from shared.recommendations.due import Due, State, due
from shared.recommendations.items import Bundle, Taste
from shared.recommendations.lists import Made, MadeList, listed
from shared.recommendations.periods import (
    PRODUCTS,
    Product,
    day_number,
    local_time,
    period_at,
)
from shared.recommendations.products import daily_mix, discover_weekly, release_radar
from shared.recommendations.products.choosing import Order, as_retrieved
from shared.recommendations.rules import DAILY_MIX, DISCOVER_WEEKLY, RELEASE_RADAR
from shared.recommendations.taste import Listener
from shared.signals import service as signals
from shared.signals.preferences import confidences

WALKERS = 4  # batches that a task works on at the same time: while one waits, others compute
PAGE = 1_000  # people in one scan; one that is left open while lists are made would time out
BATCH = 50  # people whose states and accounts are read together
PEOPLE_PER_NOTE = 200  # a line in the log after so many
BUDGET_S = 3_000.0  # of the schedule's hour
WEEKS_KEPT = discover_weekly.WEEKS_APART - 1  # lists before the newest
_POLICIES = {
    "discover-weekly": DISCOVER_WEEKLY,
    "daily-mix": DAILY_MIX,
    "release-radar": RELEASE_RADAR,
}
_log = logging.getLogger(__name__)

Ordering = Callable[[Bundle, Listener], Order]
"""How candidates are ranked for a listener."""


@dataclass(slots=True)
class Progress:
    """What a run has done: people seen, lists made by product, lists that another run had made
    meanwhile, lists left alone because nothing has changed, people for whom it failed, and whether
    the budget was used up before all were seen."""

    people: int = 0
    made: Counter[str] = field(default_factory=Counter)
    stood: int = 0
    unchanged: int = 0
    failed: int = 0
    unfinished: bool = False

    def summary(self) -> dict[str, Any]:
        """The same as plain data."""
        counts = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**counts, "made": dict(self.made)}


@dataclass(frozen=True, slots=True)
class Maker:
    """What lists are made with. `force` makes those of the present period again; `people` are
    those with signals from an id on, by id, each with the moment of the newest (ms)."""

    bundle: Bundle
    ordering: Ordering = lambda _, __: as_retrieved
    products: Collection[Product] = PRODUCTS
    force: bool = False
    people: Callable[[str], AsyncIterator[tuple[str, int]]] = signals.listeners
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self, task: int = 0, tasks: int = 1, budget_s: float = BUDGET_S) -> Progress:
        """Makes what is due for everybody who is task `task`'s of `tasks` (from 0)."""
        progress = Progress()
        deadline_s = time.monotonic() + budget_s
        batches = self._batches(task, tasks)
        turn = asyncio.Lock()

        async def walk() -> None:
            while not progress.unfinished:
                async with turn:
                    batch = await anext(batches, None)
                if batch is None:
                    return
                if time.monotonic() > deadline_s:
                    progress.unfinished = True
                    return
                await self._serve(batch, progress)

        async with aclosing(batches), asyncio.TaskGroup() as group:
            for _ in range(WALKERS):
                group.create_task(walk())
        return progress

    async def run_for(self, user_id: str) -> Progress:
        """Makes what is due for one person."""
        progress = Progress()
        await self._serve([(user_id, _ms(self.clock()))], progress)
        return progress

    async def _batches(self, task: int, tasks: int) -> AsyncGenerator[list[tuple[str, int]], None]:
        """The people of a task, at most `BATCH` at a time."""
        start, is_more, own = "", True, []
        while is_more:
            seen = 0
            listeners = cast(AsyncGenerator[tuple[str, int], None], self.people(start))
            async with aclosing(listeners):
                async for user_id, newest_ms in listeners:
                    seen += 1
                    start = f"{user_id}$"  # behind all rows of theirs, whose ids end with "#"
                    if crc32(user_id.encode()) % tasks == task:
                        own.append((user_id, newest_ms))
                    if seen == PAGE:
                        break
            is_more = seen == PAGE
            while len(own) >= BATCH or (own and not is_more):
                yield own[:BATCH]
                own = own[BATCH:]

    async def _serve(self, people: Sequence[tuple[str, int]], progress: Progress) -> None:
        """Makes what is due for these people, each with the moment of their newest signal."""
        ids = [user_id for user_id, _ in people]
        if not ids:
            return
        states, found = await asyncio.gather(
            store.states(ids, self.products), accounts.get_users(ids)
        )
        countries = {one.id: one.country for one in found if one is not None}
        for user_id, newest_ms in people:
            wanted = self._wanted(states[user_id], countries.get(user_id), newest_ms)
            if wanted:
                try:
                    await self._make(user_id, wanted, progress)
                except Exception:
                    # The others get theirs; this person's are due again at the next run.
                    _log.exception("lists for %s failed", user_id)
                    progress.failed += 1
            progress.people += 1
            if progress.people % PEOPLE_PER_NOTE == 0:
                _log.info("%d people so far", progress.people, extra=progress.summary())

    def _wanted(
        self, states: dict[Product, State], country: str | None, newest_ms: int
    ) -> list[Due]:
        now = self.clock()
        if self.force:
            local = local_time(now, country)
            return [Due(product, period_at(product, local)) for product in self.products]
        return [
            one
            for product in self.products
            for one in due(product, now, country, states.get(product), newest_ms)
        ]

    async def _make(self, user_id: str, wanted: Sequence[Due], progress: Progress) -> None:
        listener = await taste.read(user_id)
        order = self.ordering(self.bundle, listener)
        for one in wanted:
            fingerprint = fingerprint_of(listener, one.product)
            if one.stands_as == fingerprint:
                progress.unchanged += 1
                continue
            made = await self._made(listener, one, fingerprint, order)
            if await store.write_made(user_id, made, force=self.force):
                progress.made[one.product] += bool(made.track_ids)
            else:
                progress.stood += 1

    async def _made(self, listener: Listener, one: Due, fingerprint: str, order: Order) -> Made:
        held = await store.read_newest(listener.taste.user_id, one.product)
        before: tuple[tuple[str, ...], ...] = ()
        if held is not None:
            is_again = held.period == one.period.name
            before = held.before if is_again else (held.track_ids, *held.before)
        made = await lists_of(
            one.product,
            self.bundle,
            listener.taste,
            today=day_number(one.period.first_day),
            before=before,
            mixes=held.lists if held else (),
            order=order,
        )
        return Made(
            product=one.product,
            period=one.period.name,
            from_ms=one.period.from_ms,
            made_at_ms=_ms(self.clock()),
            fingerprint=fingerprint,
            version=self.bundle.version,
            lists=made,
            before=before[:WEEKS_KEPT] if one.product == "discover-weekly" else (),
        )


async def lists_of(
    product: Product,
    bundle: Bundle,
    of: Taste,
    *,
    today: int,
    before: Sequence[Collection[str]] = (),
    mixes: Sequence[MadeList] = (),
    order: Order = as_retrieved,
) -> tuple[MadeList, ...]:
    """The lists of `product` for the period that begins at `today` (days since 1970). `before` are
    the tracks of earlier lists, the newest list first, `mixes` the daily mixes so far."""
    match product:
        case "discover-weekly":
            recently = [one for tracks in before[: discover_weekly.WEEKS_APART] for one in tracks]
            scored = await discover_weekly.make(
                bundle, of, today=today, recently_listed=frozenset(recently), order=order
            )
            about = discover_weekly.NAME, discover_weekly.DESCRIPTION
        case "release-radar":
            last = frozenset(before[0]) if before else frozenset()
            scored = release_radar.make(bundle, of, today=today, recently_listed=last)
            about = release_radar.NAME, release_radar.DESCRIPTION
        case "daily-mix":
            return await daily_mix.make(bundle, of, today=today, before=mixes, order=order)
    return (MadeList(product, *about, listed(scored)),) if scored else ()


def fingerprint_of(listener: Listener, product: Product) -> str:
    """The same for the same taste and policy: what a list would be made from. Confidences are
    taken as of the newest that was done with a track, since age alone changes no taste."""
    of = listener.taste
    newest_ms = max((one.ts_ms for one in listener.signals if one.track_id), default=0)
    liked = confidences(listener.signals, newest_ms)
    raw = [
        sorted((one, round(confidence, 2)) for one, confidence in liked.items()),
        sorted(of.hidden),
        sorted(of.followed_artists),
        of.country,
        of.allows_explicit,
        repr(_POLICIES[product]),
    ]
    return hashlib.sha256(json.dumps(raw).encode()).hexdigest()[:16]


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
