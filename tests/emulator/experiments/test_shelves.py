"""From shelves that were shown and played to the order of the next page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
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
# The beginning of a slot that one impression stands for.
AT = datetime.fromtimestamp((NOW - timedelta(hours=5)).timestamp() // 1_800 * 1_800, UTC)


def shown(user: str, at: datetime, *names: str, items: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Shelves on a page; `items` stand on the last of them."""
    choices = [Choice(name, place, 0.5) for place, name in enumerate(names)]
    made = exposures.impressions(user, choices, {names[-1]: items}, "home", at)
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
        (59.9, 30_000, 1),
        (60, 90_000, 0),
        (-4.9, 90_000, 1),  # the device's clock is behind
        (-5.1, 90_000, 0),
        (1, 29_999, 0),  # looked in and left
    ],
)
async def test_a_play_of_half_a_minute_counts_within_half_an_hour_of_the_slot(
    shelf: str, after: float, heard_ms: int, counts: int
) -> None:
    user = random_id()
    insert(topology.EXPOSURES_TABLE, shown(user, AT, "top", shelf))
    insert(topology.PLAYBACK_EVENTS_TABLE, [played(user, AT + after * MINUTE, shelf, heard_ms)])
    assert await counted(shelf) == [(1, 1, counts)]


async def test_a_shelf_that_stayed_on_the_screen_is_played_from_as_long_as_it_stood(
    shelf: str,
) -> None:
    """At home again late in the slot: the impression is the first one's."""
    user = random_id()
    rows = [*shown(user, AT, shelf), *shown(user, AT + 29 * MINUTE, shelf)]
    insert(topology.EXPOSURES_TABLE, rows)
    insert(topology.PLAYBACK_EVENTS_TABLE, [played(user, AT + 50 * MINUTE, shelf)])
    assert await counted(shelf) == [(0, 1, 1)]


MADE, OF = ["discover-weekly", "daily-mix-1"], [f"{n:022d}" for n in range(3)]


@pytest.mark.parametrize(
    ("items", "context", "after", "counts"),
    [
        # As the player plays from each: a made list, what was played from before, tracks.
        (MADE, "segue:made:daily-mix-1", 1, 1),
        (MADE, "segue:made:daily-mix-1", -1, 1),
        (MADE, "segue:made:daily-mix-10", 1, 0),
        (OF, f"spotify:album:{OF[0]}", 1, 1),
        (OF, f"spotify:artist:{OF[1]}", 1, 1),
        (OF, f"spotify:playlist:{OF[2]}", 1, 1),
        (OF, f"spotify:album:{OF[0]}", -1, 0),  # it stands there because it was played
        (OF, f"spotify:album:{9:022d}", 1, 0),
        (OF, f"spotify:track:{OF[0]}", 1, 0),
        ([f"{OF[0]} 0.4071 neighbours"], f"spotify:album:{OF[0]}", 1, 0),  # is a track
        ([f"{OF[0]} 0.4071 neighbours"], "segue:shelf:{shelf}", 1, 1),
        (OF, "segue:shelf:{shelf}", 1, 1),  # what was played last has no scores
        (OF, None, 1, 0),
    ],
)
async def test_a_play_is_credited_to_the_shelf_that_it_or_its_context_stood_on(
    shelf: str, items: list[str], context: str | None, after: int, counts: int
) -> None:
    user = random_id()
    insert(topology.EXPOSURES_TABLE, shown(user, AT, "top", shelf, items=items))
    uri = context and context.format(shelf=shelf)
    play_of = played(user, AT + after * MINUTE, shelf, context_uri=uri)
    insert(topology.PLAYBACK_EVENTS_TABLE, [play_of])
    assert await counted(shelf) == [(1, 1, counts)]


async def test_an_album_that_goes_on_while_its_shelf_is_shown_was_not_chosen_there(
    shelf: str,
) -> None:
    goes_on, again = random_id(), random_id()
    of_album: dict[str, Any] = {"context_uri": f"spotify:album:{OF[0]}"}
    rows = [*shown(goes_on, AT, shelf, items=OF), *shown(again, AT, shelf, items=OF)]
    insert(topology.EXPOSURES_TABLE, rows)
    insert(
        topology.PLAYBACK_EVENTS_TABLE,
        [
            *(played(goes_on, AT + n * MINUTE, shelf, **of_album) for n in (-6, -3, 1, 4)),
            played(again, AT - 40 * MINUTE, shelf, **of_album),
            played(again, AT + MINUTE, shelf, 4_000, **of_album),  # then the next track
            played(again, AT + 2 * MINUTE, shelf, **of_album),
        ],
    )
    assert await counted(shelf) == [(0, 2, 1)]


async def test_a_track_that_is_played_from_a_shelf_again_is_credited_to_its_next_showing(
    shelf: str,
) -> None:
    """In the session that it had, long after the first time; played on and on it is chosen once."""
    user, looping = random_id(), random_id()
    rows = [*shown(user, AT, "top", shelf), *shown(user, AT + 35 * MINUTE, shelf)]
    rows += [*shown(looping, AT, "top", shelf), *shown(looping, AT + 35 * MINUTE, shelf)]
    insert(topology.EXPOSURES_TABLE, rows)
    of: dict[str, Any] = {"session_id": random_id(), "track_id": random_id()}
    plays = []
    for who, starts in ((user, (2, 40)), (looping, range(2, 50, 4))):
        for at in starts:
            begun = AT + at * MINUTE
            plays.append(played(who, begun, shelf, 0, ended="play_started", **of))
            plays.append(played(who, begun + 3 * MINUTE, shelf, **of))
    insert(topology.PLAYBACK_EVENTS_TABLE, plays * 2)
    assert await counted(shelf) == [(0, 2, 1), (1, 2, 2)]


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
    insert(topology.EXPOSURES_TABLE, shown(random_id(), NOW - 110 * MINUTE, shelf))
    assert await counted(shelf) == []
    later = await warehouse.shelves(NOW + 20 * MINUTE, 2)
    assert [one.shown for one in later if one.shelf == shelf] == [1]


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
