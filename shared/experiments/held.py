"""A value that is kept at hand, and read anew behind the requests that use it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import Generic, TypeVar

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Held(Generic[T]):
    """What `load` returned, asked for again by the first request after `fresh_s` seconds. Requests
    get what is at hand until that is `expires_s` old; only without it do they wait for a load, up
    to `patience_s`, and never for one that has outlasted somebody's patience. After a load that
    failed there is none for `retry_s`. So a store that is away costs a request its patience once in
    a while, and not every one.
    """

    def __init__(
        self,
        what: str,
        load: Callable[[], Awaitable[T]],
        *,
        fresh_s: float,
        expires_s: float = inf,
        patience_s: float = 0.25,
        timeout_s: float = 5.0,
        retry_s: float = 5.0,
    ) -> None:
        self._what = what
        self._load = load
        self._fresh_s = fresh_s
        self._expires_s = expires_s
        self._patience_s = patience_s
        self._timeout_s = timeout_s
        self._retry_s = retry_s
        self._value: T | None = None
        self._read_at = -inf  # when the load began: what it found may be as old as that
        self._failed_at = -inf
        self._loading: asyncio.Task[None] | None = None
        self._too_slow: asyncio.Task[None] | None = None

    async def get(self) -> T | None:
        """The value; None where there is none that is young enough, and none to be had in time."""
        if self._age() < self._fresh_s:
            return self._value
        loading = self._started()
        is_too_old = self._age() >= self._expires_s
        if is_too_old and loading is not None and loading is not self._too_slow:
            _, pending = await asyncio.wait([loading], timeout=self._patience_s)
            if pending:
                self._too_slow = loading
        return self._value if self._age() < self._expires_s else None

    def forget(self) -> None:
        """Has the next request wait for a load: this process has just changed what it finds."""
        self._read_at = self._failed_at = -inf
        self._loading = None

    def _age(self) -> float:
        return time.monotonic() - self._read_at

    def _started(self) -> asyncio.Task[None] | None:
        loop = asyncio.get_running_loop()
        # One of another loop (in tests) will never end.
        if self._loading is None or self._loading.done() or self._loading.get_loop() is not loop:
            if time.monotonic() - self._failed_at < self._retry_s:
                return None
            self._loading = loop.create_task(self._run())
        return self._loading

    async def _run(self) -> None:
        own, began = asyncio.current_task(), time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await self._load()
        except Exception as error:  # nobody awaits this task's result, so an error ends here
            self._failed_at = time.monotonic()
            _log.warning("%s cannot be read: %r", self._what, error)
            return
        if self._loading is own:  # else it was forgotten meanwhile
            self._value, self._read_at = found, began
