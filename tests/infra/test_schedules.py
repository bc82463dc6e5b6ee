"""How far apart the runs of a cron line are."""

from __future__ import annotations

import pytest

from infra.monitoring.schedules import longest_gap_s
from shared import topology

DAY_S = 86_400


@pytest.mark.parametrize(
    ("cron", "gap_s"),
    [
        ("* * * * *", 60),
        ("*/10 * * * *", 600),
        ("*/25 * * * *", 1500),  # 0, 25, 50, then 10 minutes
        ("5/20 * * * *", 1200),
        ("0,10,40 * * * *", 1800),
        ("30 3 * * *", DAY_S),
        ("0 9-17 * * *", 16 * 3600),
        ("0 0 * * 1-5", 3 * DAY_S),
        ("0 0 * * 7", 7 * DAY_S),
        ("0 0 1 * *", 31 * DAY_S),
        ("0 0 1,15 * 1", 7 * DAY_S),  # either day is enough
        ("0 0 1 1,2 *", 31 * DAY_S),
    ],
)
def test_the_longest_gap_between_two_runs(cron: str, gap_s: int) -> None:
    assert longest_gap_s(cron) == gap_s


@pytest.mark.parametrize(
    "cron",
    ["", "* * * *", "60 * * * *", "* * 0 * *", "*/0 * * * *", "5-1 * * * *", "a * * * *",
     "0 0 29 2 *"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match=r"cron|range|fields|year"):
        longest_gap_s(cron)


def test_every_schedule_of_the_topology_can_be_read() -> None:
    for job in topology.JOBS:
        if job.schedule:
            assert longest_gap_s(job.schedule) >= 60
