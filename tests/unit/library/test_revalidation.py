from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from shared.library.revalidation import READS_UNDER_WAY, SharedReads


class Source:
    """A store whose reads end when the test says so."""

    def __init__(self) -> None:
        self.value = 0
        self.reads: list[tuple[str, ...]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, keys: Sequence[str]) -> dict[str, int]:
        self.reads.append(tuple(keys))
        value = self.value
        await self.gate.wait()
        return {key: value for key in keys if key != "absent"}


async def test_those_who_ask_together_share_one_read() -> None:
    source = Source()
    reads = SharedReads(source.load)
    found = await asyncio.gather(*(reads.get(key) for key in ("a", "b", "a", "absent")))
    assert found == [0, 0, 0, None]
    assert source.reads == [("a", "b", "absent")]


async def test_who_asks_during_a_read_gets_one_that_starts_later() -> None:
    source = Source()
    reads = SharedReads(source.load)
    source.gate.clear()
    early = []
    for _ in range(READS_UNDER_WAY):
        early.append(asyncio.create_task(reads.get("a")))
        await asyncio.sleep(0.01)
    source.value = 1  # changed while those reads are under way
    late = [asyncio.create_task(reads.get("a")) for _ in range(5)]
    await asyncio.sleep(0.01)
    assert source.reads == [("a",)] * READS_UNDER_WAY
    source.gate.set()
    assert await asyncio.gather(*early) == [0] * READS_UNDER_WAY
    assert await asyncio.gather(*late) == [1] * 5
    assert source.reads == [("a",)] * (READS_UNDER_WAY + 1)


async def test_nobody_reads_what_was_there_before_they_asked() -> None:
    written = 0

    async def load(keys: Sequence[str]) -> dict[str, int]:
        value = written
        await asyncio.sleep(random.uniform(0, 0.003))
        return dict.fromkeys(keys, value)

    reads = SharedReads(load)

    async def ask() -> None:
        nonlocal written
        for _ in range(20):
            await asyncio.sleep(random.uniform(0, 0.002))
            written += 1
            before = written
            assert (await reads.get("a") or 0) >= before

    await asyncio.gather(*(ask() for _ in range(20)))


async def test_a_value_is_not_kept() -> None:
    source = Source()
    reads = SharedReads(source.load)
    for value in range(3):
        source.value = value
        assert await reads.get("a") == value


async def test_an_error_reaches_those_who_wait_and_nobody_after() -> None:
    failures = [OSError("away")]

    async def load(keys: Sequence[str]) -> dict[str, int]:
        if failures:
            raise failures.pop()
        return dict.fromkeys(keys, 7)

    reads = SharedReads(load)
    first, second = await asyncio.gather(reads.get("a"), reads.get("b"), return_exceptions=True)
    assert isinstance(first, OSError)
    assert isinstance(second, OSError)
    assert await reads.get("a") == 7


async def test_who_hangs_up_leaves_the_read_to_the_others() -> None:
    source = Source()
    source.gate.clear()
    reads = SharedReads(source.load)
    gone, stays = asyncio.create_task(reads.get("a")), asyncio.create_task(reads.get("a"))
    await asyncio.sleep(0.01)
    gone.cancel()
    source.gate.set()
    assert await stays == 0
    with pytest.raises(asyncio.CancelledError):
        await gone


def test_a_loop_that_ended_leaves_nothing_behind() -> None:
    source_loads = 0

    async def load(keys: Sequence[str]) -> dict[str, int]:
        nonlocal source_loads
        source_loads += 1
        await asyncio.sleep(0)
        return dict.fromkeys(keys, source_loads)

    reads = SharedReads(load)

    async def abandon() -> None:
        asyncio.create_task(reads.get("a"))  # noqa: RUF006 - nobody waits for it
        await asyncio.sleep(0)

    asyncio.run(abandon())
    assert asyncio.run(reads.get("a")) is not None
