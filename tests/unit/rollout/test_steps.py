from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.rollout.health import Health, Verdict
from shared.rollout.models import Rollout, Service, Target
from shared.rollout.steps import (
    BAKE,
    DEPLOY_SPREAD,
    LAST_BAKE,
    PATIENCE,
    STEPS,
    Action,
    Decision,
    after_earlier_regions,
    decide,
    halt,
    in_order,
)

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
OLD, NEW, NEWER = "f-00001-a", "f-00002-b", "f-00003-c"
EMPTY = Rollout(region="r", service="f")
STABLE = EMPTY.running(OLD, "")
WELL = Health(Verdict.HEALTHY, "well")
ILL = Health(Verdict.UNHEALTHY, "ill")
UNPROVEN = Health(Verdict.UNPROVEN, "3 of 100 requests so far")


def service(latest: str = NEW, **shares: int) -> Service:
    """A service with shares by the revisions' last letters."""
    named = {name[-1]: name for name in (OLD, NEW, NEWER)}
    targets = tuple(Target(named[letter], share) for letter, share in shares.items())
    return Service("r", "f", '"1"', latest, targets)


def trying(percent: int, since: timedelta) -> Rollout:
    return STABLE.trying(NEW, percent, OLD, NOW - since, "")


def split(percent: int) -> Service:
    return service(a=100 - percent, b=percent)


def test_a_new_service_is_pinned_to_what_it_serves() -> None:
    for targets in ((), (Target(None, 100),), (Target(None, 100, "preview"),)):
        decision = decide(Service("r", "f", '"1"', OLD, targets), EMPTY, NOW)
        assert (decision.action, decision.shares) == (Action.PIN, {OLD: 100})
        assert decision.rollout.stable == OLD


def test_the_newest_revision_with_all_requests_is_left_alone() -> None:
    assert decide(service(OLD, a=100), STABLE, NOW).action is Action.LEAVE


@pytest.mark.parametrize("percent", STEPS[:-1])
def test_a_healthy_candidate_goes_to_the_next_step_after_its_time(percent: int) -> None:
    waiting = decide(split(percent), trying(percent, BAKE - timedelta(seconds=1)), NOW, WELL)
    assert (waiting.action, waiting.shares) == (Action.WAIT, None)
    decision = decide(split(percent), trying(percent, BAKE), NOW, WELL)
    following = STEPS[STEPS.index(percent) + 1]
    assert decision.action is Action.ADVANCE
    assert decision.shares is not None
    assert decision.shares[NEW] == decision.rollout.percent == following
    assert decision.rollout.since == NOW
    assert "well" in decision.reason


def test_the_last_step_is_watched_before_the_candidate_is_the_stable_one() -> None:
    for age, action in ((LAST_BAKE / 2, Action.WAIT), (LAST_BAKE, Action.FINISH)):
        decision = decide(service(b=100), trying(100, age), NOW)
        assert (decision.action, decision.shares) == (action, None)
    assert (decision.rollout.stable, decision.rollout.candidate) == (NEW, None)


def test_an_ill_candidate_goes_back_at_once_and_is_refused_with_the_reason() -> None:
    decision = decide(split(10), trying(10, timedelta(minutes=5)), NOW, ILL)
    assert (decision.action, decision.shares) == (Action.GO_BACK, {OLD: 100})
    assert decision.rollout.going_back
    refusal = decision.rollout.refusal_of(NEW)
    assert refusal is not None
    assert refusal.reason == "at 10 %, ill"
    settled = decision.rollout.running(OLD, "")
    assert decide(service(a=100), settled, NOW).action is Action.LEAVE


def test_too_few_requests_wait_up_to_a_limit_and_then_go_on() -> None:
    for age, action in ((BAKE, Action.WAIT), (PATIENCE, Action.ADVANCE)):
        decision = decide(split(1), trying(1, age), NOW, UNPROVEN)
        assert decision.action is action
        assert "3 of 100 requests" in decision.reason


def test_on_hold_it_neither_starts_nor_goes_on_but_it_goes_back() -> None:
    held = {"on_hold": True}
    assert decide(service(a=100), STABLE.model_copy(update=held), NOW).action is Action.WAIT
    at_ten = trying(10, BAKE * 9).model_copy(update=held)
    assert decide(split(10), at_ten, NOW, WELL).action is Action.WAIT
    assert decide(split(10), at_ten, NOW, ILL).action is Action.GO_BACK


def test_a_service_that_is_being_changed_waits() -> None:
    busy = Service("r", "f", '"1"', NEW, (Target(OLD, 100),), reconciling=True)
    assert decide(busy, STABLE, NOW).action is Action.WAIT


def test_a_revision_that_comes_in_the_middle_starts_at_the_first_step_beside_the_stable_one() -> (
    None
):
    decision = decide(service(NEWER, a=50, b=50), trying(50, BAKE), NOW)
    assert (decision.action, decision.shares) == (Action.START, {NEWER: 1, OLD: 99})
    assert decision.rollout.candidate == NEWER
    decision = decide(service(NEWER, b=100), trying(100, BAKE), NOW)
    assert decision.shares == {NEWER: 1, NEW: 99}


def test_a_share_that_nobody_remembers_is_gone_on_from() -> None:
    """A run was killed after it had changed the traffic."""
    for remembered in (EMPTY, STABLE, trying(1, BAKE * 9)):
        decision = decide(split(10), remembered, NOW, WELL)
        assert (decision.action, decision.shares) == (Action.NOTE, None)
        noted = decision.rollout
        assert (noted.candidate, noted.percent, noted.since) == (NEW, 10, NOW)
        assert noted.stable == OLD
    decision = decide(service(b=100), trying(50, BAKE), NOW)
    assert (decision.rollout.percent, decision.rollout.since) == (100, NOW)


def test_an_odd_share_goes_on_with_the_next_greater_step() -> None:
    decision = decide(split(25), STABLE.trying(NEW, 25, OLD, NOW - BAKE, ""), NOW, WELL)
    assert decision.shares == {NEW: 50, OLD: 50}


@pytest.mark.parametrize(
    "remembered", [trying(50, BAKE), trying(100, BAKE), EMPTY.running(NEW, "")]
)
def test_what_a_person_took_back_is_refused(remembered: Rollout) -> None:
    decision = decide(service(a=100), remembered, NOW)
    assert decision.shares is None
    refusal = decision.rollout.refusal_of(NEW)
    assert refusal is not None
    assert "by hand" in refusal.reason
    assert decide(service(a=100), decision.rollout, NOW).action is Action.LEAVE


def test_what_a_person_forced_is_the_stable_one_even_where_it_was_refused() -> None:
    decision = decide(service(b=100), STABLE.refusing(NEW, NOW, "ill"), NOW)
    assert decision.rollout.stable == NEW
    assert decision.rollout.refusal_of(NEW) is None


def test_a_refused_revision_with_some_requests_loses_them() -> None:
    decision = decide(split(10), STABLE.refusing(NEW, NOW, "ill"), NOW)
    assert (decision.action, decision.shares) == (Action.GO_BACK, {OLD: 100})


def test_going_back_is_repeated_until_it_is_done() -> None:
    first = decide(split(50), trying(50, BAKE), NOW, ILL)
    for found in (split(50), service(a=100)):
        again = decide(found, first.rollout, NOW + BAKE)
        assert (again.action, again.shares) == (Action.GO_BACK, {OLD: 100})
        assert again.rollout == first.rollout


# --- regions --------------------------------------------------------------------------------


def test_the_home_region_is_the_last() -> None:
    assert in_order(("us", "eu", "asia"), "us") == ("eu", "asia", "us")


def _second(earlier: Service, theirs: Rollout, age: timedelta = DEPLOY_SPREAD) -> Decision:
    start = decide(service(a=100), STABLE, NOW)
    assert start.action is Action.START
    return after_earlier_regions(start, STABLE, [(earlier, theirs)], age)


def test_the_next_region_starts_once_the_one_before_is_through() -> None:
    assert _second(service(b=100), EMPTY.running(NEW, "")).action is Action.START
    for theirs in (trying(100, BAKE), trying(50, BAKE)):
        assert _second(service(b=100), theirs).action is Action.WAIT
    assert _second(service(a=100), STABLE).action is Action.WAIT


def test_what_an_earlier_region_refused_does_not_start_in_the_next() -> None:
    decision = _second(service(a=100), STABLE.refusing(NEW, NOW, "ill"))
    assert decision.action is Action.WAIT
    assert decision.rollout == STABLE
    assert "ill" in decision.reason


def test_the_next_region_waits_for_a_deployment_to_reach_the_one_before() -> None:
    through = service(b=100)
    assert _second(through, EMPTY.running(NEW, ""), DEPLOY_SPREAD / 2).action is Action.WAIT


# --- a burning budget -----------------------------------------------------------------------


def _halt(found: Service, rollout: Rollout, made: timedelta = BAKE * 8) -> Decision:
    """The incident began a bake ago; the candidate was `made` before now."""
    return halt(found, rollout, NOW, "incident 1", made_at=NOW - made, burning_since=NOW - BAKE)


@pytest.mark.parametrize(
    ("found", "remembered"),
    [
        (split(10), trying(10, BAKE * 2)),
        (service(b=100), trying(100, BAKE * 2)),  # not the stable one yet
        (split(1), EMPTY),  # a run was killed before it had noted so
        (service(NEWER, a=90, b=10), trying(10, BAKE * 2)),  # the next one is there already
    ],
)
def test_a_burning_budget_ends_what_is_under_way(found: Service, remembered: Rollout) -> None:
    decision = _halt(found, remembered)
    assert (decision.action, decision.shares) == (Action.GO_BACK, {OLD: 100})
    assert decision.rollout.refusal_of(NEW) is not None
    again = _halt(service(a=100), decision.rollout.running(OLD, ""))
    assert again.action is Action.LEAVE


def test_a_burning_budget_leaves_alone_what_is_not_under_way() -> None:
    for found, remembered in (
        (service(b=100), EMPTY.running(NEW, "")),
        (service(a=100), STABLE),
        (service(a=100), EMPTY),
    ):
        assert _halt(found, remembered).action is Action.LEAVE


def test_a_candidate_that_was_made_while_it_burned_may_be_the_remedy() -> None:
    assert _halt(split(10), trying(10, BAKE / 4), made=BAKE / 2).action is Action.LEAVE
