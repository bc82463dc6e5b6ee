"""What is kept at hand and looked at again behind the requests that use it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from math import inf

# A look that is costly is made the rarer: it takes at most this part of the time.
MOST_LOOKING = 0.2
LEAST_PAUSE_S = 0.25  # between two looks, whoever asks
_log = logging.getLogger(__name__)


class Revalidated:
    """Calls `look` when a request comes and the last look ended `fresh_s` ago or earlier. The
    request waits for it only where that was `patience_s` ago (or never); a look that fails is
    logged, and what is at hand serves on.

    Background work goes on while an instance answers requests; after a longer rest, in which it
    may have had no processor, the first request waits.
    """

    def __init__(
        self, look: Callable[[], Awaitable[None]], *, fresh_s: float, patience_s: float
    ) -> None:
        self._look = look
        self._fresh_s = fresh_s
        self._patience_s = patience_s
        self._ended_at = -inf
        self._took_s = 0.0
        self._is_expired = False
        self._looking: asyncio.Task[None] | None = None

    async def ensure(self) -> None:
        """Sees to it that what is at hand is as fresh as promised."""
        if self._is_expired:
            await self.now()
            return
        age = time.monotonic() - self._ended_at
        # Half the patience: while requests come, none of them waits.
        if age < min(max(self._fresh_s, self._took_s / MOST_LOOKING), self._patience_s / 2):
            return
        looking = self._started()
        if age >= self._patience_s:
            await asyncio.shield(looking)

    async def now(self) -> None:
        """Waits for a look that begins from here on."""
        self._is_expired = False
        if under_way := self._under_way():
            await asyncio.shield(under_way)
        await asyncio.sleep(max(self._ended_at + LEAST_PAUSE_S - time.monotonic(), 0))
        await asyncio.shield(self._started())

    def expire(self) -> None:
        """Makes the next request wait for a look that begins after this."""
        self._is_expired = True

    def _under_way(self) -> asyncio.Task[None] | None:
        looking = self._looking
        # One of another loop (in tests) will never end.
        if (
            looking is None
            or looking.done()
            or looking.get_loop() is not asyncio.get_running_loop()
        ):
            return None
        return looking

    def _started(self) -> asyncio.Task[None]:
        looking = self._under_way()
        if looking is None:
            # A task of its own: the request that came first may be given up.
            looking = self._looking = asyncio.get_running_loop().create_task(self._run())
        return looking

    async def _run(self) -> None:
        began = time.monotonic()
        try:
            await self._look()
        except Exception:
            _log.exception("what is at hand could not be looked at again; it serves on")
        self._ended_at = time.monotonic()
        self._took_s = self._ended_at - began
