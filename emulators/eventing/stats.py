"""Counts of what was delivered, so that a test (or a person) can wait until all is quiet."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

QUIET_AFTER_S = 0.3


@dataclass(slots=True)
class Counts:
    """Of one subscription since the start."""

    delivered: int = 0
    failures: int = 0  # answers other than 2xx
    unreachable: int = 0  # attempts that nobody answered
    dead_letters: int = 0
    backlog: int = 0  # held here: being delivered, or waiting for the next attempt
    last_reason: str = ""
    touched_at: float = field(default_factory=time.monotonic)

    def touch(self) -> None:
        """Something happened."""
        self.touched_at = time.monotonic()


class Stats:
    """Counts by subscription."""

    def __init__(self) -> None:
        self._counts: dict[str, Counts] = {}

    def of(self, subscription: str) -> Counts:
        """The counts of a subscription, made when absent."""
        return self._counts.setdefault(subscription, Counts())

    def report(self) -> dict[str, Any]:
        """`{quiet, backlog, subscriptions: {name: {…, idle_ms}}}`."""
        now = time.monotonic()
        subscriptions = {}
        for name, counts in sorted(self._counts.items()):
            shown = asdict(counts)
            shown["idle_ms"] = round((now - shown.pop("touched_at")) * 1000)
            subscriptions[name] = shown
        backlog = sum(counts.backlog for counts in self._counts.values())
        quiet = backlog == 0 and all(
            now - counts.touched_at > QUIET_AFTER_S for counts in self._counts.values()
        )
        return {"quiet": quiet, "backlog": backlog, "subscriptions": subscriptions}
