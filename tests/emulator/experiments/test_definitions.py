"""Definitions in Firestore: what operators change, what those who serve make of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulators.processes import free_port
from shared import topology
from shared.experiments import lifecycle, service, store
from shared.experiments.models import Experiment
from shared.platform import clients
from shared.platform.errors import Conflict, NotFound
from tests import local_settings
from tests.emulator.experiments.conftest import Job
from tests.unit.experiments.conftest import experiment

pytestmark = pytest.mark.usefixtures("nothing_defined")


@pytest.fixture(autouse=True)
def nothing_held() -> None:
    service.definitions.forget()


async def running(**changes: Any) -> Experiment:
    made = await service.define(experiment(**changes))
    return await service.start(made.name)


async def test_people_get_their_variants_and_flags() -> None:
    await running(overrides={"tester": "warm"})
    await running(name="new-player", primary_metric=None, variants=FLAG)
    await service.define(experiment(name="a-draft"))
    given = {f"u{n}": (await service.assigned("warm-home", f"u{n}")).variant for n in range(100)}
    assert {"control", "warm"} == set(given.values())
    for user in ("u1", "u2"):
        assert await service.flags_of(user) == {"new-player": "on", "warm-home": given[user]}
    assert (await service.assigned("warm-home", "tester")).reason == "override"
    assert (await service.assigned("no-such", "u1")).reason == "unknown"


FLAG = [{"name": "control", "weight": 0}, {"name": "on", "weight": 10_000}]


async def test_what_is_stopped_is_over_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    await running()
    assert (await service.assigned("warm-home", "u1")).is_active
    await service.stop("warm-home", "it harmed", "Jo")
    given = await service.assigned("warm-home", "u1")
    assert (given.variant, given.reason) == ("control", "not running")
    await service.conclude("warm-home", "warm", "Jo")
    assert (await service.assigned("warm-home", "u1")).variant == "warm"
    kept = (await store.read_all())["warm-home"]
    assert [change.what.split(":")[0] for change in kept.changes] == [
        "defined",
        "started",
        "stopped",
        "concluded",
    ]
    with pytest.raises(NotFound, match="--list"):
        await service.stop("no-such", "x")


async def test_two_that_want_the_same_slots_cannot_both_start() -> None:
    names = [f"e{number}" for number in range(4)]
    for name in names:
        await service.define(experiment(name=name, layer="home", slots=(0, 5000)))
    started = await asyncio.gather(*map(service.start, names), return_exceptions=True)
    assert sum(isinstance(one, Experiment) for one in started) == 1
    assert sum(isinstance(one, Conflict) for one in started) == 3


async def test_one_that_cannot_be_read_has_nobody_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await running()
    collection = clients.collection(topology.EXPERIMENTS)
    await collection.document("by-hand").set({"about": "x", "status": "running"})
    await collection.document("warm-home").update({"of_a_newer_version": 1})
    service.definitions.forget()
    assert (await service.assigned("warm-home", "u1")).is_active
    assert (await service.assigned("by-hand", "u1")).reason == "unknown"
    assert "by-hand cannot be read" in caplog.text


async def test_one_that_cannot_be_read_is_not_written_over() -> None:
    """An older instance of this code may be what cannot read it, while it runs."""
    await running()
    document = clients.collection(topology.EXPERIMENTS).document("warm-home")
    await document.update({"status": "of-a-newer-version"})
    stored = (await document.get()).to_dict()
    changes = (
        service.define(experiment()),
        service.start("warm-home"),
        service.stop("warm-home", "it harmed"),
        service.conclude("warm-home", "warm"),
    )
    for change in changes:
        with pytest.raises(Conflict, match="experiments/warm-home"):
            await change
    assert (await document.get()).to_dict() == stored
    await running(name="another")  # keeps nobody from the others


@pytest.fixture
def firestore_is_away(
    firestore: str, nothing_defined: None, settings_env: pytest.MonkeyPatch
) -> Iterator[None]:
    settings_env.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    local_settings.forget_settings()
    yield
    settings_env.setenv("FIRESTORE_EMULATOR_HOST", firestore)
    local_settings.forget_settings()


@pytest.mark.usefixtures("firestore_is_away")
async def test_where_firestore_is_away_everybody_has_control_and_nobody_waits() -> None:
    before = time.monotonic()
    given = [await service.assigned("warm-home", f"u{n}") for n in range(50)]
    assert time.monotonic() - before < 5  # the first waits a quarter of a second
    assert {(one.variant, one.reason) for one in given} == {
        ("control", "definitions cannot be read")
    }
    assert await service.flags_of("u1") == {}


async def test_an_operator_leads_an_experiment_from_its_file_to_its_end(
    job: Job, tmp_path: Path
) -> None:
    file = tmp_path / "warm.json"
    definition = {
        "name": "warm-home",
        "about": "Home begins with what was played last.",
        "variants": [{"name": "control", "weight": 5000}, {"name": "warm", "weight": 5000}],
        "primary_metric": "listening_minutes",
        "slots": [0, 100],
    }

    def run(*arguments: str, stdin: str = "", code: int = 0) -> str:
        done = job("experiment_report", *arguments, stdin=stdin)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    file.write_text(json.dumps(definition))
    defined = json.loads(await asyncio.to_thread(run, "--define", str(file)))
    assert (defined["status"], defined["slots"]) == ("draft", [0, 100])
    assert "is running" in await asyncio.to_thread(run, "--start", "warm-home")
    more = json.dumps({**definition, "slots": [0, 5000]})
    assert json.loads(await asyncio.to_thread(run, "--define", "-", stdin=more))["slots"][1] == 5000
    fewer = json.dumps(definition)
    assert "grow, not shrink" in await asyncio.to_thread(run, "--define", fewer, code=1)
    won = ("--conclude", "warm-home", "--winner", "warm", "--note", "Jo")
    assert "is concluded" in await asyncio.to_thread(run, *won)
    assert (await store.read_all())["warm-home"].winner == "warm"


async def test_a_change_that_lost_its_race_is_made_again() -> None:
    """Operators add slots at once: each sees what the others did."""
    await service.define(experiment(slots=(0, 1)))
    await service.start("warm-home")

    async def widen() -> None:
        def decide(present: dict[str, Experiment]) -> Experiment:
            one = present["warm-home"]
            wider = experiment(slots=(0, one.slots[1] + 1))
            return lifecycle.defined(one, wider, datetime.now(UTC))

        await store.change("warm-home", decide)

    await asyncio.gather(*(widen() for _ in range(3)))
    assert (await store.read_all())["warm-home"].slots == (0, 4)
