"""Error budgets: when alerts on them come, and when they are quiet."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from infra.monitoring.objectives import (
    BURN_ALERTS,
    MIN_BAD,
    OBJECTIVES,
    BurnAlert,
    Objective,
    time_to_fire_s,
    time_to_reset_s,
)

PAGE_1H, PAGE_6H, TICKET = BURN_ALERTS
BY_NAME = {objective.name: objective for objective in OBJECTIVES}
STEP_S = 60
QUIET_S = 4 * 86_400


@pytest.mark.parametrize(
    ("name", "alert", "limit"),
    [
        ("availability", PAGE_1H, 0.0072),
        ("availability", PAGE_6H, 0.003),
        ("availability", TICKET, 0.0005),
        ("playback-availability", PAGE_1H, 0.00144),
        ("playback-availability", PAGE_6H, 0.0006),
        ("playback-availability", TICKET, 0.0001),
    ],
)
def test_an_alert_comes_above_the_share_that_was_asked_for(
    name: str, alert: BurnAlert, limit: float
) -> None:
    assert BY_NAME[name].threshold(alert) == pytest.approx(limit)
    assert f"> {limit:g})" in BY_NAME[name].expression(alert)


def test_windows_and_factors_are_those_of_the_workbook() -> None:
    """https://sre.google/workbook/alerting-on-slos/, table 5-8."""
    table = [(a.factor, a.long_s, a.short_s, a.pages, round(a.spent, 6)) for a in BURN_ALERTS]
    assert table == [
        (14.4, 3600, 300, True, 0.02),
        (6, 21_600, 1800, True, 0.05),
        (1, 259_200, 21_600, False, 0.10),
    ]


def test_the_targets_are_the_requirements() -> None:
    assert {o.name: (o.goal, o.source) for o in OBJECTIVES} == {
        "availability": (0.9995, "F066"),
        "playback-availability": (0.9999, "F065"),
        "playback-start": (0.99, "F063"),
    }


def fires(
    limit: float,
    alert: BurnAlert,
    per_minute: float,
    bad_share: Callable[[float], float],
    end_s: int,
) -> list[int]:
    """Seconds at which an alert would fire, minute by minute, from a history without a fault:
    counted afresh from the requests themselves, as Monitoring does."""
    bad = [0.0]  # running total; `bad[i]` is after `i` minutes
    fired = []
    quiet = QUIET_S // STEP_S
    for minute in range(quiet + end_s // STEP_S):
        share = bad_share((minute - quiet) * STEP_S) if minute >= quiet else 0.0
        bad.append(bad[-1] + per_minute * share)

    def over(window_s: int, minute: int) -> float:
        return bad[minute] - bad[minute - window_s // STEP_S]

    for minute in range(quiet, len(bad)):
        long_bad, short_bad = over(alert.long_s, minute), over(alert.short_s, minute)
        burning = (
            long_bad / (per_minute * alert.long_s / STEP_S) > limit
            and short_bad / (per_minute * alert.short_s / STEP_S) > limit
        )
        if burning and long_bad >= MIN_BAD:
            fired.append((minute - quiet) * STEP_S)
    return fired


@pytest.mark.parametrize("alert", BURN_ALERTS, ids=lambda alert: alert.name)
@pytest.mark.parametrize("objective", OBJECTIVES[:2], ids=lambda objective: objective.name)
@pytest.mark.parametrize("times_the_limit", [1.23, 3.1, 47])
def test_an_outage_is_told_in_time_and_taken_back(
    objective: Objective, alert: BurnAlert, times_the_limit: float
) -> None:
    limit = objective.threshold(alert)
    share = limit * times_the_limit
    expected_s = time_to_fire_s(objective, alert, share)
    lasts_s = int(max(expected_s, alert.short_s)) // STEP_S * STEP_S + alert.short_s
    fired = fires(
        limit,
        alert,
        100_000,
        lambda at_s: share if at_s < lasts_s else 0.0,
        lasts_s + alert.short_s,
    )
    assert 0 <= fired[0] - expected_s <= STEP_S
    assert fired == list(range(fired[0], fired[-1] + STEP_S, STEP_S))  # it does not flap
    quiet_s = fired[-1] + STEP_S - lasts_s
    assert abs(quiet_s - time_to_reset_s(objective, alert, share)) <= STEP_S
    assert quiet_s <= alert.short_s


@pytest.mark.parametrize("alert", BURN_ALERTS, ids=lambda alert: alert.name)
def test_what_the_budget_allows_never_fires(alert: BurnAlert) -> None:
    objective = BY_NAME["availability"]
    share = objective.threshold(alert) * 0.99
    assert time_to_fire_s(objective, alert, share) == math.inf
    steady = fires(objective.threshold(alert), alert, 100_000, lambda _: share, 4 * alert.long_s)
    assert steady == []


def test_a_total_outage_pages_within_a_minute() -> None:
    for objective in OBJECTIVES[:2]:
        assert time_to_fire_s(objective, PAGE_1H, 1.0) < 60


def test_a_few_bad_requests_page_nobody_where_few_people_listen() -> None:
    limit = BY_NAME["availability"].threshold(PAGE_1H)
    one_in_ten = fires(limit, PAGE_1H, 1, lambda at_s: 0.1 if at_s < 3600 else 0.0, 7200)
    assert one_in_ten == []
    assert fires(limit, PAGE_1H, 1, lambda at_s: 0.5 if at_s < 3600 else 0.0, 7200)


@pytest.mark.parametrize("alert", BURN_ALERTS, ids=lambda alert: alert.name)
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
def test_the_expression_asks_for_both_windows_and_enough(
    objective: Objective, alert: BurnAlert
) -> None:
    said = re.fullmatch(
        r"\(sum \(increase\((?P<bad>\S+)\[(?P<long>\w+)\]\)\) / "
        r"sum \(increase\((?P<total>\S+)\[(?P=long)\]\)\) > (?P<limit>\S+)\)\n"
        r"and \(sum \(increase\((?P=bad)\[(?P<short>\w+)\]\)\) / "
        r"sum \(increase\((?P=total)\[(?P=short)\]\)\) > (?P=limit)\)\n"
        r"and \(sum \(increase\((?P=bad)\[(?P=long)\]\)\) >= (?P<enough>\d+)\)",
        objective.expression(alert),
    )
    assert said is not None
    seconds = {"m": 60, "h": 3600, "d": 86_400}
    windows = [int(said[name][:-1]) * seconds[said[name][-1]] for name in ("long", "short")]
    assert windows == [alert.long_s, alert.short_s]
    assert (said["bad"], said["total"]) == (objective.bad.promql(), objective.total.promql())
    assert int(said["enough"]) == MIN_BAD


def test_a_stricter_promise_fires_sooner() -> None:
    loose = BY_NAME["availability"]
    strict = replace(loose, goal=0.9999)
    assert time_to_fire_s(strict, PAGE_1H, 0.01) < time_to_fire_s(loose, PAGE_1H, 0.01)


def test_the_objective_and_its_alert_read_the_same_series() -> None:
    playback = BY_NAME["playback-availability"]
    assert playback.bad.filter() == (
        'metric.type="loadbalancing.googleapis.com/https/request_count" AND '
        'resource.type="https_lb_rule" AND '
        'resource.labels.backend_target_type="BACKEND_SERVICE" AND '
        "metric.labels.response_code_class=500 AND "
        'resource.labels.backend_target_name="playback"'
    )
    assert playback.bad.promql() == (
        "loadbalancing_googleapis_com:https_request_count{"
        'monitored_resource="https_lb_rule",backend_target_type="BACKEND_SERVICE",'
        'response_code_class="500",backend_target_name="playback"}'
    )
    for objective in OBJECTIVES:
        assert objective.goal <= 0.9999
        assert set(objective.total.labels) < set(objective.bad.labels) or (
            objective.bad.metric.startswith(objective.total.metric)
        )
