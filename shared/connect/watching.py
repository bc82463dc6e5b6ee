"""One listener per person and instance, shared by all event streams of that person here.

It starts with the first stream and ends with the last. When Firestore ends or breaks the listening,
it begins again; and since a stream that died silently tells nothing, the documents are also read
now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from weakref import WeakValueDictionary

from shared.connect.models import Snapshot
from shared.connect.store import states
from shared.connect.store.listening import DevicesChanged, ListenEnded, PlayerChanged, listen

REFRESH_S = 30.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
_log = logging.getLogger(__name__)


class Watch:
    """What is known of a person's player and devices, kept up to date while it is held."""

    def __init__(self, user_id: str, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.holders = 0
        self._user_id = user_id
        self._changed = asyncio.Event()
        self._relisten = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._listen_always()),
            asyncio.create_task(self._refresh()),
        ]

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change; each change has an event of its own, so none is missed by one
        who takes it before reading `snapshot`."""
        return self._changed

    async def close(self) -> None:
        """Stops listening."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, snapshot: Snapshot) -> None:
        if snapshot.player.version < self.snapshot.player.version:
            return  # older than what is known
        if snapshot != self.snapshot:
            self.snapshot = snapshot
            self._changed.set()
            self._changed = asyncio.Event()

    async def _listen_always(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                async with aclosing(listen(self._user_id)) as changes:
                    async for change in changes:
                        pause_s = FIRST_PAUSE_S
                        await self._heard(change)
            except ListenEnded as ended:
                _log.info("listening ended: %s", ended)
            except Exception as error:  # whatever it was, streams of people hang on this
                _log.warning("listening broke, and begins again", exc_info=error)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _heard(self, change: PlayerChanged | DevicesChanged) -> None:
        if isinstance(change, DevicesChanged):
            self._take(Snapshot(self.snapshot.player, change.devices))
        elif change.document is not None:
            player = await states.player_of(self._user_id, change.document)
            if player is not None:
                self._take(Snapshot(player, self.snapshot.devices))

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                read = await states.read(self._user_id)
            except Exception as error:
                _log.warning("the player could not be read", exc_info=error)
                continue
            if read != self.snapshot:
                self._take(read)


_watches: dict[str, Watch] = {}
_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


@asynccontextmanager
async def watching(user_id: str) -> AsyncIterator[Watch]:
    """The person's watch, for as long as the body runs."""
    lock = _locks.setdefault(user_id, asyncio.Lock())
    async with lock:
        watch = _watches.get(user_id)
        if watch is None:
            watch = _watches[user_id] = Watch(user_id, await states.read(user_id))
        watch.holders += 1
    try:
        yield watch
    finally:
        watch.holders -= 1
        if not watch.holders:
            del _watches[user_id]
            with suppress(asyncio.CancelledError):
                await watch.close()
