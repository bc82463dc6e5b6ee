"""The order of shelves as the product makes it, for simulated people whose chances are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.experiments.bandit import Beta, generator_of, ordered
from shared.experiments.shelves import learn
from shared.experiments.warehouse import Shown
from shared.simulation.catalogue import invented
from shared.simulation.reacting import VISIBLE, p_shelf
from shared.simulation.world import World

PEOPLE, PAGES, HOURS = 200, 20, 100  # pages an hour, between two of which nothing is learned
START = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
TRACKS = 1_500
# From where in a person's liking of all tracks a shelf is filled, the worst first: so they stand
# while nothing is learned.
FROM = {"a": 700, "b": 450, "c": 300, "d": 150, "e": 40, "f": 0}
NAMES = tuple(FROM)

Order = Callable[[str, datetime, Mapping[str, Beta]], Sequence[str]]
Shelves = Mapping[str, Sequence[int]]


@pytest.fixture(scope="module")
def world() -> World:
    return World.make(invented(TRACKS, 1), PEOPLE, 1)


@pytest.fixture(scope="module")
def shelves(world: World) -> list[Shelves]:
    """What stands on the shelves of each person."""
    return [
        {name: liked[start : start + VISIBLE].tolist() for name, start in FROM.items()}
        for liked in world.best_shelves(range(PEOPLE), TRACKS)
    ]


def thompson(user: str, now: datetime, known: Mapping[str, Beta]) -> Sequence[str]:
    return [one.arm for one in ordered(NAMES, known, generator_of(user, now))]


def uniform(user: str, now: datetime, known: Mapping[str, Beta]) -> Sequence[str]:
    return [NAMES[i] for i in generator_of(user, now).permutation(len(NAMES))]


def fixed(user: str, now: datetime, known: Mapping[str, Beta]) -> Sequence[str]:
    return NAMES


def lived(
    world: World, shelves: Sequence[Shelves], order: Order, best: Sequence[str]
) -> tuple[NDArray[np.float64], Mapping[str, Beta]]:
    """Plays lost against the order `best`, summed up to each hour, and what was learned."""
    generator = np.random.default_rng(212)
    shown: Counter[tuple[str, int, datetime]] = Counter()
    played: Counter[tuple[str, int, datetime]] = Counter()
    known: Mapping[str, Beta] = {}
    lost = []
    for hour in range(HOURS):
        now = START + timedelta(hours=hour)
        day, regret = now.replace(hour=0, minute=0), 0.0
        for person in generator.integers(0, PEOPLE, PAGES).tolist():
            names, own = order(world.user_id(person), now, known), shelves[person]
            chances = p_shelf(world, person, [own[name] for name in names])
            regret += p_shelf(world, person, [own[name] for name in best]).sum() - chances.sum()
            shown.update((name, place, day) for place, name in enumerate(names))
            opened = int(np.searchsorted(np.cumsum(chances), generator.random(), "right"))
            if opened < len(names):
                played[names[opened], opened, day] += 1
        lost.append(regret)
        rows = [Shown(*key[:2], key[2].date(), count, played[key]) for key, count in shown.items()]
        learned = learn(rows, now)
        assert learned is not None
        known = learned.posteriors()
    return np.cumsum(lost), known


def test_the_truly_best_shelves_come_to_the_top_and_little_is_lost_until_then(
    world: World, shelves: list[Shelves]
) -> None:
    worth = {
        name: np.mean([p_shelf(world, person, [of[name]])[0] for person, of in enumerate(shelves)])
        for name in NAMES
    }
    best = sorted(NAMES, key=lambda name: -worth[name])
    ours, known = lived(world, shelves, thompson, best)
    evenly, _ = lived(world, shelves, uniform, best)
    as_given, _ = lived(world, shelves, fixed, best)
    assert 0 < ours[-1] < 0.2 * evenly[-1]
    assert ours[-1] < 0.1 * as_given[-1]
    assert ours[-1] - ours[HOURS // 2] < 0.3 * ours[HOURS // 2]  # and ever less
    end = START + timedelta(hours=HOURS)
    orders = [thompson(f"u{number}", end, known) for number in range(200)]
    assert sum(one[0] == best[0] for one in orders) > 180
    assert sum(set(one[:2]) == set(best[:2]) for one in orders) > 180
