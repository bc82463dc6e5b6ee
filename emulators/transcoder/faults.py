"""Collecting what is wrong with a request."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from .errors import InvalidConfig


class Faults:
    """Collects `field: what is wrong`, to report every fault of a request at once."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, field: str, problem: str) -> None:
        self.found.append(f"{field}: {problem}")

    def unless(self, holds: bool, field: str, problem: str) -> bool:
        if not holds:
            self.add(field, problem)
        return holds

    def unique(self, values: Iterable[str], field: str, what: str) -> None:
        seen: set[str] = set()
        for value in values:
            self.unless(not value or value not in seen, field, f"duplicate {what} {value!r}")
            seen.add(value)

    def check(self) -> None:
        if self.found:
            raise InvalidConfig("; ".join(self.found))


def seconds_of(duration: Any) -> float | None:
    """Seconds of a protobuf Duration as proto-plus gives it; None when it is absent."""
    return duration.total_seconds() if isinstance(duration, timedelta) else None
