"""What is at hand is young enough, and a store that is away costs next to nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from shared.experiments import held
from shared.experiments.held import Held


@dataclass
class Store:
    """Counts loads; `answer` is what they find, an exception is raised, and `slow_s` they take."""

    answer: object = 1
    slow_s: float = 0.0
    loads: int = 0
    made: list[float] = field(default_factory=list)

    async def load(self) -> object:
        self.loads += 1
        await asyncio.sleep(self.slow_s)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Clock:
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(held, "time", made)
    return made


def make(store: Store, **changes: float) -> Held[object]:
    return Held("it", store.load, **{"fresh_s": 20.0, "expires_s": 60.0, **changes})


async def settle() -> None:
    await asyncio.sleep(0.01)


async def test_the_first_waits_and_the_others_do_not_ask(clock: Clock) -> None:
    store = Store()
    value = make(store)
    assert await asyncio.gather(*(value.get() for _ in range(20))) == [1] * 20
    clock.now += 19.9
    assert await value.get() == 1
    assert store.loads == 1


async def test_a_value_is_renewed_behind_the_request_that_finds_it_stale(clock: Clock) -> None:
    store = Store()
    value = make(store)
    await value.get()
    clock.now, store.answer = clock.now + 21, 2
    assert await value.get() == 1
    await settle()
    assert await value.get() == 2


async def test_nothing_older_than_allowed_is_ever_used(clock: Clock) -> None:
    store = Store()
    value = make(store)
    await value.get()
    store.answer = OSError("away")
    clock.now += 59.9
    assert await value.get() == 1
    await settle()
    clock.now += 0.2
    assert await value.get() is None
    store.answer = 3
    clock.now += 6
    assert await value.get() == 3


async def test_a_store_that_is_away_is_asked_once_in_a_while(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(answer=OSError("away"))
    value = make(store)
    for _ in range(50):
        assert await value.get() is None
    assert store.loads == 1
    clock.now += 5.1
    assert await value.get() is None
    assert store.loads == 2
    assert "it cannot be read" in caplog.text


async def test_a_slow_store_costs_one_request_its_patience() -> None:
    value = make(Store(slow_s=30), patience_s=0.5)
    async with asyncio.timeout(5):
        for _ in range(100):
            assert await value.get() is None


async def test_a_value_that_never_expires_survives_the_store(clock: Clock) -> None:
    store = Store()
    value = Held[object]("it", store.load, fresh_s=20.0)
    await value.get()
    store.answer = OSError("away")
    for _ in range(5):
        clock.now += 1e6
        assert await value.get() == 1
        await settle()


async def test_a_value_that_was_forgotten_is_read_again(clock: Clock) -> None:
    store = Store()
    value = make(store)
    await value.get()
    store.answer = 2
    value.forget()
    assert await value.get() == 2
