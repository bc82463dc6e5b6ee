"""Small decisions of an emulated edge: faults, rate limits, ranges and conditions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import LRUCache

KNOWN_CALLERS = 10_000


@dataclass(slots=True)
class Fault:
    """Something that goes wrong for the next `count` (None: all) requests below
    `path_prefix`."""

    kind: str  # down, slow or status
    status: int = 503
    delay_ms: int = 0
    count: int | None = 1
    path_prefix: str = "/"

    def __post_init__(self) -> None:
        if self.kind not in ("down", "slow", "status"):
            raise ValueError(f"unknown kind of fault: {self.kind!r}")
        numbers = (self.status, self.delay_ms, 1 if self.count is None else self.count)
        if not all(isinstance(number, int) for number in numbers):
            raise ValueError("status, delay_ms and count are integers")
        if not 400 <= self.status <= 599 or self.delay_ms < 0 or numbers[2] < 1:
            raise ValueError("status is 400..599, delay_ms 0 or more, count 1 or more")


class RateLimit:
    """Token buckets by caller: `per_second` requests sustained, `burst` at once."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._callers: LRUCache[str, tuple[float, float]] = LRUCache(KNOWN_CALLERS)

    def wait_s(self, caller: str, now: float) -> float:
        """0 if `caller` may go on (which is counted), else seconds until they may."""
        left, then = self._callers.get(caller, (float(self._burst), now))
        left = min(self._burst, left + (now - then) * self._per_second)
        if left < 1:
            self._callers[caller] = (left, now)
            return (1 - left) / self._per_second
        self._callers[caller] = (left - 1, now)
        return 0


def etag_matches(condition: str, etag: str) -> bool:
    """Whether the If-None-Match `condition` names `etag` (weak comparison)."""
    tags = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def range_applies(headers: Mapping[str, str], method: str, etag: str) -> bool:
    """RFC 9110: a range holds unless If-Range names another version (a date never matches, as
    these edges send no Last-Modified)."""
    if "range" not in headers or method != "GET":
        return False
    condition = headers.get("if-range")
    return condition is None or condition == etag


def byte_range(header: str, size: int) -> tuple[int, int] | str | None:
    """(first, last) byte of a single range; "unsatisfiable"; None for what is to be ignored,
    as several ranges are."""
    found = re.fullmatch(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", header)
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        return (size - length, size - 1) if length else "unsatisfiable"
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        return "unsatisfiable"
    return int(first), min(int(last) if last else size, size - 1)
