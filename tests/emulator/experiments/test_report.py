"""From what people were shown and did to a page, and to an experiment that is stopped."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import numpy as np
import pytest
from google.api_core.exceptions import AlreadyExists
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from emulators import provision
from emulators.eventing.export import Export
from emulators.eventing.pubsub import PubSub
from emulators.eventing.stats import Stats
from emulators.processes import free_port
from shared import topology
from shared.experiments import bucketing, exposures, judging, service, store, warehouse
from shared.experiments.models import Assignment, Experiment
from shared.experiments.people import People
from shared.platform import clients, objects
from shared.platform.ids import random_id
from tests import local_settings
from tests.emulator.experiments.conftest import DATASET, PROJECT, Job, insert
from tests.unit.experiments.conftest import experiment

NOW = datetime.now(UTC).replace(microsecond=0)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
PLAYS, SIGNALS = topology.PLAYBACK_EVENTS_TABLE, topology.LISTENER_SIGNALS_TABLE


def exposed(of: Experiment, user: str, at: datetime, variant: str | None = None) -> dict[str, Any]:
    given = bucketing.assign(of, user)
    told = exposures.exposure(
        Assignment(of.name, variant or given.variant, "assigned"), user, "home", at
    )
    return told.model_dump(mode="json", exclude_none=True)


def play(
    user: str, at: datetime, heard_ms: int, ended: str = "completed", **changes: Any
) -> dict[str, Any]:
    return {
        "event_id": random_id(),
        "type": ended,
        "user_id": user,
        "track_id": random_id(),
        "session_id": random_id(),
        "position_ms": heard_ms,
        "ts": at.isoformat(),
        **changes,
    }


async def defined(**changes: Any) -> Experiment:
    """A running experiment that began ten days ago."""
    name = f"e{random_id().lower()}"
    made = experiment(name=name, started_at=NOW - 10 * DAY, **changes)
    return await store.change(name, lambda _: made)


@pytest.fixture
async def one(cloud: str, nothing_defined: None) -> Experiment:
    return await defined(window_days=2)


FIRST = NOW - 5 * DAY


async def test_a_person_is_what_they_did_around_their_first_exposure(one: Experiment) -> None:
    user, minute = random_id(), 60_000
    session = random_id()
    whole = play(user, FIRST + 3 * HOUR, 3 * minute)
    insert(topology.EXPOSURES_TABLE, [exposed(one, user, FIRST), exposed(one, user, FIRST + DAY)])
    insert(
        PLAYS,
        [
            whole,
            whole,  # delivered twice
            # One session, whatever its events: heard for 40 s, then left.
            play(user, FIRST + 30 * HOUR, 0, "play_started", session_id=session, track_id="t"),
            play(user, FIRST + 30.01 * HOUR, 20_000, "progress", session_id=session, track_id="t"),
            play(user, FIRST + 30.02 * HOUR, 40_000, "skipped", session_id=session, track_id="t"),
            play(user, FIRST + 31 * HOUR, 29_999, "skipped"),  # does not count, and was a skip
            play(user, FIRST + 32 * HOUR, 9 * minute, "seeked"),  # is no play
            play(user, FIRST + 48 * HOUR, 3 * minute),  # the window is over
            play(user, FIRST - HOUR, 2 * minute),
            play(user, FIRST - 47 * HOUR, 2 * minute, "stopped"),
            play(user, FIRST - 49 * HOUR, 3 * minute),
        ],
    )
    hide = {"event_id": random_id(), "user_id": user, "kind": "hide"}
    insert(SIGNALS, [{**hide, "ts": (FIRST + 25 * HOUR).isoformat()}] * 2)
    found = await warehouse.people(one, NOW)
    assert (found.first_s.tolist(), found.is_suspected.tolist()) == ([FIRST.timestamp()], [False])
    assert variants(one, found) == [bucketing.assign(one, user).variant]
    # minutes, active days, plays, completed, skipped, complained
    assert found.after[0] == pytest.approx((3 + 40 / 60, 2, 3, 1, 2, 1))
    assert found.before[0] == pytest.approx((4, 2, 2, 1, 0, 0))
    assert found.soon[0] == pytest.approx((3, 1, 1, 1, 0, 0))


async def test_a_play_under_way_at_the_exposure_is_of_no_span_but_the_guardrails(
    one: Experiment,
) -> None:
    """It began before, and was skipped, or heard out, as the variant had it."""
    user = random_id()
    insert(topology.EXPOSURES_TABLE, [exposed(one, user, FIRST)])
    straddling = {"session_id": random_id(), "track_id": random_id()}
    insert(
        PLAYS,
        [
            play(user, FIRST - MINUTE, 60_000, "progress", **straddling),
            play(user, FIRST + MINUTE, 180_000, "skipped", **straddling),
            play(user, FIRST - 2 * MINUTE, 120_000),
        ],
    )
    found = await warehouse.people(one, NOW)
    assert found.before[0] == pytest.approx((2, 1, 1, 1, 0, 0))
    assert found.after[0] == pytest.approx((0, 0, 0, 0, 0, 0))
    assert found.soon[0] == pytest.approx((3, 1, 1, 0, 1, 0))


REPLAYED: dict[str, Any] = {"session_id": "once", "track_id": "again"}


def replayed(user: str, *events: tuple[float, int, str]) -> list[dict[str, Any]]:
    """Of one session on a track, delivered twice: at which minute from `FIRST`, where, and what."""
    return [play(user, FIRST + at * MINUTE, ms, ended, **REPLAYED) for at, ms, ended in events] * 2


async def test_a_track_that_is_played_again_in_its_session_is_another_play(one: Experiment) -> None:
    user = random_id()
    insert(topology.EXPOSURES_TABLE, [exposed(one, user, FIRST)])
    rows = replayed(
        user,
        (1, 0, "play_started"),
        (1.1, 5_000, "skipped"),
        (2, 0, "play_started"),
        (4, 120_000, "progress"),
        (5, 180_000, "completed"),
        (5.01, 0, "play_started"),
        (8, 180_000, "completed"),
    )
    insert(PLAYS, rows[::-1])  # in whatever order
    found = await warehouse.people(one, NOW)
    assert found.after[0] == pytest.approx((6, 1, 3, 2, 1, 0))


@pytest.mark.parametrize("start", [[], [(-30, 0, "play_started")]], ids=["lost", "told"])
async def test_what_is_played_again_after_the_exposure_leaves_the_past_as_it_was(
    one: Experiment, start: list[tuple[float, int, str]]
) -> None:
    user = random_id()
    insert(topology.EXPOSURES_TABLE, [exposed(one, user, FIRST)])
    again = [(10, 0, "play_started"), (11, 60_000, "skipped")]
    rows = replayed(user, *start, (-28, 120_000, "progress"), (-27, 180_000, "completed"), *again)
    insert(PLAYS, rows)
    found = await warehouse.people(one, NOW)
    assert found.before[0] == pytest.approx((3, 1, 1, 1, 0, 0))
    assert found.after[0] == pytest.approx((1, 1, 1, 0, 1, 0))
    assert found.soon[0] == pytest.approx((1, 1, 1, 0, 1, 0))


def said(user: str, at: datetime, kind: str, **of: str) -> dict[str, Any]:
    return {"event_id": random_id(), "user_id": user, "kind": kind, "ts": at.isoformat(), **of}


HIDE, UNHIDE = "hide", "unhide"


@pytest.mark.parametrize(
    ("told", "before", "after"),
    [
        # At which minute from the first exposure, what, of what.
        pytest.param([(1, HIDE, "a"), (2, UNHIDE, "a")], 0, 0, id="taken back"),
        pytest.param([(1, HIDE, "a"), (61, UNHIDE, "a")], 0, 0, id="at the last moment"),
        pytest.param([(1, HIDE, "a"), (61.1, UNHIDE, "a")], 0, 1, id="too late"),
        pytest.param([(1, HIDE, "a"), (121, UNHIDE, "a")], 0, 1, id="after two hours"),
        pytest.param([(1, HIDE, "a"), (4_000, UNHIDE, "a")], 0, 1, id="after the window"),
        pytest.param([(1, HIDE, "a"), (2, UNHIDE, "b")], 0, 1, id="another taken back"),
        pytest.param([(1, HIDE, "a"), (2, UNHIDE, "a"), (3, HIDE, "a")], 0, 1, id="hidden again"),
        pytest.param(
            [(1, HIDE, "a"), (121, UNHIDE, "a"), (122, HIDE, "a"), (123, UNHIDE, "a")],
            0,
            1,
            id="hidden again by a slip",
        ),
        pytest.param([(1, HIDE, "a"), (2, HIDE, "a"), (3, UNHIDE, "a")], 0, 0, id="hidden twice"),
        pytest.param([(1, "report", "a"), (2, UNHIDE, "a")], 0, 1, id="reported"),
        pytest.param([(1, UNHIDE, "a"), (2, UNHIDE, "a")], 0, 0, id="never hidden"),
        pytest.param([(-9, HIDE, "a"), (-8, UNHIDE, "a")], 0, 0, id="taken back before"),
        pytest.param([(-9, HIDE, "a"), (1, UNHIDE, "a")], 1, 0, id="only after the exposure"),
        pytest.param([(-9, HIDE, "a"), (0, UNHIDE, "a")], 1, 0, id="at the exposure"),
        pytest.param([(-9, HIDE, "a"), (4_000, UNHIDE, "a")], 1, 0, id="days after it"),
    ],
)
async def test_a_hide_that_was_taken_back_is_no_complaint(
    one: Experiment, told: list[tuple[float, str, str]], before: int, after: int
) -> None:
    """So soon that nobody has counted it, and not by what the variant may have brought about."""
    user = random_id()
    insert(topology.EXPOSURES_TABLE, [exposed(one, user, FIRST)])
    for of in ("track_id", "subject_uri"):
        rows = [said(user, FIRST + at * MINUTE, kind, **{of: item}) for at, kind, item in told]
        insert(SIGNALS, rows * 2)  # delivered twice
    found = await warehouse.people(one, NOW)
    assert (found.before[0][5], found.after[0][5]) == (before, after)
    assert found.soon[0][5] == after


async def test_whoever_became_a_tester_while_it_ran_is_not_analysed(cloud: str) -> None:
    tester, other = random_id(), random_id()
    of = await defined(overrides={tester: "warm"})
    insert(
        topology.EXPOSURES_TABLE, [exposed(of, who, FIRST, "control") for who in (tester, other)]
    )
    insert(PLAYS, [play(tester, FIRST + HOUR, 60_000)])
    found = await warehouse.people(of, NOW)
    assert found.after.tolist() == [[0.0] * 6]


def variants(of: Experiment, found: People) -> list[str | None]:
    names = [variant.name for variant in of.variants]
    return [names[arm] if arm >= 0 else None for arm in found.arm]


async def test_whoever_did_nothing_counts_with_nothing(one: Experiment) -> None:
    insert(topology.EXPOSURES_TABLE, [exposed(one, "idle", FIRST)])
    found = await warehouse.people(one, NOW)
    for span in (found.after, found.before, found.soon):
        assert span.tolist() == [[0.0] * 6]


async def test_machines_and_people_in_two_variants_are_marked(one: Experiment) -> None:
    machine, both, early = random_id(), random_id(), random_id()
    insert(
        topology.EXPOSURES_TABLE,
        [
            exposed(one, machine, FIRST),
            exposed(one, both, FIRST + MINUTE, "warm"),
            exposed(one, both, FIRST + HOUR, "control"),
            exposed(one, early, NOW - 11 * DAY),  # before it began: another of its name
            exposed(await defined(), random_id(), FIRST),
            {**exposed(one, random_id(), FIRST), "kind": "assignment"},
        ],
    )
    insert(PLAYS, [play(machine, FIRST + HOUR, 99_000, suspected=True)])
    found = await warehouse.people(one, NOW)
    assert found.is_suspected.tolist() == [True, False]
    assert found.after[0][2] == 0
    assert variants(one, found) == [bucketing.assign(one, machine).variant, None]
    assert sum((await warehouse.assigned(one, NOW)).values()) == 1


def history(of: Experiment, people: int, seed: int, skipped_by_treated: float) -> None:
    """`people` who each played ten tracks in the day after they were exposed, of which a fifth were
    skipped, but by the treated as many as told."""
    generator = np.random.default_rng(seed)
    shown, plays = [], []
    for _ in range(people):
        user = random_id()
        first = NOW - (2 + 6 * generator.random()) * DAY
        shown.append(exposed(of, user, first))
        treated = bucketing.assign(of, user).variant != "control"
        chance = skipped_by_treated if treated else 0.2
        for number in range(10):
            skip = generator.random() < chance * generator.uniform(0.5, 1.5)
            at = first + (number + 1) * HOUR
            plays.append(play(user, at, 9_000, "skipped") if skip else play(user, at, 200_000))
    insert(topology.EXPOSURES_TABLE, shown)
    insert(PLAYS, plays)


async def test_the_job_stops_what_harms_and_nothing_else(
    cloud: str, nothing_defined: None, job: Job
) -> None:
    harmful, harmless = await defined(), await defined()
    empty = await defined()
    history(harmful, 500, 1, 0.4)
    history(harmless, 500, 2, 0.2)
    done = await asyncio.to_thread(job, "experiment_report")
    assert done.returncode == 0, done.stderr
    after = await store.read_all()
    assert {name: one.status for name, one in after.items()} == {
        harmful.name: "stopped",
        harmless.name: "running",
        empty.name: "running",
    }
    stopped = after[harmful.name]
    assert stopped.stop_reason.startswith("guardrail skip_rate: warm has")
    assert stopped.changes[-1].note == "by experiment_report"
    service.definitions.forget()
    for number in range(20):
        assert (await service.assigned(harmful.name, f"u{number}")).variant == "control"

    pages = {one.name: await page(f"{one.name}/index.html") for one in after.values()}
    assert "Stopped." in pages[harmful.name]
    assert "guardrail skip_rate: warm has" in pages[harmful.name]
    assert "Stopped." not in pages[harmless.name]
    assert pages[harmless.name].count("<svg") == 1  # nobody's week is over: no effect is drawn
    assert "Not yet" in pages[harmless.name]
    assert "Not yet" in pages[empty.name]
    index = await page("index.html")
    assert all(f'href="{name}/index.html"' in index for name in after)

    again = await asyncio.to_thread(job, "experiment_report")
    assert again.returncode == 0, again.stderr
    assert (await store.read_all())[harmful.name] == stopped


async def page(name: str) -> str:
    found = await objects.read(topology.REPORTS, f"experiments/{name}")
    assert found is not None
    return found.decode()


async def test_a_page_draws_the_effect_once_weeks_are_over(
    cloud: str, nothing_defined: None
) -> None:
    of = await defined(window_days=1)
    history(of, 400, 3, 0.2)
    judged = await judging.judge([of.name], NOW)
    assert (judged.reported, judged.stopped, judged.failed) == ([of.name], [], [])
    text = await page(f"{of.name}/{NOW:%Y%m%dT%H%MZ}.html")
    assert text == await page(f"{of.name}/index.html")
    assert text.count("<svg") == 3


async def test_the_smallest_is_judged_first_and_a_failed_one_keeps_nobody_from_it(
    cloud: str, nothing_defined: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, small, broken = await defined(), await defined(), await defined()
    for of, count in ((large, 3), (small, 1), (broken, 2)):
        assignments = [{**exposed(of, random_id(), FIRST), "kind": "assignment"}] * 2
        for _ in range(count):
            assignments.append({**exposed(of, random_id(), FIRST), "kind": "assignment"})
        insert(topology.EXPOSURES_TABLE, assignments)
    people = warehouse.people

    async def some(of: Experiment, now: datetime) -> People:
        if of.name == broken.name:
            raise MemoryError
        return await people(of, now)

    monkeypatch.setattr(warehouse, "people", some)
    judged = await judging.judge(now=NOW)
    assert (judged.reported, judged.failed) == ([small.name, large.name], [broken.name])


async def test_the_overview_says_how_much_of_what_is_played_was_recommended(
    cloud: str, nothing_defined: None
) -> None:
    """On days of which no other test is."""
    now = datetime(2025, 3, 4, 5, tzinfo=UTC)
    contexts = {
        "segue:shelf:popular": True,
        "segue:made:discover-weekly": True,
        "segue:radio:spotify:track:1": True,
        "segue:shelf:autoplay": True,
        "segue:shelf:recently-played": False,  # their own
        f"spotify:album:{random_id()}": False,
        "segue:shelves": False,
        None: False,
    }
    midnight = now.replace(hour=0)
    user, plays = random_id(), []
    for context in contexts:
        of: dict[str, Any] = {"session_id": random_id(), "track_id": random_id()}
        of["context_uri"] = context
        plays += [play(user, midnight - MINUTE, 0, "play_started", **of)]
        plays += [play(user, midnight + MINUTE, 30_000, **of)] * 2
        plays += [play(user, midnight + MINUTE, 29_999, context_uri=context)]  # does not count
    # Two plays of one session: the one of an album, the other of a list that was made.
    of = {"session_id": random_id(), "track_id": random_id()}
    for minute, context in ((1, f"spotify:album:{random_id()}"), (5, "segue:made:daily-mix-1")):
        at = midnight + minute * MINUTE
        plays += [play(user, at, 0, "play_started", context_uri=context, **of)] * 2
        plays += [play(user, at + 3 * MINUTE, 180_000, context_uri=context, **of)]
    plays += [play(user, midnight, 30_000, context_uri="segue:made:x", suspected=True)]
    plays += [play(user, midnight, 30_000), play(user, now, 30_000)]
    plays += [play(user, midnight - 3 * DAY - MINUTE, 30_000)]
    insert(PLAYS, plays)
    assert await warehouse.streams(now, 3) == [
        warehouse.Streams((now - DAY).date(), 8, 4),
        warehouse.Streams(now.date(), 3, 1),
    ]
    await judging.judge(now=now)
    assert '<td class="number better">50.0%</td>' in await page("index.html")


async def test_without_any_experiment_there_is_a_page_that_says_so(
    cloud: str, nothing_defined: None, job: Job
) -> None:
    done = await asyncio.to_thread(job, "experiment_report")
    assert done.returncode == 0, done.stderr
    assert "Not yet: nothing is defined" in await page("index.html")


async def test_a_warehouse_that_is_away_fails_the_run_and_stops_nothing(
    one: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("shared.platform.warehouse.RETRY_S", 1.0)
    local_settings.forget_settings()
    judged = await judging.judge()
    assert (judged.reported, judged.failed) == ([], [one.name])
    monkeypatch.undo()
    local_settings.forget_settings()
    assert (await store.read_all())[one.name].status == "running"


# --- on their way ---------------------------------------------------------------------------


@pytest.fixture
async def exported(cloud: str, pubsub: str) -> AsyncIterator[None]:
    """The export of exposures runs, as the local cloud runs it."""
    (export,) = (one for one in topology.WAREHOUSE_EXPORTS if one.topic == topology.EXPOSURES)
    with grpc.insecure_channel(pubsub) as channel:
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for name, topic in provision.subscriptions(topology.EXPOSURES):
            with suppress(AlreadyExists):
                subscriber.create_subscription(
                    name=f"projects/{PROJECT}/subscriptions/{name}",
                    topic=f"projects/{PROJECT}/topics/{topic}",
                    ack_deadline_seconds=60,
                )
    exporting = Export(export, PubSub(pubsub, PROJECT, 60), PROJECT, cloud, Stats())
    task = asyncio.create_task(exporting.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_what_is_told_by_several_instances_reaches_the_warehouse_once(
    exported: None, nothing_defined: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = await defined()
    service.definitions.forget()
    users = [random_id() for _ in range(25)]
    for _ in range(2):
        monkeypatch.setattr(exposures, "log", exposures.Log())
        for user in users:
            given = await service.assigned(of.name, user)
            await service.expose(service.exposure(given, user, "home"))
            await service.expose(service.exposure(given, user, "home"))
        assert await exposures.log.tell([])
    sql = f"SELECT COUNT(*) AS n FROM `{DATASET}.exposures` WHERE experiment = '{of.name}'"
    deadline = time.monotonic() + 60
    while True:
        (row,) = await asyncio.to_thread(clients.bigquery().query_and_wait, sql)
        if row.n == 100:
            break
        assert time.monotonic() < deadline, f"{row.n} of 100 events"
        await asyncio.sleep(0.1)
    later = datetime.now(UTC) + MINUTE
    assert sum((await warehouse.assigned(of, later)).values()) == 25
    people = await warehouse.people(of, later)
    wanted = [bucketing.assign(of, user).variant for user in users]
    assert Counter(variants(of, people)) == Counter(wanted)
