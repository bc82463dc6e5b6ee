"""A bounded read-through cache: what a store is asked often, it is asked once.

In front of every store that a hot path reads (F088, F099). Entries live for a fixed time, absent
keys for a shorter one, and however many callers miss the same key together, one of them reads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cachetools import TLRUCache

JOINED_FOR_S = 5.0  # a read that is under way for longer may hang until its client gives up
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _UnderWay(Generic[K, V]):
    task: asyncio.Task[Mapping[K, V]]
    since_s: float


class ReadThroughCache(Generic[K, V]):
    """Values that `load` found, for `ttl_s` seconds (or what that says of the value); keys that it
    left out, for `negative_ttl_s`.

    `load` takes the missing keys and returns those that exist. Its errors reach every waiting
    caller and are not kept. Nobody joins one that has not answered for `JOINED_FOR_S`: it is asked
    again. Values are shared between callers: keep frozen ones only.
    """

    def __init__(
        self,
        load: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
        *,
        maximum: int,
        ttl_s: float | Callable[[V], float],
        negative_ttl_s: float,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        def expiry(_: K, value: V | None, now: float) -> float:
            if value is None:
                return now + negative_ttl_s
            return now + (ttl_s(value) if callable(ttl_s) else ttl_s)

        self._load = load
        self._held: TLRUCache[K, V | None] = TLRUCache(maximum, expiry, timer)
        self._loading: dict[K, _UnderWay[K, V]] = {}
        self._timer = timer

    async def get(self, key: K) -> V | None:
        """The value of `key`, None if there is none."""
        try:
            return self._held[key]
        except KeyError:
            return (await self._read({key})).get(key)

    async def get_many(self, keys: Collection[K]) -> dict[K, V]:
        """The values of those `keys` that have one, in one read for all that are not held."""
        found: dict[K, V] = {}
        missing: set[K] = set()
        for key in keys:
            try:
                value = self._held[key]
            except KeyError:
                missing.add(key)
            else:
                if value is not None:
                    found[key] = value
        if missing:
            found.update(await self._read(missing))
        return found

    def forget(self, key: K) -> None:
        """Drops `key`, because this process has just changed it. What a read under way finds is
        not kept: it may have been read before the change."""
        self._held.pop(key, None)
        self._loading.pop(key, None)

    def clear(self) -> None:
        """Drops everything."""
        self._held.clear()
        self._loading.clear()

    async def _read(self, keys: set[K]) -> dict[K, V]:
        loop = asyncio.get_running_loop()
        now_s = self._timer()
        tasks = {
            key: one.task
            for key in keys
            if (one := self._loading.get(key)) is not None
            and one.task.get_loop() is loop
            and now_s - one.since_s < JOINED_FOR_S
        }
        fresh = [key for key in keys if key not in tasks]
        if fresh:
            # A task of its own: the caller who came first may hang up, the others still wait.
            task = loop.create_task(self._fill(fresh))
            task.add_done_callback(_heard)
            for key in fresh:
                self._loading[key] = _UnderWay(task, now_s)
                tasks[key] = task
        found: dict[K, V] = {}
        for task in set(tasks.values()):
            found.update(await asyncio.shield(task))
        return {key: found[key] for key in keys if key in found}

    async def _fill(self, keys: list[K]) -> Mapping[K, V]:
        own = asyncio.current_task()
        try:
            found = await self._load(keys)
            for key in keys:
                if self._is_wanted(key, own):
                    self._held[key] = found.get(key)
            return found
        finally:
            for key in keys:
                if self._is_wanted(key, own):
                    del self._loading[key]

    def _is_wanted(self, key: K, read: asyncio.Task[object] | None) -> bool:
        """Whether `key` was neither forgotten nor asked for again since `read` began."""
        one = self._loading.get(key)
        return one is not None and one.task is read


def _heard(task: asyncio.Task[object]) -> None:
    """Takes note of a failure that nobody waits for any longer: it is nobody's fault to be told."""
    if not task.cancelled():
        task.exception()
