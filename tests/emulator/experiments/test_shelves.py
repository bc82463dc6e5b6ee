"""From shelves that were shown and played to the order of the next page."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from shared import topology
from shared.experiments import exposures, shelves, warehouse
from shared.experiments.bandit import ANY, Choice, generator_of, ordered
from shared.experiments.warehouse import Shown
from shared.platform import objects
from shared.platform.ids import random_id
from tests.emulator.experiments.conftest import Job, insert
from tests.emulator.experiments.test_report import play

NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE = timedelta(minutes=1)
AT = NOW - timedelta(hours=5)


def shown(user: str, at: datetime, *names: str) -> list[dict[str, Any]]:
    choices = [Choice(name, place, 0.5) for place, name in enumerate(names)]
    made = exposures.impressions(user, choices, {}, "home", at)
    return [one.model_dump(mode="json", exclude_none=True) for one in made]


def played(user: str, at: datetime, shelf: str, heard_ms: int = 90_000, **changes: Any) -> Any:
    return play(user, at, heard_ms, **{"context_uri": f"segue:shelf:{shelf}", **changes})


async def counted(shelf: str) -> list[tuple[int, int, int]]:
    found = await warehouse.shelves(NOW, 2)
    return [(one.position, one.shown, one.played) for one in found if one.shelf == shelf]


@pytest.fixture
def shelf(cloud: str) -> str:
    return f"shelf-{random_id()}"


@pytest.mark.parametrize(
    ("after", "heard_ms", "counts"),
    [
        (0, 30_000, 1),
        (29.9, 30_000, 1),
        (30, 90_000, 0),
        (-0.1, 90_000, 0),
        (1, 29_999, 0),  # looked in and left
    ],
)
async def test_a_play_of_half_a_minute_within_half_an_hour_counts(
    shelf: str, after: float, heard_ms: int, counts: int
) -> None:
    user = random_id()
    insert(topology.EXPOSURES_TABLE, shown(user, AT, "top", shelf))
    insert(topology.PLAYBACK_EVENTS_TABLE, [played(user, AT + after * MINUTE, shelf, heard_ms)])
    assert await counted(shelf) == [(1, 1, counts)]


async def test_several_plays_are_one_success_of_the_last_showing(shelf: str) -> None:
    user = random_id()
    rows = [*shown(user, AT, shelf), *shown(user, AT + 10 * MINUTE, "top", shelf)]
    insert(topology.EXPOSURES_TABLE, rows * 2)
    plays = [played(user, AT + n * MINUTE, shelf) for n in (11, 15, 20)]
    insert(topology.PLAYBACK_EVENTS_TABLE, plays * 2)
    assert await counted(shelf) == [(0, 1, 0), (1, 1, 1)]


async def test_other_plays_and_machines_count_nothing(shelf: str) -> None:
    user, machine = random_id(), random_id()
    insert(topology.EXPOSURES_TABLE, [*shown(user, AT, shelf), *shown(machine, AT, shelf)])
    insert(
        topology.PLAYBACK_EVENTS_TABLE,
        [
            played("somebody-else", AT + MINUTE, shelf),
            played(user, AT + MINUTE, "another"),
            played(user, AT + MINUTE, shelf, context_uri=f"spotify:playlist:{shelf}"),
            played(machine, AT + MINUTE, shelf, suspected=True),
        ],
    )
    assert await counted(shelf) == [(0, 1, 0)]


async def test_what_was_shown_just_now_waits_for_its_plays(shelf: str) -> None:
    insert(topology.EXPOSURES_TABLE, shown(random_id(), NOW - 80 * MINUTE, shelf))
    assert await counted(shelf) == []
    assert len(await warehouse.shelves(NOW + 20 * MINUTE, 2)) >= 1


def world(worths: dict[str, float], pages: int) -> None:
    """Pages in a random order, looked at the less the lower, played as worth."""
    generator = np.random.default_rng(7)
    rows, plays = [], []
    for _ in range(pages):
        user, order = random_id(), generator.permutation(sorted(worths)).tolist()
        rows += shown(user, AT, *order)
        plays += [
            played(user, AT + MINUTE, name)
            for place, name in enumerate(order)
            if generator.random() < worths[name] * 0.7**place
        ]
    insert(topology.EXPOSURES_TABLE, rows)
    insert(topology.PLAYBACK_EVENTS_TABLE, plays)


@pytest.fixture
def nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = type(shelves._held)("shelves", shelves._load, fresh_s=0.0, retry_s=0.0, patience_s=5.0)
    monkeypatch.setattr(shelves, "_held", fresh)


@pytest.mark.usefixtures("nothing_held")
async def test_the_job_learns_an_order_that_serves(cloud: str, job: Job) -> None:
    assert await shelves.posteriors() == {}
    nothing = await asyncio.to_thread(job, "learn_shelves", "--show")
    assert "Nothing has been learned yet" in nothing.stdout
    worths = {
        f"{name}-{random_id()}": worth for name, worth in (("a", 0.1), ("b", 0.5), ("c", 0.3))
    }
    world(worths, 400)
    dry = await asyncio.to_thread(job, "learn_shelves", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert json.loads(dry.stdout)["worths"]
    assert await shelves.stored() is None
    done = await asyncio.to_thread(job, "learn_shelves")
    assert done.returncode == 0, done.stderr
    shelves._held.forget()
    known = await shelves.posteriors()
    assert ANY in known
    for name, worth in worths.items():
        assert known[name].mean == pytest.approx(worth, rel=0.35)
    best = [name for name, _ in sorted(worths.items(), key=lambda pair: -pair[1])]
    orders = [
        [one.arm for one in ordered(list(worths), known, generator_of(f"u{n}", NOW))]
        for n in range(50)
    ]
    assert sum(order == best for order in orders) > 40


@pytest.mark.usefixtures("nothing_held")
async def test_what_was_learned_serves_on_when_the_file_is_damaged(
    cloud: str, caplog: pytest.LogCaptureFixture
) -> None:
    learned = shelves.learn([Shown("a", 0, NOW.date(), 100, 10)], NOW)
    assert learned is not None
    await shelves.store(learned)
    before = await shelves.posteriors()
    assert "a" in before
    await objects.write(topology.MODELS, shelves.NAME, b"{damaged", "application/json")
    for _ in range(3):
        assert await shelves.posteriors() == before
        await asyncio.sleep(0.05)
    assert "is damaged" in caplog.text
    with pytest.raises(ValueError, match="is damaged"):
        await shelves.stored()
