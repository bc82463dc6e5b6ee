"""Experiments on simulated listeners (`shared.simulation`), whose truth is known: the analysis as
the job makes it, of people who have tastes, habits and a past."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.experiments.analysis import Analysis, analyse
from shared.experiments.bucketing import assign
from shared.experiments.metrics import COUNTED_MS
from shared.experiments.models import Experiment
from shared.experiments.people import Person, stacked
from shared.simulation.behaviour import Effect
from shared.simulation.catalogue import invented
from shared.simulation.listening import AA, ACTIONS, COMPLAINTS, days_of
from shared.simulation.policies import Fixed
from shared.simulation.sessions import COMPLETE, SKIP
from shared.simulation.world import World
from tests.unit.experiments.conftest import NOW, experiment

PEOPLE = 2_000
WEEK = 7
FIRST = date(2026, 10, 26)
COMPLAINT_NUMBERS = [ACTIONS.index(action) for action in COMPLAINTS]
Table = NDArray[np.float64]  # (people, fields of a span)


@pytest.fixture(scope="module")
def world() -> World:
    return World.make(invented(1_500, 1), PEOPLE, 1)


def span(
    world: World, start: date, days: int, treated: NDArray[np.bool_] | None, effect: Effect = AA
) -> Table:
    """What each person did in `days` from `start` on, by `metrics.FIELDS`."""
    table = np.zeros((PEOPLE, 6))
    policy = Fixed.of_popular(world, 10)
    dates = [start + timedelta(days=number) for number in range(days)]
    for plays in days_of(world, policy, dates, treated=treated, effect=effect):
        who = plays.person
        counted = plays.position_ms >= COUNTED_MS
        for column, values in (
            (0, plays.position_ms / 60_000 * counted),
            (2, np.ones(len(who))),
            (3, plays.outcome == COMPLETE),
            (4, plays.outcome == SKIP),
        ):
            np.add.at(table[:, column], who, values)
        table[np.unique(who[counted]), 1] += 1
        complained = plays.actor[np.isin(plays.action, COMPLAINT_NUMBERS)]
        table[np.unique(who[complained]), 5] = 1
    return table


@pytest.fixture(scope="module")
def before(world: World) -> Table:
    return span(world, FIRST - timedelta(days=WEEK), WEEK, None)


@pytest.fixture(scope="module")
def untreated(world: World) -> tuple[Table, Table]:
    return span(world, FIRST, WEEK, None), span(world, FIRST, 1, None)


def people(of: Experiment, world: World, before: Table, after: Table, soon: Table) -> list[Person]:
    return [
        Person(
            first_ts=NOW - timedelta(days=10) + timedelta(seconds=number),
            variant=assign(of, world.user_id(number)).variant,
            is_suspected=False,
            after=tuple(after[number]),
            before=tuple(before[number]),
            soon=tuple(soon[number]),
        )
        for number in range(PEOPLE)
    ]


def analysed(of: Experiment, everybody: list[Person]) -> Analysis:
    return analyse(of, stacked(of, everybody), {}, NOW)


def test_cuped_cuts_what_theory_says_of_the_measured_correlation(
    world: World, before: Table, untreated: tuple[Table, Table]
) -> None:
    of = experiment()
    made = analysed(of, people(of, world, before, *untreated))
    after, _ = untreated
    measured = {
        "listening_minutes": np.corrcoef(after[:, 0], before[:, 0])[0, 1],
        "retained_days": np.corrcoef(after[:, 1], before[:, 1])[0, 1],
        "skip_rate": np.corrcoef(
            *(one[:, 4] - one[:, 4].sum() / one[:, 2].sum() * one[:, 2] for one in (after, before))
        )[0, 1],
    }
    found = {one.metric.name: one for one in made.comparisons}
    for name, correlation in measured.items():
        assert found[name].variance_left == pytest.approx(1 - correlation**2, abs=0.02)
        assert found[name].correlation == pytest.approx(correlation, abs=0.02)
    assert measured["listening_minutes"] > 0.5  # habits last: half of the variance is known


def test_of_many_a_a_tests_hardly_any_shows_an_effect_or_is_stopped(
    world: World, before: Table, untreated: tuple[Table, Table]
) -> None:
    """One week of the same people, divided anew sixty times."""
    shown = stopped = 0
    for number in range(60):
        of = experiment(salt=f"a-a-{number}")
        made = analysed(of, people(of, world, before, *untreated))
        shown += made.primary[0].verdict != "open"
        stopped += made.harm is not None
    assert shown <= 3
    assert stopped <= 3


@pytest.mark.parametrize(
    ("effect", "metric"),
    [
        (Effect(skip_log_odds=0.6), "skip_rate"),
        (Effect(complaint_log_odds=3.0), "complaint_rate"),
    ],
)
def test_injected_harm_is_found_and_stops_the_experiment(
    world: World, before: Table, effect: Effect, metric: str
) -> None:
    of = experiment()
    treated = np.array(
        [assign(of, world.user_id(number)).variant != "control" for number in range(PEOPLE)]
    )
    after = span(world, FIRST, WEEK, treated, effect)
    soon = span(world, FIRST, 1, treated, effect)
    made = analysed(of, people(of, world, before, after, soon))
    assert made.harm is not None
    assert metric in made.harm


def test_an_injected_improvement_is_found(world: World, before: Table) -> None:
    of = experiment()
    treated = np.array(
        [assign(of, world.user_id(number)).variant != "control" for number in range(PEOPLE)]
    )
    effect = Effect(session_length=1.25)
    after, soon = (span(world, FIRST, days, treated, effect) for days in (WEEK, 1))
    made = analysed(of, people(of, world, before, after, soon))
    assert made.primary[0].verdict == "better"
    assert made.harm is None
