"""The job against Cloud Run, Cloud Monitoring and Firestore."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from shared import topology
from shared.platform import clients
from shared.rollout import service
from tests.emulator.rollout.conftest import ASIA, EUROPE, HOME, START, CloudRun, minutes

ROOT = Path(__file__).parents[3]
OLD, NEW, NEWER = (f"lyrics-0000{number}-seg" for number in (1, 2, 3))


@pytest.fixture
async def released(cloud_run: CloudRun) -> CloudRun:
    """A second revision, on a service that the job has seen before."""
    await service.advance(START - minutes(5))
    assert cloud_run.deploy() == NEW
    return cloud_run


async def at_ten_percent(released: CloudRun) -> None:
    """Twenty minutes after START the candidate has 10 %."""
    await service.advance(START)
    for revision in (OLD, NEW):
        released.serve(revision, START + minutes(5))
    await service.advance(START + minutes(20))
    assert released.shares() == {NEW: 10, OLD: 90}


async def test_a_service_that_follows_the_latest_is_pinned_so_that_a_release_gets_nothing(
    cloud_run: CloudRun,
) -> None:
    assert cloud_run.shares() == {"LATEST": 100}
    await service.advance(START)
    cloud_run.deploy()
    assert cloud_run.shares() == {OLD: 100}
    await service.advance(START)
    assert cloud_run.shares() == {NEW: 1, OLD: 99}


async def test_a_healthy_release_goes_all_the_way_step_by_step(released: CloudRun) -> None:
    now, seen = START, list[int]()
    for _ in range(9):
        await service.advance(now)
        share = released.shares().get(NEW, 0)
        if not seen or seen[-1] != share:
            seen.append(share)
        for revision in released.shares():
            released.serve(revision, now + minutes(1))
        now += minutes(20)
    assert seen == [1, 10, 50, 100]
    remembered = await released.remembered()
    assert (remembered.stable, remembered.candidate) == (NEW, None)
    outcomes = await service.advance(now)
    assert {outcome.decision.action for outcome in outcomes} == {"leave"}


async def test_a_step_lasts_for_its_time(released: CloudRun) -> None:
    await service.advance(START)
    for minute in (5, 10, 14):
        for revision in (OLD, NEW):
            released.serve(revision, START + minutes(minute - 1))
        await service.advance(START + minutes(minute))
        assert released.shares() == {NEW: 1, OLD: 99}
    await service.advance(START + minutes(15))
    assert released.shares() == {NEW: 10, OLD: 90}


async def test_a_burst_of_errors_takes_the_release_back_for_good(released: CloudRun) -> None:
    await at_ten_percent(released)
    released.serve(OLD, START + minutes(22))
    released.serve(NEW, START + minutes(22), requests={"2xx": 70, "5xx": 30})
    await service.advance(START + minutes(25))
    assert released.shares() == {OLD: 100}
    refusal = (await released.remembered()).refusal_of(NEW)
    assert refusal is not None
    assert "30 of 100 requests failed" in refusal.reason
    for hours in (1, 24):
        await service.advance(START + timedelta(hours=hours))
        assert released.shares() == {OLD: 100}


async def test_errors_of_before_the_step_and_those_of_clients_do_not_count(
    released: CloudRun,
) -> None:
    await at_ten_percent(released)
    released.serve(NEW, START + minutes(19), requests={"5xx": 500})
    for revision in (OLD, NEW):
        released.serve(revision, START + minutes(25), requests={"2xx": 500, "4xx": 500})
    await service.advance(START + minutes(35))
    assert released.shares() == {NEW: 50, OLD: 50}


async def test_a_slower_release_is_taken_back(released: CloudRun) -> None:
    await at_ten_percent(released)
    released.serve(OLD, START + minutes(22), latency_ms=100)
    released.serve(NEW, START + minutes(22), requests={"2xx": 940}, latency_ms=100)
    released.serve(NEW, START + minutes(22), requests={"2xx": 60}, latency_ms=900)
    await service.advance(START + minutes(25))
    assert released.shares() == {OLD: 100}
    refusal = (await released.remembered()).refusal_of(NEW)
    assert refusal is not None
    assert "p95 is 900 ms" in refusal.reason


async def test_too_few_requests_wait_up_to_a_limit(released: CloudRun) -> None:
    await service.advance(START)
    released.serve(OLD, START + minutes(5))
    released.serve(NEW, START + minutes(5), requests={"2xx": 9})
    for minute, share in ((15, 1), (55, 1), (60, 10)):
        await service.advance(START + minutes(minute))
        assert released.shares()[NEW] == share


async def test_the_next_release_starts_at_the_first_step(released: CloudRun) -> None:
    await at_ten_percent(released)
    released.serve(NEW, START + minutes(22), requests={"5xx": 100})
    await service.advance(START + minutes(25))
    assert released.deploy() == NEWER
    await service.advance(START + minutes(30))
    assert released.shares() == {NEWER: 1, OLD: 99}


async def test_runs_at_once_take_one_step(released: CloudRun) -> None:
    for start, expected in ((START, 1), (START + minutes(20), 10), (START + minutes(40), 50)):
        await asyncio.gather(*(service.advance(start) for _ in range(4)))
        assert released.shares()[NEW] == expected
        for revision in (OLD, NEW):
            released.serve(revision, start + minutes(1))
        remembered = await released.remembered()
        assert (remembered.percent, remembered.since) == (expected, start)


async def test_a_run_that_was_overtaken_decides_anew(released: CloudRun) -> None:
    released.fault(method="PATCH", path="/lyrics$", status=409)
    await service.advance(START)
    assert released.shares() == {NEW: 1, OLD: 99}
    assert released.faults_left() == []


async def test_tags_outlive_a_step(released: CloudRun) -> None:
    by_revision = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
    tag = {"type": by_revision, "revision": NEW, "tag": "preview"}
    released.set_traffic([{"type": by_revision, "revision": OLD, "percent": 100}, tag])
    await service.advance(START)
    assert released.shares() == {NEW: 1, OLD: 99}
    assert tag in released.resource()["traffic"]


async def test_a_service_that_does_not_answer_keeps_no_other_from_its_step(
    released: CloudRun,
) -> None:
    released.fault(method="GET", path="/services/catalog$", status=503)
    with pytest.raises(ExceptionGroup) as raised:
        await service.advance(START)
    assert "answered 503" in str(raised.value.exceptions[0].exceptions[0])
    assert released.shares() == {NEW: 1, OLD: 99}


async def test_without_measurements_nothing_goes_on(released: CloudRun) -> None:
    await service.advance(START)
    released.fault(method="GET", path="/timeSeries$", status=503, times=2)
    with pytest.raises(ExceptionGroup):
        await service.advance(START + timedelta(hours=2))
    assert released.shares() == {NEW: 1, OLD: 99}


def _started(*arguments: str) -> subprocess.Popen[str]:
    """The job as Cloud Run would start it, held to what its topology entry declares."""
    return subprocess.Popen(
        [sys.executable, "-m", "emulators.job_host", "advance_rollouts", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(*arguments: str) -> tuple[int, str, str]:
    with _started(*arguments) as job:
        out, err = job.communicate(timeout=60)
        return job.returncode, out, err


def _kill_a_run_once(happened: Callable[[], bool]) -> None:
    with _started() as job:
        deadline = time.monotonic() + 60
        while not happened():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        job.send_signal(signal.SIGKILL)


async def test_a_run_that_is_killed_between_its_writes_is_gone_on_from(released: CloudRun) -> None:
    released.fault(method="PATCH", path="/lyrics$", operation_s=60)
    await asyncio.to_thread(_kill_a_run_once, lambda: released.shares() != {OLD: 100})
    assert released.shares() == {NEW: 1, OLD: 99}
    assert (await released.remembered()).candidate is None

    released.set_traffic(released.resource()["traffic"])  # ends the operation
    await service.advance(START)
    assert released.shares() == {NEW: 1, OLD: 99}
    remembered = await released.remembered()
    assert (remembered.candidate, remembered.percent, remembered.since) == (NEW, 1, START)


async def test_a_run_that_is_killed_on_the_way_back_is_completed(released: CloudRun) -> None:
    await at_ten_percent(released)
    released.serve(NEW, START + minutes(22), requests={"5xx": 100})
    released.fault(method="PATCH", path="/lyrics$", status=503)
    with pytest.raises(ExceptionGroup):
        await service.advance(START + minutes(25))
    assert released.shares() == {NEW: 10, OLD: 90}
    assert (await released.remembered()).going_back
    await service.advance(START + minutes(30))
    assert released.shares() == {OLD: 100}
    remembered = await released.remembered()
    assert not remembered.going_back
    assert remembered.refusal_of(NEW) is not None


# --- people ---------------------------------------------------------------------------------


async def test_what_is_rolled_back_by_hand_stays_back(released: CloudRun) -> None:
    await at_ten_percent(released)
    released.by_hand(r1=100)
    for minute in (25, 600):
        await service.advance(START + minutes(minute))
        assert released.shares() == {OLD: 100}


async def test_what_is_forced_by_hand_is_the_stable_one(released: CloudRun) -> None:
    released.by_hand(r2=100)
    await service.advance(START)
    assert released.shares() == {NEW: 100}
    assert (await released.remembered()).stable == NEW


async def test_on_hold_nothing_starts_until_it_is_resumed(released: CloudRun) -> None:
    (held,) = await service.hold("lyrics", True)
    assert held.on_hold
    await service.advance(START)
    assert released.shares() == {OLD: 100}
    await service.hold("lyrics", False)
    await service.advance(START + minutes(5))
    assert released.shares() == {NEW: 1, OLD: 99}


async def test_a_refused_revision_that_is_allowed_starts_over(released: CloudRun) -> None:
    await at_ten_percent(released)
    released.by_hand(r1=100)
    await service.advance(START + minutes(25))
    status, out, _ = await asyncio.to_thread(_run, "--allow", "lyrics", NEW)
    assert status == 0
    assert '"refused": []' in out
    await service.advance(START + minutes(30))
    assert released.shares() == {NEW: 1, OLD: 99}


def test_the_operators_tool_says_what_is_wrong(cloud_run: CloudRun) -> None:
    for arguments, message in (
        (("--show", "nobody"), "has no function 'nobody'"),
        (("--allow", "lyrics", "lyrics-00009-seg"), "No region refuses 'lyrics-00009-seg'"),
    ):
        status, _, err = _run(*arguments)
        assert (status, "Traceback" in err) == (1, False)
        assert message in err


async def test_a_document_that_cannot_be_read_stops_its_own_service_alone(
    released: CloudRun,
) -> None:
    broken = clients.collection(topology.ROLLOUTS).document(f"{HOME}.catalog")
    await broken.set({"percent": "many"})
    with pytest.raises(ExceptionGroup) as raised:
        await service.advance(START)
    assert "mend or delete it" in str(raised.value.exceptions[0].exceptions[0])
    assert released.shares() == {NEW: 1, OLD: 99}


# --- regions --------------------------------------------------------------------------------


async def test_one_region_after_another_gets_the_release_and_home_is_the_last(
    cloud_run: CloudRun, three_regions: None
) -> None:
    regions = (EUROPE, ASIA, HOME)
    await service.advance(START - minutes(5))
    for region in regions:
        cloud_run.deploy(region)
    through: list[str] = []
    for step in range(22):
        now = START + minutes(20 * step)
        await service.advance(now)
        for place, region in enumerate(regions):
            shares = cloud_run.shares(region)
            if (await cloud_run.remembered(region)).stable == NEW and region not in through:
                through.append(region)
            if place > len(through):
                assert shares == {OLD: 100}  # it waits for those before it
            for revision in shares:
                cloud_run.serve(revision, now + minutes(1), region)
    assert through == list(regions)


async def test_a_release_that_has_just_arrived_lets_the_first_region_have_it_first(
    cloud_run: CloudRun, three_regions: None
) -> None:
    await service.advance(START - minutes(5))
    cloud_run.deploy(ASIA, made_at=START)  # still being built in Europe
    for minute in (5, 55):
        await service.advance(START + minutes(minute))
        assert cloud_run.shares(ASIA) == {OLD: 100}
    await service.advance(START + minutes(60))  # it was for Asia alone
    assert cloud_run.shares(ASIA) == {NEW: 1, OLD: 99}


async def test_a_region_that_does_not_answer_lets_no_later_one_start(
    cloud_run: CloudRun, three_regions: None
) -> None:
    await service.advance(START - minutes(5))
    for region in (ASIA, HOME):
        cloud_run.deploy(region)
    cloud_run.fault(method="GET", path=f"/{EUROPE}/services/lyrics$", status=503)
    with pytest.raises(ExceptionGroup):
        await service.advance(START)
    assert cloud_run.shares(ASIA) == cloud_run.shares(HOME) == {OLD: 100}


async def test_what_the_first_region_refuses_reaches_no_other(
    cloud_run: CloudRun, three_regions: None
) -> None:
    await service.advance(START - minutes(5))
    for region in (EUROPE, ASIA, HOME):
        cloud_run.deploy(region)
    await service.advance(START)
    cloud_run.serve(NEW, START + minutes(1), EUROPE, requests={"5xx": 100})
    for now in (START + minutes(5), START + timedelta(hours=24)):
        await service.advance(now)
        for region in (EUROPE, ASIA, HOME):
            assert cloud_run.shares(region) == {OLD: 100}
