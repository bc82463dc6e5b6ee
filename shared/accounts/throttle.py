"""Slows down guessing: after some failures, each further try has to wait, twice as long each time.

Counts are this instance's own, bounded and short-lived: they make guessing through one instance
hopeless and cost no request a round trip. No account is ever locked, so nobody can lock another
out for more than `MAX_WAIT_S`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from cachetools import TTLCache

from shared.platform.errors import RateLimited

FREE_FAILURES = 5  # for one person from one address
FREE_FAILURES_ANYWHERE = 50  # for one person, or for one address
MAX_WAIT_S = 60
FORGOTTEN_AFTER_S = 900
KEPT = 10_000


@dataclass(slots=True)
class _Failures:
    count: int = 0
    next_try_s: float = 0.0


class Throttle:
    """Attempts by person and address: to sign in, to enter a device's code, to sign up."""

    def __init__(
        self, free: int = FREE_FAILURES, free_anywhere: int = FREE_FAILURES_ANYWHERE
    ) -> None:
        self._free = free
        self._free_anywhere = free_anywhere
        self._failures: TTLCache[tuple[str, ...], _Failures] = TTLCache(KEPT, FORGOTTEN_AFTER_S)

    def attempt(self, person: str | None, address: str, now_s: float | None = None) -> None:
        """Counts an attempt as failed until `succeeded` says otherwise, so that parallel guesses
        count as well. Without a `person` the address alone counts. Raises RateLimited when either
        has to wait."""
        now_s = time.monotonic() if now_s is None else now_s
        keys = self._keys(person, address)
        waits_s = [held.next_try_s - now_s for key in keys if (held := self._failures.get(key))]
        if max(waits_s, default=0.0) > 0:
            whole_s = int(max(waits_s)) + 1
            raise RateLimited(f"Too many attempts. Try again in {whole_s} seconds.", whole_s)
        for key, free in keys.items():
            held = self._failures.get(key) or _Failures()
            held.count += 1
            if held.count >= free:
                held.next_try_s = now_s + min(2 ** min(held.count - free, 10), MAX_WAIT_S)
            self._failures[key] = held

    def succeeded(self, person: str, address: str) -> None:
        """Forgets this person's failures from this address, this attempt among them."""
        pair, *others = self._keys(person, address)
        forgiven = self._failures.pop(pair, None)
        for key in others:
            if forgiven and (held := self._failures.get(key)):
                held.count = max(held.count - forgiven.count, 0)

    def withdraw(self, person: str, address: str) -> None:
        """Uncounts one attempt, which was right; the wrong ones before it still count."""
        for key in self._keys(person, address):
            if held := self._failures.get(key):
                held.count = max(held.count - 1, 0)

    def _keys(self, person: str | None, address: str) -> dict[tuple[str, ...], int]:
        if person is None:
            return {("address", address): self._free_anywhere}
        return {
            ("both", person, address): self._free,
            ("person", person): self._free_anywhere,
            ("address", address): self._free_anywhere,
        }
