"""What is measured of a person's plays: the formulas, each explained where it stands.

The history holds when plays started, not how long they went on. That is taken from when the next
one started, and where that does not tell (the last play before a pause) nothing is assumed: the
doubt is the person's. For that reason no measure can grow when a pause of half an hour or more is
put anywhere into the plays, which a test holds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import attrgetter

from shared.abuse.models import Listen

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS

PAUSE_MS = 30 * MINUTE_MS  # a rest that a person takes; shorter ones are the kettle
LONGEST_TRACK_MS = 10 * MINUTE_MS  # of a longer one this much is believed to be heard
START_SLACK_MS = 30 * SECOND_MS  # from the end of a track to the next start: loading, stalls
END_SLACK_MS = 5 * SECOND_MS  # before its end a track is over: fades, clocks that differ
COUNTS_FROM_MS = 30 * SECOND_MS  # decision 15: a play of 30 s is paid
JUST_PAST_MS = 45 * SECOND_MS
DEVICES_AT_ONCE = 2  # a phone and a speaker; concurrency beyond it is F072's business to refuse
BUSY_MS = 3 * HOUR_MS
TIGHTEST_SHARE = 0.6
MIN_SPACINGS = 50  # below that a habit is not told from chance

# All fields, so that rows in another order are the same day.
_BY_TIME = attrgetter("started_at_ms", "track_id", "artist_id", "duration_ms", "device_id")


@dataclass(frozen=True, slots=True)
class Spacing:
    """A play and the time until the next one started."""

    listen: Listen
    gap_ms: int

    @property
    def was_cut(self) -> bool:
        """Whether the next play came before the track's end; not known of unknown tracks."""
        return 0 < self.gap_ms < min(self.listen.duration_ms - END_SLACK_MS, PAUSE_MS)

    @property
    def was_cut_once_it_counted(self) -> bool:
        """Whether the next play came as soon as this one was paid for."""
        return self.was_cut and COUNTS_FROM_MS <= self.gap_ms < JUST_PAST_MS

    @property
    def heard_ms(self) -> int:
        """How long it certainly went on; 0 where a pause came between."""
        believed_ms = min(self.listen.duration_ms, LONGEST_TRACK_MS)
        return min(self.gap_ms, believed_ms) if self.gap_ms <= believed_ms + START_SLACK_MS else 0


def spacings(listens: Iterable[Listen]) -> list[Spacing]:
    """Every play but the last with the time to its successor, by time."""
    ordered = sorted(listens, key=_BY_TIME)
    return [
        Spacing(one, following.started_at_ms - one.started_at_ms)
        for one, following in pairwise(ordered)
    ]


def by_device(listens: Iterable[Listen]) -> list[list[Spacing]]:
    """The spacings of each device's plays."""
    devices: dict[str, list[Listen]] = {}
    for listen in listens:
        devices.setdefault(listen.device_id, []).append(listen)
    return [spacings(own) for _, own in sorted(devices.items())]


def hours_beyond_the_clock(devices: Sequence[Sequence[Spacing]]) -> float:
    """Hours heard beyond what `DEVICES_AT_ONCE` can play in the time: the sum over all moments of
    the devices playing then, less those. Four devices for two hours are four hours beyond."""
    turns = []
    for line in devices:
        for spacing in line:
            start_ms = spacing.listen.started_at_ms
            turns += [(start_ms, 1), (start_ms + spacing.heard_ms, -1)]
    turns.sort()
    beyond_ms = playing = last_ms = 0
    for moment_ms, step in turns:
        beyond_ms += max(0, playing - DEVICES_AT_ONCE) * (moment_ms - last_ms)
        playing, last_ms = playing + step, moment_ms
    return beyond_ms / HOUR_MS


def plays_per_hour(listens: Sequence[Listen]) -> float:
    """Starts per hour in the busiest three hours: who looks for a song skips fast, not for long."""
    starts = sorted(listen.started_at_ms for listen in listens)
    first = most = 0
    for last, start_ms in enumerate(starts):
        while starts[first] <= start_ms - BUSY_MS:
            first += 1
        most = max(most, last - first + 1)
    return most * HOUR_MS / BUSY_MS


def cut_plays(line: Sequence[Spacing]) -> tuple[int, float]:
    """How many plays were left just past the 30 s that count, and their share of those that got
    so far. A person leaves a song when they dislike it: most before it counts, others late."""
    counted = sum(1 for spacing in line if spacing.gap_ms >= COUNTS_FROM_MS)
    cut = sum(1 for spacing in line if spacing.was_cut_once_it_counted)
    return cut, cut / counted if counted else 0.0


def irregularity(line: Sequence[Spacing]) -> float | None:
    """Coefficient of variation (deviation / mean) of the times after which plays were cut, in the
    tightest 60 % of all spacings, so that neither pauses nor a few odd ones hide a clock. None
    when fewer were cut. Plays that ran to their end say nothing: their spacing is the music's."""
    wanted = math.ceil(TIGHTEST_SHARE * len(line))
    gaps = sorted(spacing.gap_ms for spacing in line if spacing.was_cut)
    if len(line) < MIN_SPACINGS or len(gaps) < wanted:
        return None
    sums = [0, *accumulate(gaps)]
    squares = [0, *accumulate(gap * gap for gap in gaps)]
    smallest = math.inf
    for start in range(len(gaps) - wanted + 1):
        total = sums[start + wanted] - sums[start]
        spread = wanted * (squares[start + wanted] - squares[start]) - total * total
        smallest = min(smallest, spread / (total * total))
    return math.sqrt(smallest)


def variety(values: Iterable[str]) -> float:
    """The effective number of different values: e to the power of their Shannon entropy. 1 for
    one alone, n for n equally frequent."""
    counts = sorted(Counter(values).values())
    total = sum(counts)
    entropy = -sum(count / total * math.log(count / total) for count in counts)
    return math.exp(entropy)


def hours_without_pause(line: Sequence[Spacing]) -> float:
    """The longest stretch, in hours, in which a play started at least every `PAUSE_MS`. An hour's
    mix passes for a pause."""
    longest_ms = stretch_ms = 0
    for spacing in line:
        stretch_ms = stretch_ms + spacing.gap_ms if spacing.gap_ms < PAUSE_MS else 0
        longest_ms = max(longest_ms, stretch_ms)
    return longest_ms / HOUR_MS
