"""One read for all who want the same at the same time, and never one that began too early."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Coalesced(Generic[K, V]):
    """Reads `key` for whoever asks: those who come while a read is under way share the next one.

    A read that had begun before a caller came might miss what that caller has just written, so it
    is not theirs. Of one key, one read is under way and at most one waits.
    """

    def __init__(self, read: Callable[[K], Awaitable[V]]) -> None:
        self._read = read
        self._running: dict[K, asyncio.Task[V]] = {}
        self._next: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """What a read of `key` that began after this call gives; its errors too."""
        loop = asyncio.get_running_loop()
        task = self._next.get(key)
        if task is None or task.get_loop() is not loop:
            # A task of its own: the caller who came first may hang up, the others still wait.
            before = self._running.get(key)
            if before is not None and before.get_loop() is not loop:
                before = None
            task = self._next[key] = loop.create_task(self._run(key, before))
        return await asyncio.shield(task)

    async def _run(self, key: K, before: asyncio.Task[V] | None) -> V:
        if before is not None:
            await asyncio.wait({before})
        task = asyncio.current_task()
        assert task is not None
        if self._next.get(key) is task:
            del self._next[key]
        self._running[key] = task
        try:
            return await self._read(key)
        finally:
            if self._running.get(key) is task:
                del self._running[key]
