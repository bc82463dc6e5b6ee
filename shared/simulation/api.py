"""The Web API as a simulated person uses it: one token, and patience."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

TRIES = 8  # of a call, where the server fails or asks to wait
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0  # after a failure; a 429 says itself how long
MOST_PATIENCE_S = 120.0  # that one `Retry-After` is waited for
_AGAIN = (429, 500, 502, 503, 504)
_log = logging.getLogger(__name__)

Call = Callable[[], Awaitable[httpx.Response]]


class ApiFailed(RuntimeError):
    """A call that cannot succeed; the message has the method, the path and what was said."""


async def patiently(call: Call, tries: int = TRIES) -> httpx.Response:
    """The answer of `call`, made again after 429 (as `Retry-After` says), 5xx and failures of the
    connection. The last answer is given as it is, the last failure raised."""
    pause_s = FIRST_PAUSE_S
    for left in range(tries - 1, -1, -1):
        try:
            answer = await call()
        except httpx.TransportError:
            if not left:
                raise
            wait_s = pause_s
        else:
            if answer.status_code not in _AGAIN or not left:
                return answer
            asked_s = answer.headers.get("retry-after", "")
            wait_s = float(asked_s) if asked_s.isdigit() else pause_s
            if wait_s > MOST_PATIENCE_S:
                return answer
        await asyncio.sleep(wait_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
    raise AssertionError("at least one try is made")


class Api:
    """Calls of one person. A token that is no longer good is asked for anew, once per call."""

    def __init__(self, http: httpx.AsyncClient, token: Callable[[], Awaitable[str]]) -> None:
        self._http, self._new_token, self._token = http, token, ""
        self.calls = 0

    async def get(self, path: str, **query: str | int) -> Any:
        """The body of an answer. Raises ApiFailed."""
        return await self.call("GET", path, query=query)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        json: Any = None,
        key: str | None = None,
        absent: Any = ...,
    ) -> Any:
        """The body of an answer, None where it has none. `key` is the `Idempotency-Key`; `absent`
        is the answer where there is nothing at `path`. Raises ApiFailed."""
        for renewed in (False, True):
            if not self._token or renewed:
                self._token = await self._new_token()
            headers = {"authorization": f"Bearer {self._token}"}
            if key is not None:
                headers["idempotency-key"] = key
            answer = await patiently(
                lambda headers=headers: self._http.request(  # type: ignore[misc]
                    method, path, params=dict(query or {}), json=json, headers=headers
                )
            )
            self.calls += 1
            if answer.status_code != 401:
                break
        if answer.status_code == 404 and absent is not ...:
            return absent
        if not answer.is_success:
            raise ApiFailed(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None
