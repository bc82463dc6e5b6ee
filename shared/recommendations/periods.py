"""When a list is for: weeks and days as the person's clock shows them (F199). Pure.

A person's clock is that of their country; where a country has several, the one that is furthest
ahead at the time counts, so that Monday's list is there when the first of its people wake up to
Monday. The zones of a country come from the tz database's `zone.tab`, beside the zones themselves.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

Product = Literal["discover-weekly", "daily-mix", "release-radar"]
PRODUCTS: tuple[Product, ...] = ("discover-weekly", "daily-mix", "release-radar")

MONDAY, FRIDAY = 0, 4
_STARTS_ON: Mapping[Product, int] = {"discover-weekly": MONDAY, "release-radar": FRIDAY}
_NOT_IN_TABLE = {"XK": ("Europe/Belgrade",)}  # Kosovo's code is no official one
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A week or a day of a product, the same for everybody by `first_day`; it begins at the moment
    `from_ms` (since the epoch) for the person whom it was made out for."""

    first_day: date
    from_ms: int

    @property
    def name(self) -> str:
        """`YYYY-MM-DD`, its first day."""
        return self.first_day.isoformat()


def local_time(now: datetime, country: str | None) -> datetime:
    """`now` (aware) on the clock of `country` (ISO 3166-1 alpha-2); UTC where that is unknown."""
    zones = _zones().get(country or "", ())
    clocks = [now.astimezone(_zone(name)) for name in zones]
    return max(clocks, key=lambda one: one.utcoffset() or timedelta(), default=now.astimezone(UTC))


def period_at(product: Product, local: datetime) -> Period:
    """The period of `product` in which the local time lies."""
    day = local.date()
    if product in _STARTS_ON:
        day -= timedelta(days=(day.weekday() - _STARTS_ON[product]) % 7)
    return _period(day, local)


def period_after(product: Product, period: Period, local: datetime) -> Period:
    """The period that follows `period`, on the clock of `local`."""
    days = 7 if product in _STARTS_ON else 1
    return _period(period.first_day + timedelta(days=days), local)


def day_number(day: date) -> int:
    """Days since 1970, as `Item.released_on` counts them."""
    return (day - _EPOCH).days


def _period(day: date, local: datetime) -> Period:
    begins = datetime(day.year, day.month, day.day, tzinfo=local.tzinfo)
    return Period(day, int(begins.timestamp() * 1000))


@cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


@cache
def _zones() -> dict[str, tuple[str, ...]]:
    """The zones of each country."""
    found: dict[str, tuple[str, ...]] = {}
    for line in _table().splitlines():
        if line and not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), name)
    return {**_NOT_IN_TABLE, **found}


def _table() -> str:
    for folder in zoneinfo.TZPATH:
        path = Path(folder) / "zone.tab"
        if path.exists():
            return path.read_text("utf-8")
    try:
        return resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8")
    except ModuleNotFoundError:
        raise RuntimeError(
            "there is no tz database: install the package tzdata, or the system's"
        ) from None
