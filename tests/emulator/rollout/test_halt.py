"""An error budget burns while a release is under way."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from shared.rollout import service
from shared.rollout.models import SloBurn
from tests.emulator.rollout.conftest import ASIA, EUROPE, HOME, START, CloudRun, minutes

OLD, NEW, NEWER = (f"lyrics-0000{number}-seg" for number in (1, 2, 3))


def burn(
    state: str = "open", function: str | None = None, since: datetime = START, version: str = "1.2"
) -> SloBurn:
    labels = {"function": function} if function else {}
    return SloBurn.model_validate(
        {
            "version": version,
            "incident": {
                "incident_id": "0.n4ah0r7",
                "state": state,
                "started_at": int(since.timestamp()),
                "policy_name": "Requests burn 14.4 times their budget",
                "policy_user_labels": labels,
                "resource": {"type": "https_lb_rule", "labels": {}},
            },
        }
    )


@pytest.fixture
async def under_way(cloud_run: CloudRun) -> CloudRun:
    """A release that has 1 %."""
    await service.advance(START - minutes(5))
    assert cloud_run.deploy() == NEW
    await service.advance(START)
    assert cloud_run.shares() == {NEW: 1, OLD: 99}
    return cloud_run


@pytest.mark.parametrize("function", [None, "lyrics", "nobody_we_know"])
async def test_a_release_that_may_be_the_cause_goes_back_for_good(
    under_way: CloudRun, function: str | None
) -> None:
    await service.handle_slo_burn(burn(function=function))
    assert under_way.shares() == {OLD: 100}
    refusal = (await under_way.remembered()).refusal_of(NEW)
    assert refusal is not None
    assert "incident 0.n4ah0r7" in refusal.reason
    await service.advance(START + minutes(600))
    assert under_way.shares() == {OLD: 100}


@pytest.mark.parametrize(
    "harmless",
    [burn("closed"), burn(function="catalog"), burn(version="test")],
    ids=["closed", "of another function", "a test of the channel"],
)
async def test_another_incident_does_nothing(under_way: CloudRun, harmless: SloBurn) -> None:
    await service.handle_slo_burn(harmless)
    assert under_way.shares() == {NEW: 1, OLD: 99}


async def test_the_same_incident_five_times_at_once_is_one(under_way: CloudRun) -> None:
    await asyncio.gather(*(service.handle_slo_burn(burn()) for _ in range(5)))
    assert under_way.shares() == {OLD: 100}
    assert len((await under_way.remembered()).refused) == 1


async def test_an_incident_in_the_middle_of_a_run_wins(under_way: CloudRun) -> None:
    for revision in (OLD, NEW):
        under_way.serve(revision, START + minutes(5))
    runs = (service.advance(START + minutes(20)) for _ in range(2))
    await asyncio.gather(*runs, service.handle_slo_burn(burn()))
    await service.handle_slo_burn(burn())  # as Pub/Sub would, had it failed
    await service.advance(START + minutes(25))
    assert under_way.shares() == {OLD: 100}


async def test_the_last_step_goes_back_too_while_it_is_watched(under_way: CloudRun) -> None:
    under_way.by_hand(r2=100)
    await service.advance(START + minutes(5))
    assert (await under_way.remembered()).percent == 100
    await service.handle_slo_burn(burn())
    assert under_way.shares() == {OLD: 100}


async def test_what_is_stable_stays(under_way: CloudRun) -> None:
    under_way.by_hand(r2=100)
    await service.advance(START + minutes(5))
    await service.advance(START + minutes(65))
    await service.handle_slo_burn(burn())
    assert under_way.shares() == {NEW: 100}


async def test_the_remedy_is_not_taken_for_the_cause(under_way: CloudRun) -> None:
    """It was made while the budget burned, and the incident is told again."""
    await service.handle_slo_burn(burn())
    under_way.deploy(made_at=START + minutes(20))
    await service.advance(START + minutes(25))
    await service.handle_slo_burn(burn())
    assert under_way.shares() == {NEWER: 1, OLD: 99}


async def test_one_that_fails_is_tried_again_and_keeps_no_other_back(under_way: CloudRun) -> None:
    under_way.fault(method="PATCH", path="/lyrics$", status=503)
    with pytest.raises(ExceptionGroup):
        await service.handle_slo_burn(burn())
    assert under_way.shares() == {NEW: 1, OLD: 99}
    await service.handle_slo_burn(burn())
    assert under_way.shares() == {OLD: 100}


async def test_it_goes_back_in_every_region(under_way: CloudRun, three_regions: None) -> None:
    await service.advance(START)
    for region in (EUROPE, ASIA):
        under_way.deploy(region)
        under_way.by_hand(region, r1=90, r2=10)
    await service.handle_slo_burn(burn())
    for region in (HOME, EUROPE, ASIA):
        assert under_way.shares(region) == {OLD: 100}
        assert (await under_way.remembered(region)).refusal_of(NEW) is not None
