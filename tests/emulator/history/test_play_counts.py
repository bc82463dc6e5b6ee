from __future__ import annotations

import asyncio

import pytest

from shared import topology
from shared.history import service
from shared.history.store import counts
from shared.platform import clients
from shared.platform.ids import random_id
from tests.emulator.history.conftest import played


@pytest.fixture(autouse=True)
def stores(bigtable: str, firestore: str, settings_env: pytest.MonkeyPatch) -> None:
    """What recording a play needs."""


async def stored(track_id: str) -> int:
    return (await counts.read([track_id]))[track_id]


async def pending(track_id: str) -> int:
    rows = [
        await clients.table(topology.PLAY_COUNTS).read_row(f"{track_id}#{shard}")
        for shard in range(counts.SHARDS)
    ]
    return sum(cell.family == counts.PENDING for row in rows if row for cell in row)


async def test_a_play_is_counted_once_however_often_it_is_delivered() -> None:
    track_id = random_id()
    plays = [played("ada", track_id, 1000 * n) for n in range(20)]
    paused = played("ada", track_id, 0, type="paused")
    await asyncio.gather(*(service.record(event) for event in [*plays * 3, paused]))
    assert await stored(track_id) == 20
    assert await service.play_count(track_id) == 20
    assert await service.play_counts([track_id, "b" * 22]) == {track_id: 20, "b" * 22: 0}


async def test_event_ids_are_told_apart_by_person() -> None:
    track_id = random_id()
    for user in ("ada", "ben"):
        await counts.add(track_id, user, "the-same")
    assert await stored(track_id) == 2


async def test_folding_moves_plays_into_the_total_and_counts_none_twice() -> None:
    track_id = random_id()
    rows = [f"{track_id}#{shard}".encode() for shard in range(counts.SHARDS)]
    ids = [random_id() for _ in range(40)]
    for start in (0, 20):
        await asyncio.gather(*(counts.add(track_id, "ada", one) for one in ids[start : start + 20]))
        await asyncio.gather(*(counts.fold(row) for row in rows for _ in range(3)))
        assert await pending(track_id) == 0
        assert await stored(track_id) == start + 20
    # redelivered after it was folded
    await asyncio.gather(*(counts.add(track_id, "ada", one) for one in ids))
    assert await stored(track_id) == 40


async def test_plays_that_arrive_while_others_are_folded_are_kept() -> None:
    track_id = random_id()
    rows = [f"{track_id}#{shard}".encode() for shard in range(counts.SHARDS)]
    ids = [random_id() for _ in range(60)]
    await asyncio.gather(
        *(counts.add(track_id, "ada", one) for one in ids),
        *(counts.fold(row) for row in rows for _ in range(4)),
    )
    assert await stored(track_id) == 60


async def test_rows_fold_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "FOLD_ONE_IN", 1)
    track_id = random_id()
    for number in range(10):
        await counts.add(track_id, "ada", str(number))
    assert (await pending(track_id), await stored(track_id)) == (0, 10)
