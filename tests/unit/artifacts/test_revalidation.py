"""What is at hand serves while it is looked at again."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from shared.artifacts import revalidation
from shared.artifacts.revalidation import Revalidated


class Looks:
    """Counts the looks; each waits until it is let through."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.open = asyncio.Event()
        self.open.set()
        self.fails = False

    async def __call__(self) -> None:
        self.begun += 1
        await self.open.wait()
        if self.fails:
            raise OSError("nobody answers")
        self.ended += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its one element is the time."""
    now = [1000.0]
    monkeypatch.setattr(revalidation.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(revalidation, "LEAST_PAUSE_S", 0.0)
    return now


async def test_the_first_request_waits_and_the_next_ones_need_no_look(clock: list[float]) -> None:
    looks = Looks()
    kept = Revalidated(looks, fresh_s=15, patience_s=inf)
    await asyncio.gather(*(kept.ensure() for _ in range(8)))
    clock[0] += 14
    await kept.ensure()
    assert (looks.begun, looks.ended) == (1, 1)


async def test_a_stale_one_serves_while_it_is_looked_at(clock: list[float]) -> None:
    looks = Looks()
    kept = Revalidated(looks, fresh_s=5, patience_s=30)
    await kept.ensure()
    clock[0] += 6
    looks.open.clear()
    await kept.ensure()
    await asyncio.sleep(0)
    assert (looks.begun, looks.ended) == (2, 1)
    looks.open.set()
    await kept.now()
    assert looks.ended == 3


async def test_after_a_long_rest_the_request_waits(clock: list[float]) -> None:
    looks = Looks()
    kept = Revalidated(looks, fresh_s=5, patience_s=30)
    await kept.ensure()
    clock[0] += 31
    await kept.ensure()
    assert looks.ended == 2


async def test_what_this_process_changed_is_waited_for(clock: list[float]) -> None:
    looks = Looks()
    kept = Revalidated(looks, fresh_s=5, patience_s=30)
    await kept.ensure()
    looks.open.clear()
    clock[0] += 6
    await kept.ensure()
    await asyncio.sleep(0)  # a look is under way that may not see it
    kept.expire()
    waiting = asyncio.create_task(kept.ensure())
    looks.open.set()
    await waiting
    assert looks.ended == 3


async def test_a_look_that_fails_is_logged_and_made_again_when_it_is_due(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    looks = Looks()
    looks.fails = True
    kept = Revalidated(looks, fresh_s=5, patience_s=30)
    await kept.ensure()
    assert "nobody answers" in caplog.text
    await kept.ensure()
    assert looks.begun == 1
    looks.fails = False
    clock[0] += 6
    await kept.now()
    assert looks.ended == 1


async def test_a_costly_look_is_made_the_rarer(clock: list[float]) -> None:
    async def look() -> None:
        looks.append(clock[0])
        clock[0] += 2

    looks: list[float] = []
    kept = Revalidated(look, fresh_s=5, patience_s=30)
    await kept.ensure()
    clock[0] += 9
    await kept.ensure()
    assert len(looks) == 1
    clock[0] += 2
    await kept.ensure()
    await asyncio.sleep(0)
    assert len(looks) == 2


async def test_the_caller_who_hangs_up_takes_nothing_from_the_others(clock: list[float]) -> None:
    looks = Looks()
    looks.open.clear()
    kept = Revalidated(looks, fresh_s=5, patience_s=30)
    first, second = (asyncio.create_task(kept.ensure()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    looks.open.set()
    await second
    assert (looks.begun, looks.ended) == (1, 1)
