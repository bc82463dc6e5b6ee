"""One read for all who ask at once, begun after the last of them asked.

What a person changes on one instance must be seen on every other, so no instance may answer from
what it read a moment ago. It may let requests that come together share a read: those that arrive
while `READS_UNDER_WAY` are in flight wait for the next one, which starts soon after one of these
ends and asks for everything that was wanted meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

READS_UNDER_WAY = 2  # the answers of one are sent while the other is on its way
GATHER_S = 0.001  # how long a read waits for company where the one before had some

K = TypeVar("K")
V = TypeVar("V")


class SharedReads(Generic[K, V]):
    """Fresh values by key. `load` takes the wanted keys, each once, and returns those found; its
    errors reach everybody who waits for that read."""

    def __init__(self, load: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._load = load
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next: asyncio.Task[Mapping[K, V]] | None = None  # a read that has yet to begin
        self._wanted: dict[K, None] = {}  # what it will ask for
        self._asked = 0  # how many wait for it
        self._crowded = False  # whether several waited for the one before

    async def get(self, key: K) -> V | None:
        """The value of `key` as it stood at some moment after this call, None if there is none."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # in a function there is one; tests and jobs have several
            self._start(loop)
        if self._next is None:
            # A task of its own: whoever came first may hang up, the others still wait.
            self._wanted = {}
            self._next = loop.create_task(self._read(self._wanted))
        self._wanted[key] = None
        self._asked += 1
        return (await asyncio.shield(self._next)).get(key)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots = asyncio.Semaphore(READS_UNDER_WAY)
        self._next, self._asked, self._crowded = None, 0, False

    async def _read(self, wanted: dict[K, None]) -> Mapping[K, V]:
        async with self._slots:
            if self._crowded:
                await asyncio.sleep(GATHER_S)
            self._crowded = self._asked > 1
            self._next, self._asked = None, 0  # from here on nobody is added
            return await self._load(list(wanted))
