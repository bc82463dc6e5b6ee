"""What this instance answers from: the index that the pointer names, under what changed since.

The pointer is looked at every 15 s and the changes are followed every 5 s, both behind the requests
that come. A version is opened beside the one that serves, and then one assignment swaps them; the
one before stays for those who page through it.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from shared.artifacts import opening, versions
from shared.artifacts.following import Following
from shared.artifacts.revalidation import Revalidated
from shared.artifacts.versions import Unreadable
from shared.search import store
from shared.search.artifact import INDEX
from shared.search.local.live import NEVER, Guarded, Live, Segment
from shared.search.models import Engine

if TYPE_CHECKING:
    from shared.search.local.engine import LocalEngine, NoIndex

POINTER_S = 15.0
FOLLOW_S = 5.0
FOLLOW_PATIENCE_S = 30.0  # half of what a takedown may take
# How far a change may be stamped before the moment at which it can be read, and the clocks apart.
OVERLAP = timedelta(seconds=30)
MOST_OPEN = 3  # versions, while nobody still reads another
IDLE_S = 600.0  # after which one that is not current is let go: nobody pages any longer
_VIEW = re.compile(r"([0-9TZa-f-]*)~(\d{1,17})")
_EPOCH = datetime.fromtimestamp(0, UTC)
_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Opened:
    """A version that is open here; `name` is empty before there is any."""

    name: str
    index: LocalEngine | NoIndex
    segment: Segment
    followed_at: datetime  # changes that could be read at this time are known
    uses: int = 0
    asked_at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class View:
    """What one request is answered from, and the name by which the next page asks for it. With an
    index a learned ranker comes into use and goes: so pages of a view are ranked alike."""

    engine: Engine
    name: str
    ranked_as_of: datetime | None = None  # None: now


class Serving:
    """The versions that are open in this process."""

    def __init__(self, pointer_s: float = POINTER_S, follow_s: float = FOLLOW_S) -> None:
        self._current: Opened | None = None
        self._open: dict[str, Opened] = {}  # by name, the one that was opened last at the end
        self._versions: Following[LocalEngine] = Following(INDEX)
        self._reopening: dict[str, asyncio.Task[None]] = {}
        self._pointer = Revalidated(self._look_at_pointer, fresh_s=pointer_s, patience_s=inf)
        self._feed = Revalidated(self._look_at_feed, fresh_s=follow_s, patience_s=FOLLOW_PATIENCE_S)

    @asynccontextmanager
    async def view(self, asked: str | None = None) -> AsyncIterator[View]:
        """What to answer from: what `asked`, the name of an earlier view, says, as far as it can
        still be had. It stays open until the body ends."""
        await self._pointer.ensure()
        name, as_of = _parsed(asked)
        if name is not None and self._current is not None and name > self._current.name:
            await self._pointer.now()  # another instance was faster
        assert self._current is not None  # the first look leaves one, even if it fails
        if name in self._versions.previous and name not in self._open:
            await self._reopened(name)
        opened = self._open.get(name, self._current) if name is not None else self._current
        opened.uses += 1
        opened.asked_at = time.monotonic()
        try:
            if name is not None and opened.name != name:
                _log.info("search view %s is no longer to be had; %s serves", name, opened.name)
                as_of = None
            live = await self._live(opened, as_of)
            engine = opened.index.with_live(live) if live.hidden else opened.index
            guarded = Guarded(engine, opened.segment) if len(opened.segment) else engine
            yield View(guarded, _named(opened.name, live.as_of), opened.segment.since)
        finally:
            opened.uses -= 1

    def expire(self) -> None:
        """Makes the next request wait for the changes: this process has just made some."""
        self._feed.expire()

    async def _live(self, opened: Opened, as_of: datetime | None) -> Live:
        await self._feed.ensure()
        if as_of is not None and as_of > opened.segment.now.as_of:
            await self._feed.now()  # another instance has followed further
        if as_of is None or as_of >= opened.segment.now.as_of:
            return opened.segment.now
        return await asyncio.to_thread(opened.segment.live, as_of)

    # --- the pointer --------------------------------------------------------------------------

    async def _look_at_pointer(self) -> None:
        try:
            await self._follow_pointer()
        finally:
            if self._current is None:
                await self._start_empty()
            await self._let_go()

    async def _follow_pointer(self) -> None:
        current = "" if self._current is None else self._current.name
        opened = await self._versions.newest(current, self._opened)
        if opened is not None:
            self._swap_to(opened)

    async def _opened(self, name: str) -> Opened:
        if name in self._open:
            return self._open[name]
        index = await self._versions.open(name)
        opened = Opened(name, index, Segment(index.built_at), index.built_at)
        await self._follow_anyway([opened])
        return opened

    async def _reopened(self, name: str) -> None:
        """Opens an earlier version, through which somebody pages whom another instance served."""
        if self._versions.is_broken(name):
            return
        if name not in self._reopening:
            task = asyncio.get_running_loop().create_task(self._open_beside(name))
            self._reopening[name] = task
        await asyncio.shield(self._reopening[name])

    async def _open_beside(self, name: str) -> None:
        try:
            # The first to be let go again.
            self._open = {name: await self._opened(name), **self._open}
        except Unreadable as error:
            _log.error("an earlier search index cannot be had: %s", error)
        finally:
            del self._reopening[name]

    async def _start_empty(self) -> None:
        from shared.search.local.engine import NoIndex

        _log.warning("there is no search index yet; what changes is found")
        opened = Opened("", NoIndex(), Segment(NEVER), NEVER + OVERLAP)
        await self._follow_anyway([opened])
        self._swap_to(opened)

    def _swap_to(self, opened: Opened) -> None:
        self._open[opened.name] = opened
        self._current = opened
        age = datetime.now(UTC) - opened.segment.since
        _log.info("search serves from %s", opened.name or "changes alone")
        if opened.name and age > store.KEPT_FOR:
            _log.error("the search index is %s old: changes before are forgotten", age)

    async def _let_go(self) -> None:
        """Closes what nobody will ask for any longer."""
        others = [one for one in self._open.values() if one is not self._current]
        now = time.monotonic()
        for number, one in enumerate(others):
            too_many = len(others) - number >= MOST_OPEN
            if not one.uses and (too_many or not one.name or now - one.asked_at > IDLE_S):
                del self._open[one.name]
        if self._current is not None:
            kept = (*self._open, *self._reopening)
            await opening.forget_before(INDEX, self._current.name, kept)

    # --- the changes --------------------------------------------------------------------------

    async def _look_at_feed(self) -> None:
        await self._follow(list(self._open.values()))

    async def _follow_anyway(self, opened: Collection[Opened]) -> None:
        try:
            await self._follow(opened)
        except Exception:
            _log.exception("changes cannot be followed; search serves as it was built")

    async def _follow(self, opened: Collection[Opened]) -> None:
        if not opened:
            return
        began = datetime.now(UTC)
        since = min(one.followed_at for one in opened) - OVERLAP
        changes = [change async for change in store.read_changes(since)]
        for one in opened:
            await asyncio.to_thread(one.segment.add, changes)
            one.followed_at = began


def _parsed(view: str | None) -> tuple[str | None, datetime | None]:
    """The version and the moment that a view names; None for a name that no instance gave."""
    found = _VIEW.fullmatch(view) if view else None
    if found is None or not (found[1] == "" or versions.is_version(found[1])):
        return None, None
    as_of = _EPOCH + timedelta(microseconds=int(found[2]))
    latest = datetime.now(UTC) + OVERLAP
    if as_of > latest or found[1] > versions.new_version(latest, 0):
        return None, None
    return found[1], as_of


def _named(version: str, as_of: datetime) -> str:
    return f"{version}~{(as_of - _EPOCH) // timedelta(microseconds=1)}"
