"""What may become of an experiment, and what is said otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.experiments import lifecycle
from shared.experiments.models import MAX_CHANGES, Experiment
from shared.platform.errors import Conflict, InvalidInput
from tests.unit.experiments.conftest import NOW, experiment

DRAFT: dict[str, Any] = {"status": "draft", "started_at": None}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"variants": [{"name": "control", "weight": 10_000}]}, "at least one more"),
        ({"variants": [{"name": "a", "weight": 5000}, {"name": "b", "weight": 5000}]}, "control"),
        (
            {"variants": [{"name": "control", "weight": 5000}, {"name": "b", "weight": 4000}]},
            "9000 together",
        ),
        (
            {"variants": [{"name": "control", "weight": 10_000}, {"name": "b", "weight": 0}]},
            "leave it out",
        ),
        ({"slots": (5, 5)}, "not empty"),
        ({"slots": (0, 10_001)}, "10,000"),
        ({"overrides": {"u": "cold"}}, "cold"),
        ({"primary_metric": "happiness"}, "take listening_minutes"),
        ({"guardrails": [{"metric": "listening_minutes", "limit": 0.1}]}, "take skip_rate"),
        ({"winner": "cold"}, "no variant"),
        ({"name": "Warm Home"}, "pattern"),
        ({"audience": {"countries": ["Germany"]}}, "pattern"),
        ({"wieghts": 1}, "Extra inputs"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_remedy(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        experiment(**changes)


def test_a_definition_starts_as_a_draft_whatever_it_claims() -> None:
    made = lifecycle.defined(None, experiment(winner="warm", stop_reason="x"), NOW)
    assert (made.status, made.started_at, made.winner, made.stop_reason) == (
        "draft",
        None,
        None,
        "",
    )
    assert [change.what for change in made.changes] == ["defined"]


def test_the_same_definition_again_changes_nothing() -> None:
    made = lifecycle.defined(None, experiment(), NOW)
    assert lifecycle.defined(made, experiment(), NOW + timedelta(hours=1)) is made
    running = lifecycle.started(made, [], NOW)
    assert lifecycle.defined(running, experiment(), NOW) is running
    assert lifecycle.started(running, [], NOW) is running


def test_one_that_runs_may_get_more_people() -> None:
    running = lifecycle.started(experiment(**DRAFT, layer="home", slots=(100, 200)), [], NOW)
    wanted = experiment(layer="home", slots=(0, 500), about="More of it.")
    more = lifecycle.defined(running, wanted, NOW)
    assert (more.slots, more.status, more.started_at) == ((0, 500), "running", NOW)
    with pytest.raises(Conflict, match="grow, not shrink"):
        lifecycle.defined(more, experiment(layer="home", slots=(0, 499)), NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"salt": "pepper"},
        {"layer": "other"},
        {"primary_metric": "retained_days"},
        {"window_days": 14},
        {"planned_people": 9_999},
        {"audience": {"countries": ["DE"]}},
        {"variants": [{"name": "control", "weight": 4000}, {"name": "warm", "weight": 6000}]},
    ],
)
def test_what_would_mix_two_experiments_cannot_change(change: dict[str, Any]) -> None:
    running = lifecycle.started(experiment(**DRAFT), [], NOW)
    with pytest.raises(Conflict, match=f"{next(iter(change))} cannot change"):
        lifecycle.defined(running, experiment(**change), NOW)
    draft = experiment(**DRAFT)
    assert getattr(lifecycle.defined(draft, experiment(**change), NOW), next(iter(change)))


def test_slots_are_given_once() -> None:
    other = experiment(name="other", layer="home", slots=(0, 500))
    for slots in ((0, 500), (499, 600), (100, 200)):
        wanted = experiment(**DRAFT, layer="home", slots=slots)
        with pytest.raises(Conflict, match="other has the slots"):
            lifecycle.started(wanted, [other], NOW)
    free = experiment(**DRAFT, layer="home", slots=(500, 600))
    assert lifecycle.started(free, [other], NOW).status == "running"
    elsewhere = experiment(**DRAFT, layer="search", slots=(0, 500))
    assert lifecycle.started(elsewhere, [other], NOW).status == "running"
    over = other.model_copy(update={"status": "stopped"})
    assert lifecycle.started(experiment(**DRAFT, layer="home"), [over], NOW).status == "running"


def test_what_was_stopped_never_runs_again() -> None:
    stopped = lifecycle.stopped(experiment(), "harm", NOW, "Jo")
    assert (stopped.status, stopped.ended_at, stopped.stop_reason) == ("stopped", NOW, "harm")
    assert lifecycle.stopped(stopped, "again", NOW) is stopped
    with pytest.raises(Conflict, match="under a new name"):
        lifecycle.started(stopped, [], NOW)
    with pytest.raises(Conflict, match="under a new name"):
        lifecycle.defined(stopped, experiment(about="Another."), NOW)
    with pytest.raises(Conflict, match="only what runs"):
        lifecycle.stopped(experiment(**DRAFT), "harm", NOW)


def test_a_winner_is_one_of_the_variants() -> None:
    won = lifecycle.concluded(experiment(), "warm", NOW)
    assert (won.status, won.winner, won.ended_at) == ("concluded", "warm", NOW)
    assert lifecycle.concluded(won, "warm", NOW) is won
    assert lifecycle.concluded(won, "control", NOW + timedelta(days=1)).ended_at == NOW
    with pytest.raises(InvalidInput, match="they are"):
        lifecycle.concluded(experiment(), "cold", NOW)
    with pytest.raises(Conflict, match="start it first"):
        lifecycle.concluded(experiment(**DRAFT), "warm", NOW)


def test_the_story_is_kept_and_bounded() -> None:
    one: Experiment = lifecycle.defined(None, experiment(), NOW)
    for number in range(MAX_CHANGES + 10):
        one = lifecycle.defined(one, experiment(about=f"Number {number}."), NOW)
    assert len(one.changes) == MAX_CHANGES
