"""When lists are due, on whose clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.markets import MARKETS
from shared.recommendations.due import SETTLES_FOR, STANDS_FOR, State, due
from shared.recommendations.periods import (
    PRODUCTS,
    Product,
    day_number,
    local_time,
    period_after,
    period_at,
)

WEDNESDAY = datetime(2026, 11, 25, 12, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 29, tzinfo=UTC)
LONG_AGO = 0


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def periods(
    product: Product, now: datetime, country: str | None, held: State | None, newest_ms: int = 0
) -> list[str]:
    return [one.period.name for one in due(product, now, country, held, newest_ms)]


def stands(period: str, at: datetime = WEDNESDAY) -> State:
    return State(period, ms(at), "f")


# --- clocks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "hour"), [("DE", 13), ("GB", 12), ("IN", 17), ("US", 7), ("NZ", 1), (None, 12)]
)
def test_a_countrys_clock_is_that_of_its_foremost_zone(country: str | None, hour: int) -> None:
    assert local_time(WEDNESDAY, country).hour == hour


def test_every_market_has_a_clock_within_a_day() -> None:
    for market in MARKETS:
        offset = local_time(WEDNESDAY, market).utcoffset()
        assert offset is not None
        assert timedelta(hours=-12) <= offset <= timedelta(hours=14)
    known = [market for market in MARKETS if local_time(WEDNESDAY, market).tzinfo is not UTC]
    assert len(known) > 0.99 * len(MARKETS)


def test_a_week_begins_at_the_persons_midnight() -> None:
    period = period_at("discover-weekly", local_time(WEDNESDAY, "NZ"))
    assert period.name == "2026-11-23"
    on_chatham = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)  # 45 min ahead of Auckland
    assert period.from_ms == ms(on_chatham)
    assert period_at("release-radar", local_time(WEDNESDAY, "DE")).name == "2026-11-20"
    assert period_at("daily-mix", local_time(WEDNESDAY, "NZ")).name == "2026-11-26"


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.sampled_from([*MARKETS, None]))
def test_periods_follow_each_other_without_a_gap(naive: datetime, country: str | None) -> None:
    local = local_time(naive.replace(tzinfo=UTC), country)
    for product in PRODUCTS:
        present = period_at(product, local)
        following = period_after(product, present, local)
        assert present.from_ms <= ms(local) < following.from_ms
        assert (following.first_day - present.first_day).days in (1, 7)


def test_days_are_counted_as_releases_are() -> None:
    assert day_number(date(1970, 1, 2)) == 1


# --- Discover Weekly --------------------------------------------------------------------------


def test_who_has_none_gets_one_at_once() -> None:
    assert periods("discover-weekly", WEDNESDAY, "DE", None) == ["2026-11-23"]


def test_a_week_has_one_list() -> None:
    held = stands("2026-11-23")
    for hours in range(4 * 24):
        assert (
            periods("discover-weekly", WEDNESDAY + timedelta(hours=hours), "DE", held, 10**15) == []
        )


@pytest.mark.parametrize(("hour", "wanted"), [(16, []), (17, ["2026-11-30"]), (22, ["2026-11-30"])])
def test_the_next_is_made_from_sunday_evening_on(hour: int, wanted: list[str]) -> None:
    """Berlin is an hour ahead of UTC."""
    now = SUNDAY.replace(hour=hour)
    assert periods("discover-weekly", now, "DE", stands("2026-11-23")) == wanted
    assert periods("discover-weekly", now, "DE", stands("2026-11-30")) == []


def test_it_is_there_before_monday_in_every_market() -> None:
    """An hourly run makes it before it is valid, for the foremost clock of each."""
    for market in MARKETS:
        held = stands("2026-11-23")
        for hour in range(14 * 24):
            now = WEDNESDAY - timedelta(days=2) + timedelta(hours=hour)
            for one in due("discover-weekly", now, market, held, 0):
                assert 0 < one.period.from_ms - ms(now) <= 6 * 3600 * 1000
                held = State(one.period.name, ms(now), "f")
        assert held.period == "2026-12-07"


def test_a_newcomer_on_sunday_evening_gets_both() -> None:
    now = SUNDAY.replace(hour=20)
    assert periods("discover-weekly", now, "DE", None) == ["2026-11-23", "2026-11-30"]


def test_after_an_outage_the_week_that_is_gets_its_list() -> None:
    assert periods("discover-weekly", WEDNESDAY, "DE", stands("2026-11-09")) == ["2026-11-23"]


def test_an_empty_list_is_tried_again_once_there_is_something_new() -> None:
    held = State("2026-11-23", ms(WEDNESDAY), "f", is_empty=True)
    later = WEDNESDAY + timedelta(hours=1)
    assert periods("discover-weekly", later, "DE", held, ms(WEDNESDAY)) == []
    assert periods("discover-weekly", later, "DE", held, ms(WEDNESDAY) + 1) == ["2026-11-23"]


# --- Release Radar and Daily Mix --------------------------------------------------------------


def test_the_radar_is_made_on_friday() -> None:
    held = stands("2026-11-20")
    thursday = datetime(2026, 11, 26, 22, 30, tzinfo=UTC)
    assert periods("release-radar", thursday, "DE", held) == []
    assert periods("release-radar", thursday + timedelta(hours=1), "DE", held) == ["2026-11-27"]


def test_mixes_of_somebody_who_did_nothing_stand_for_a_week() -> None:
    held = State("2026-11-25", ms(WEDNESDAY), "f")
    almost = WEDNESDAY + STANDS_FOR - timedelta(minutes=1)
    assert due("daily-mix", almost, "DE", held, LONG_AGO) == ()
    (one,) = due("daily-mix", WEDNESDAY + STANDS_FOR, "DE", held, LONG_AGO)
    assert one.stands_as is None


@given(st.integers(0, 48 * 60), st.integers(0, 48 * 60))
def test_what_somebody_did_is_in_their_mixes_within_a_day(made: int, did: int) -> None:
    """By a job that runs every hour (F205)."""
    done_at = WEDNESDAY + timedelta(minutes=did)
    held = State("2026-11-25", ms(WEDNESDAY), "f")
    for hour in range(24 * 5):
        now = WEDNESDAY + timedelta(minutes=made % 60, hours=hour)
        newest_ms = ms(done_at) if now >= done_at else LONG_AGO
        if due("daily-mix", now, "DE", held, newest_ms):
            held = State("2026-11-25", ms(now), "g")
        if now - done_at >= timedelta(hours=23):
            assert held.made_at_ms >= ms(done_at)


def test_mixes_follow_a_taste_that_changes_but_not_at_every_play() -> None:
    held = State("2026-11-25", ms(WEDNESDAY), "f")
    newest = ms(WEDNESDAY) + 1
    assert due("daily-mix", WEDNESDAY + timedelta(hours=1), "DE", held, newest) == ()
    (one,) = due("daily-mix", WEDNESDAY + SETTLES_FOR, "DE", held, newest)
    assert one.stands_as == "f"
