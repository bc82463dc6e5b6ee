"""How far apart the runs of a cron line are. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

# Minute, hour, day of the month, month, day of the week (0 and 7 are Sunday).
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_FROM = datetime(2024, 1, 1, tzinfo=UTC)  # a leap year: a cron line repeats within it


def longest_gap_s(cron: str) -> int:
    """The longest time in seconds between two runs of `cron`, a line of five fields in UTC with
    `*`, lists, ranges and steps. Raises ValueError for a line that it cannot read, or that runs
    less than twice a year."""
    runs = _runs(cron)
    last = next(runs, None)
    longest = timedelta()
    for run in runs:
        if last is not None:
            longest = max(longest, run - last)
        last = run
    if not longest:
        raise ValueError(f"{cron!r} runs less than twice a year")
    return int(longest.total_seconds())


def _runs(cron: str) -> Iterator[datetime]:
    fields = cron.split()
    if len(fields) != len(_RANGES):
        raise ValueError(f"{cron!r} has {len(fields)} fields, not {len(_RANGES)}")
    minutes, hours, days, months, weekdays = (
        _values(field, low, high) for field, (low, high) in zip(fields, _RANGES, strict=True)
    )
    any_day, any_weekday = fields[2].startswith("*"), fields[4].startswith("*")
    for offset in range(366):
        day = _FROM + timedelta(days=offset)
        on_day, on_weekday = day.day in days, day.isoweekday() % 7 in {w % 7 for w in weekdays}
        # Where both are given, either is enough: crontab(5).
        due = on_day and on_weekday if any_day or any_weekday else on_day or on_weekday
        if day.month in months and due:
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    yield day + timedelta(hours=hour, minutes=minute)


def _values(field: str, low: int, high: int) -> frozenset[int]:
    values: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        try:
            begin = low if span == "*" else int(first)
            # `5/10` goes on to the end, as `5-59/10` does.
            end = high if span == "*" or (step and not last) else int(last or first)
            every = int(step or 1)
        except ValueError:
            raise ValueError(f"{field!r} is no field of a cron line") from None
        if not (low <= begin <= end <= high and every >= 1):
            raise ValueError(f"{field!r} is out of range {low}..{high}")
        values.update(range(begin, end + 1, every))
    return frozenset(values)
