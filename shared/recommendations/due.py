"""Which lists are due for a person (F199, F205). Pure.

| product         | a list is for          | made                                              |
|-----------------|------------------------|---------------------------------------------------|
| discover-weekly | Monday to Sunday       | once, from Sunday 18:00 on, valid from Monday     |
| release-radar   | Friday to Thursday     | once, from Friday 00:00 on                        |
| daily-mix       | the day it is made on  | when the taste has changed, at 12 h; at 7 days    |

The job runs every hour, so six runs may fail before Monday comes. Who has no list yet gets one of
the present period at the next run. What somebody did
is in their mixes within 13 hours (F205: under 24). Mixes of somebody whose taste has not changed
stand for a week, whatever index was built meanwhile: most people of a day are not there on the
next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from shared.recommendations.periods import (
    Period,
    Product,
    local_time,
    period_after,
    period_at,
)

AHEAD = {"discover-weekly": timedelta(hours=6)}
SETTLES_FOR = timedelta(hours=12)  # so often at most, however much somebody listens
STANDS_FOR = timedelta(days=7)  # at most; by then the catalogue has changed


@dataclass(frozen=True, slots=True)
class State:
    """What is stored of the newest list of a person and product: the first day of its period
    (`YYYY-MM-DD`), when it was made, and the `fingerprint` of what it was made from. `is_empty`:
    there was nothing to list."""

    period: str
    made_at_ms: int
    fingerprint: str
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A list to make. With `stands_as` it need not be made if what it would be made from has that
    fingerprint."""

    product: Product
    period: Period
    stands_as: str | None = None


def due(
    product: Product, now: datetime, country: str | None, held: State | None, newest_ms: int
) -> tuple[Due, ...]:
    """What to make of `product` for somebody in `country` whose newest list is `held` and who did
    something last at `newest_ms`; the earlier period first."""
    if held is not None and held.is_empty and newest_ms > held.made_at_ms:
        held = None  # they are better known by now
    local = local_time(now, country)
    present = period_at(product, local)
    if product == "daily-mix":
        return _refreshed(present, now, held, newest_ms)
    following = period_after(product, present, local)
    wanted = [present]
    if following.from_ms - _now_ms(now) <= _ms(AHEAD.get(product, timedelta())):
        wanted.append(following)
    return tuple(Due(product, one) for one in wanted if held is None or held.period < one.name)


def _refreshed(
    present: Period, now: datetime, held: State | None, newest_ms: int
) -> tuple[Due, ...]:
    age_ms = inf if held is None else _now_ms(now) - held.made_at_ms
    if held is None or age_ms >= _ms(STANDS_FOR):
        return (Due("daily-mix", present),)
    if age_ms >= _ms(SETTLES_FOR) and newest_ms > held.made_at_ms:
        return (Due("daily-mix", present, held.fingerprint),)
    return ()


def _now_ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
