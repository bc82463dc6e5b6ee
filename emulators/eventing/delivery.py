"""Delivery to a function until it succeeds or is given up: the rules of push and of Eventarc.

2xx is success. Anything else is a failed attempt, tried again after 100 ms, doubling up to 10 s;
after the last attempt the message is buried with its reason. A host that refuses connections has
not failed at anything: that costs no attempt, or a restart would bury what it interrupts.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx

from emulators.eventing.oidc import TokenIssuer
from emulators.eventing.stats import Counts
from shared.topology import EventFunction

FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 10.0
LONGEST_WAIT_FOR_HOST_S = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one attempt; `reason` is empty after a success."""

    reason: str = ""
    was_reached: bool = True

    @property
    def succeeded(self) -> bool:
        """Whether the function took it."""
        return not self.reason


class FunctionHost:
    """The functions of the local cloud, called as a service account."""

    def __init__(self, base_url: str, tokens: TokenIssuer) -> None:
        self._base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._client = httpx.AsyncClient(
            # let go of idle connections before the functions' server does (uvicorn: 5 s), or a
            # message loses an attempt to a connection that is being closed
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=64, keepalive_expiry=2.0
            ),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(
        self, path: str, body: bytes, headers: Mapping[str, str], timeout_s: float, method: str
    ) -> httpx.Response:
        """One authenticated request; raises httpx.TransportError."""
        return await self._client.request(
            method,
            self._base_url + path,
            content=body,
            headers={**headers, "Authorization": self._tokens.bearer()},
            timeout=httpx.Timeout(timeout_s, connect=5.0),
        )

    async def deliver(
        self, function: EventFunction, body: bytes, headers: Mapping[str, str]
    ) -> Outcome:
        """One attempt."""
        path = f"/_events/{function.name}"
        try:
            response = await self.call(path, body, headers, function.timeout_s, "POST")
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return Outcome(f"{type(error).__name__}: {error}", was_reached=False)
        except httpx.TransportError as error:
            return Outcome(f"{type(error).__name__}: {error}")
        if response.is_success:
            return Outcome()
        return Outcome(f"HTTP {response.status_code}: {response.text[:500]}")


@dataclass(frozen=True, slots=True)
class Message:
    """Something to deliver. `body` gets the number of the attempt (1 …)."""

    key: str
    body: Callable[[int], bytes]
    headers: Mapping[str, str]
    settle: Callable[[], Awaitable[None]]
    bury: Callable[[str, int], Awaitable[None]]  # reason, attempts


def concurrency(function: EventFunction) -> int:
    """How many messages the function gets at once here: as declared, and where one message needs
    more than a core, no more than twice the cores."""
    cores = os.cpu_count() or 1
    return min(function.concurrency, 2 * cores) if function.cpu > 1 else function.concurrency


class Dispatcher:
    """Delivers the messages of one subscription, so many at a time. A message that waits for its
    next attempt holds no place."""

    def __init__(self, host: FunctionHost, function: EventFunction, counts: Counts) -> None:
        self._host = host
        self._function = function
        self._counts = counts
        self._places = asyncio.Semaphore(concurrency(function))
        self._running: set[asyncio.Task[None]] = set()
        self._keys: set[str] = set()

    def submit(self, message: Message) -> None:
        """Deliver in the background; a message that is under way already is left to it."""
        if message.key in self._keys:
            return
        self._keys.add(message.key)
        self._counts.backlog += 1
        self._counts.touch()
        task = asyncio.create_task(self._deliver(message), name=f"deliver {message.key}")
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("%s: delivery stopped", self._function.name, exc_info=error)

    async def _deliver(self, message: Message) -> None:
        try:
            await self._until_settled(message)
        finally:
            self._keys.discard(message.key)
            self._counts.backlog -= 1
            self._counts.touch()

    async def _until_settled(self, message: Message) -> None:
        counts = self._counts
        attempt = 1
        delay = FIRST_RETRY_S
        while True:
            async with self._places:
                outcome = await self._host.deliver(
                    self._function, message.body(attempt), message.headers
                )
            counts.touch()
            if outcome.succeeded:
                counts.delivered += 1
                await message.settle()
                return
            counts.last_reason = outcome.reason
            if not outcome.was_reached:
                counts.unreachable += 1
                await asyncio.sleep(min(delay, LONGEST_WAIT_FOR_HOST_S))
                delay = min(delay * 2, LONGEST_RETRY_S)
                continue
            counts.failures += 1
            logger.warning(
                "%s refused %s (attempt %d): %s",
                self._function.name,
                message.key,
                attempt,
                outcome.reason,
            )
            if attempt >= self._function.trigger.max_attempts:
                await message.bury(outcome.reason, attempt)
                counts.dead_letters += 1
                return
            attempt += 1
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_RETRY_S)
