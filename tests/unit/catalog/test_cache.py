"""The read-through cache in front of the stores."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence

import pytest

from shared.platform.cache import JOINED_FOR_S, ReadThroughCache


class Source:
    """Counts reads; holds every key but "none"; waits for `gate`."""

    def __init__(self) -> None:
        self.reads: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False

    async def __call__(self, keys: Sequence[str]) -> dict[str, str]:
        self.reads.append(sorted(keys))
        await self.gate.wait()
        if self.broken:
            raise ConnectionError("down")
        return {key: key.upper() for key in keys if key != "none"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def make(source: Source, clock: Clock | None = None) -> ReadThroughCache[str, str]:
    return ReadThroughCache(source, maximum=3, ttl_s=300, negative_ttl_s=30, timer=clock or Clock())


async def test_many_who_miss_together_make_one_read() -> None:
    source = Source()
    source.gate.clear()
    cache = make(source)
    waiting = [asyncio.create_task(cache.get("a")) for _ in range(50)]
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*waiting) == ["A"] * 50
    assert source.reads == [["a"]]


async def test_a_batch_reads_only_what_is_neither_held_nor_on_its_way() -> None:
    source = Source()
    cache = make(source)
    await cache.get("a")
    source.gate.clear()
    one = asyncio.create_task(cache.get("b"))
    await asyncio.sleep(0)
    many = asyncio.create_task(cache.get_many(["a", "b", "c", "none"]))
    await asyncio.sleep(0)
    source.gate.set()
    assert await one == "B"
    assert await many == {"a": "A", "b": "B", "c": "C"}
    assert source.reads == [["a"], ["b"], ["c", "none"]]


async def test_an_absent_key_is_asked_again_sooner_than_a_present_one() -> None:
    source, clock = Source(), Clock()
    cache = make(source, clock)
    await cache.get_many(["a", "none"])
    clock.now = 31
    assert await cache.get_many(["a", "none"]) == {"a": "A"}
    assert source.reads == [["a", "none"], ["none"]]
    clock.now = 301
    await cache.get("a")
    assert len(source.reads) == 3


async def test_an_error_reaches_every_waiter_and_is_not_kept() -> None:
    source = Source()
    source.broken = True
    cache = make(source)
    failed = await asyncio.gather(cache.get("a"), cache.get("a"), return_exceptions=True)
    assert [type(one) for one in failed] == [ConnectionError, ConnectionError]
    source.broken = False
    assert await cache.get("a") == "A"


async def test_a_caller_who_hangs_up_does_not_fail_the_others() -> None:
    source = Source()
    source.gate.clear()
    cache = make(source)
    first = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    second = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.gate.set()
    assert await second == "A"


async def test_a_failure_that_nobody_waits_for_any_longer_is_nobodys() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    source = Source()
    source.gate.clear()
    source.broken = True
    cache = make(source)
    impatient = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait([impatient])
    source.gate.set()
    for _ in range(3):
        await asyncio.sleep(0)
    gc.collect()
    assert told == []
    asyncio.get_running_loop().set_exception_handler(None)


async def test_nobody_joins_a_read_that_hangs() -> None:
    source, clock = Source(), Clock()
    source.gate.clear()
    cache = make(source, clock)
    hanging = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    clock.now = JOINED_FOR_S - 0.1
    joined = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    assert source.reads == [["a"]]
    clock.now = JOINED_FOR_S
    source.gate = asyncio.Event()
    source.gate.set()  # the store answers again, but to new questions alone
    assert await cache.get("a") == "A"
    assert await cache.get("a") == "A"
    assert source.reads == [["a"], ["a"]]
    assert not hanging.done()
    assert not joined.done()
    for one in (hanging, joined):
        one.cancel()


async def test_what_a_read_that_hung_finds_in_the_end_does_not_replace_what_is_newer() -> None:
    source, clock = Source(), Clock()
    first, source.gate = source.gate, asyncio.Event()
    hung_on = source.gate
    cache = make(source, clock)
    hanging = asyncio.create_task(cache.get("none"))
    await asyncio.sleep(0)
    clock.now, source.gate = JOINED_FOR_S, first
    assert await cache.get("none") is None
    clock.now += 31  # the absence is no longer held
    hung_on.set()
    assert await hanging is None
    await cache.get("none")
    assert len(source.reads) == 3


async def test_it_never_holds_more_than_its_maximum() -> None:
    source = Source()
    cache = make(source)
    for key in "abcdef":
        await cache.get(key)
    assert cache._held.get("a") is None
    assert cache._held.get("f") == "F"
    cache.forget("f")
    assert cache._held.get("f") is None


async def test_what_was_read_before_a_change_is_not_kept_after_it() -> None:
    stored, reading, go_on = {"a": 1}, asyncio.Event(), asyncio.Event()

    async def slowly(keys: Sequence[str]) -> dict[str, int]:
        found = {key: stored[key] for key in keys}
        reading.set()
        await go_on.wait()
        return found

    held = ReadThroughCache(slowly, maximum=10, ttl_s=60, negative_ttl_s=60)
    early = asyncio.create_task(held.get("a"))
    await reading.wait()
    stored["a"] = 2
    held.forget("a")
    go_on.set()
    assert await early == 1  # it asked before the change
    assert await held.get("a") == 2


async def test_how_long_a_value_is_kept_may_depend_on_it() -> None:
    clock, source = Clock(), Source()
    held: ReadThroughCache[str, str] = ReadThroughCache(
        source,
        maximum=10,
        ttl_s=lambda value: 2 if value == "A" else 300,
        negative_ttl_s=30,
        timer=clock,
    )
    await held.get_many(["a", "b"])
    clock.now = 3
    await held.get_many(["a", "b"])
    assert source.reads == [["a", "b"], ["a"]]
