"""Events that are worth telling, but not worth failing for: published beside what comes next.

A function has hardly any CPU between requests
(https://cloud.google.com/run/docs/configuring/billing-settings), so what is left for later may
wait for the next request, or for ever. Whatever is told while a publish is under way goes with the
next, so that a batch grows with the load and no timer is needed. An answer waits for Pub/Sub only
so long as `told` is allowed to; what is not stored by then stays here and is tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Generic

from shared.platform import events
from shared.platform.events import MAX_MESSAGES_PER_PUBLISH, E

PATIENCE_S = 0.05  # an answer's, with Pub/Sub

_log = logging.getLogger(__name__)


class Teller(Generic[E]):
    """Publishes events of one topic, called `what` in the log, of which at most `most` wait."""

    def __init__(self, what: str, most: int) -> None:
        self._what, self._most = what, most
        self._waiting: deque[E] = deque()
        self._publishing: asyncio.Task[None] | None = None

    def tell(self, some: Iterable[E]) -> None:
        """Has events published beside whatever the caller does next. Beyond what may wait the
        newest are dropped, and the log says how many."""
        offered = list(some)
        room = max(self._most - len(self._waiting), 0)
        self._waiting.extend(offered[:room])
        if len(offered) > room:
            dropped = len(offered) - room
            _log.error("%d %s are dropped, Pub/Sub is away", dropped, self._what)
        loop = asyncio.get_running_loop()
        running = self._publishing
        if running is None or running.done() or running.get_loop() is not loop:
            self._publishing = loop.create_task(self._publish())

    async def told(self, within_s: float = PATIENCE_S) -> bool:
        """Whether all that was told is stored, after `within_s` seconds at most. Call it when the
        answer is ready."""
        running = self._publishing
        if running is not None and running.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([running], timeout=within_s)
        return not self._waiting and (running is None or running.done())

    async def _publish(self) -> None:
        from google.api_core.exceptions import InvalidArgument

        while self._waiting:
            size = min(len(self._waiting), MAX_MESSAGES_PER_PUBLISH)
            batch = [self._waiting.popleft() for _ in range(size)]
            try:
                await events.publish(batch)
            except InvalidArgument:  # the topic's schema: it would be refused again
                _log.exception("%d %s are refused and dropped", len(batch), self._what)
            except Exception as error:
                # Nobody awaits this task, so an error of any kind ends here. The next to tell tries
                # again; an event that was stored after all is told apart by its id.
                self._waiting.extendleft(reversed(batch))
                waiting = len(self._waiting)
                _log.warning("%d %s have to wait: %r", waiting, self._what, error)
                return
