"""How often things were done with a track, by the clock's hours and days (UTC). Pure.

A window that ends now covers the newest of its buckets whole, and of the one in which it begins
the share that lies within it, as if that bucket's events had come evenly. So a count is smooth in
time, and a few numbers a track are enough for an hour as for four weeks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.signals.models import Signal, SignalKind

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
HOURS_KEPT = 26  # a window of 24 touches 25; a device's clock may be ahead by one
DAYS_KEPT = 30  # as above, of 28


class Counts(NamedTuple):
    """How often each was done in some time; floats where a share of a bucket was taken."""

    plays: float = 0
    skips: float = 0
    completes: float = 0
    saves: float = 0
    playlist_adds: float = 0

    def plus(self, other: Counts, share: float = 1) -> Counts:
        """These and a `share` (0..1) of the `other`."""
        return Counts(*(mine + theirs * share for mine, theirs in zip(self, other, strict=True)))


NOTHING = Counts()
COUNTED: tuple[SignalKind, ...] = ("play", "skip", "complete", "save", "playlist_add")  # as Counts


@dataclass(frozen=True, slots=True)
class TrackCounts:
    """What was done with one track, by hours and by days since 1970. Each event is in one bucket
    of either; buckets that no window reaches any longer may be missing."""

    hours: Mapping[int, Counts] = field(default_factory=dict)
    days: Mapping[int, Counts] = field(default_factory=dict)

    @classmethod
    def of(cls, signals: Iterable[Signal]) -> TrackCounts:
        """The counts of distinct `signals`, which are all of one track. Those who are suspected
        to be machines (F286) count for nobody else."""
        return cls.by_hour(
            (signal.ts_ms // HOUR_MS, ONE_OF[signal.kind])
            for signal in signals
            if signal.kind in COUNTED and not signal.suspected
        )

    @classmethod
    def by_hour(cls, counted: Iterable[tuple[int, Counts]]) -> TrackCounts:
        """The counts of what was done in each hour; an hour may come several times."""
        hours: dict[int, Counts] = {}
        days: dict[int, Counts] = {}
        for hour, counts in counted:
            hours[hour] = hours.get(hour, NOTHING).plus(counts)
            day = hour * HOUR_MS // DAY_MS
            days[day] = days.get(day, NOTHING).plus(counts)
        return cls(hours, days)

    def plus(self, other: TrackCounts) -> TrackCounts:
        """Both together: counts of disjoint events."""
        return TrackCounts(_merged(self.hours, other.hours), _merged(self.days, other.days))

    def last_hours(self, count: int, now_ms: int) -> Counts:
        """Of the last `count` hours (1..24)."""
        return _within(self.hours, HOUR_MS, count, now_ms)

    def last_days(self, count: int, now_ms: int) -> Counts:
        """Of the last `count` days (1..28)."""
        return _within(self.days, DAY_MS, count, now_ms)


ONE_OF: dict[SignalKind, Counts] = {
    kind: Counts(*(int(kind == other) for other in COUNTED)) for kind in COUNTED
}


class Timeline:
    """What was done with one track, at any moment of the past: for features as they were then.

    It holds 8 bytes for each event; `at` takes a moment in logarithmic time.
    """

    __slots__ = ("_times",)

    def __init__(self, times_ms: Mapping[SignalKind, Iterable[int]]) -> None:
        from array import array

        # "q" is a signed 64-bit integer.
        self._times = [array("q", sorted(times_ms.get(kind, ()))) for kind in COUNTED]

    def at(self, now_ms: int) -> TrackCounts:
        """The counts of all that was before `now_ms`, in the buckets that windows reach."""
        return TrackCounts(
            self._buckets(HOUR_MS, HOURS_KEPT, now_ms), self._buckets(DAY_MS, DAYS_KEPT, now_ms)
        )

    def _buckets(self, length_ms: int, kept: int, now_ms: int) -> dict[int, Counts]:
        present = now_ms // length_ms
        found: dict[int, list[int]] = {}
        for place, times in enumerate(self._times):
            low = bisect_left(times, (present - kept + 1) * length_ms)
            high = bisect_left(times, now_ms)
            while low < high:
                bucket = times[low] // length_ms
                following = bisect_left(times, (bucket + 1) * length_ms, low, high)
                found.setdefault(bucket, [0] * len(COUNTED))[place] = following - low
                low = following
        return {bucket: Counts(*counts) for bucket, counts in found.items()}


def _within(buckets: Mapping[int, Counts], length_ms: int, count: int, now_ms: int) -> Counts:
    present, into = divmod(now_ms, length_ms)
    # What is dated later counts as of now.
    whole = [counts for bucket, counts in buckets.items() if bucket > present - count]
    total = Counts(*map(sum, zip(*whole, strict=True))) if whole else NOTHING
    begun = buckets.get(present - count)
    return total if begun is None else total.plus(begun, 1 - into / length_ms)


def _merged(some: Mapping[int, Counts], more: Mapping[int, Counts]) -> dict[int, Counts]:
    merged = dict(some)
    for bucket, counts in more.items():
        merged[bucket] = merged.get(bucket, NOTHING).plus(counts)
    return merged
