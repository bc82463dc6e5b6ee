"""Ranges, conditions, rates and the bounded cache of an emulated edge."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.edge_cache import EdgeCache, Fills, OriginError, Stored, max_age_s
from emulators.edge_rules import Fault, RateLimit, byte_range, etag_matches, range_applies


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_range_inside_the_object_is_taken_as_it_is(size: int, one: int, two: int) -> None:
    first, last = sorted((one % size, two % size))
    assert byte_range(f"bytes={first}-{last}", size) == (first, last)
    assert byte_range(f"bytes={first}-", size) == (first, size - 1)
    assert byte_range(f"bytes={first}-{last + size}", size) == (first, size - 1)
    assert byte_range(f"bytes=-{first + 1}", size) == (size - first - 1, size - 1)
    assert byte_range(f"bytes={size + first}-", size) == "unsatisfiable"


@given(st.text(), st.integers(0, 10**6))
def test_any_header_gives_a_range_inside_the_object_or_none(header: str, size: int) -> None:
    found = byte_range(header, size)
    if isinstance(found, tuple):
        assert 0 <= found[0] <= found[1] < size


def test_an_empty_object_satisfies_no_range() -> None:
    assert byte_range("bytes=0-", 0) == "unsatisfiable"
    assert byte_range("bytes=-5", 0) == "unsatisfiable"


def test_conditions() -> None:
    assert etag_matches('"a", W/"b"', '"b"')
    assert etag_matches("*", '"b"')
    assert not etag_matches('"a"', '"b"')
    assert range_applies({"range": "x"}, "GET", '"b"')
    assert range_applies({"range": "x", "if-range": '"b"'}, "GET", '"b"')
    assert not range_applies({"range": "x", "if-range": 'W/"b"'}, "GET", '"b"')
    assert not range_applies({"range": "x", "if-range": "Wed, 21 Oct 2015"}, "GET", '"b"')
    assert not range_applies({"range": "x"}, "HEAD", '"b"')


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("public, max-age=31536000, immutable", 31536000),
        ("max-age=10, s-maxage=20", 20),
        ("private, max-age=300", 0),
        ("No-Store", 0),
        ("no-cache", 0),
        ("public", 0),
        ("", 0),
    ],
)
def test_a_shared_cache_keeps_what_the_header_allows(header: str, seconds: int) -> None:
    assert max_age_s(header) == seconds


def stored(size: int, ttl_s: float = 100) -> Stored:
    return Stored(200, bytes(size), "", '"x"', "", stored_at=0, ttl_s=ttl_s)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 60)), max_size=50))
def test_the_cache_never_holds_more_than_its_bound(puts: list[tuple[str, int]]) -> None:
    cache = EdgeCache(100)
    for path, size in puts:
        cache.put(path, stored(size))
        assert cache.get(path, 1) is not None
        held = [entry for one in "abcdefgh" if (entry := cache.get(one, 1))]
        assert cache.size_bytes == sum(len(entry.body) for entry in held) <= 100
        assert len(cache) == len(held)


def test_the_least_recently_used_leaves_first() -> None:
    cache = EdgeCache(100)
    cache.put("/a", stored(50))
    cache.put("/b", stored(50))
    cache.get("/a", 1)
    cache.put("/c", stored(50))
    assert [path for path in ("/a", "/b", "/c") if cache.get(path, 1)] == ["/a", "/c"]


def test_a_copy_ends_with_its_time_and_what_may_not_be_kept_is_not() -> None:
    cache = EdgeCache(100)
    cache.put("/a", stored(1, ttl_s=10))
    assert cache.get("/a", 9.9)
    assert cache.get("/a", 10) is None
    cache.put("/b", stored(1, ttl_s=0))
    assert len(cache) == cache.size_bytes == 0


def test_a_caller_gets_the_burst_and_then_the_rate() -> None:
    limit = RateLimit(per_second=2, burst=3)
    assert [limit.wait_s("a", 0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert limit.wait_s("b", 0) == 0
    assert limit.wait_s("a", 0.5) == 0
    assert limit.wait_s("a", 0.5) == 0.5
    assert [limit.wait_s("a", 100) for _ in range(4)] == [0, 0, 0, 0.5]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "explode"},
        {"kind": "status", "status": 200},
        {"kind": "slow", "delay_ms": -1},
        {"kind": "down", "count": 0},
        {"kind": "status", "status": "503"},
    ],
)
def test_an_impossible_fault_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Fault(**fault)  # type: ignore[arg-type]


async def test_one_who_leaves_does_not_take_the_fill_from_the_others() -> None:
    fills, gate, entry = Fills(), asyncio.Event(), stored(1)

    async def fill() -> Stored:
        await gate.wait()
        return entry

    first = asyncio.create_task(fills.get("/a", fill))
    second = asyncio.create_task(fills.get("/a", fill))
    await asyncio.sleep(0)
    first.cancel()
    gate.set()
    assert await second == (entry, False)


async def test_a_failed_fill_fails_all_who_wait_and_is_tried_again() -> None:
    fills = Fills()

    async def broken() -> Stored:
        await asyncio.sleep(0)
        raise OriginError("down")

    async def whole() -> Stored:
        return stored(1)

    answers = await asyncio.gather(
        *(fills.get("/a", broken) for _ in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [OriginError] * 3
    assert (await fills.get("/a", whole))[1]
