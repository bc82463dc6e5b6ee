"""Distributed counters against Firestore."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from shared import topology
from shared.platform import clients, counters
from shared.platform.contention import retried
from shared.platform.ids import random_id

pytestmark = pytest.mark.usefixtures("firestore")


@pytest.fixture(autouse=True)
def fresh_totals() -> Iterator[None]:
    counters._totals.clear()
    yield
    counters._totals.clear()


async def add(kind: str, target_id: str, amount: int) -> None:
    async def once() -> None:
        batch = clients.firestore().batch()
        counters.add(batch, kind, target_id, amount)
        await batch.commit()

    await retried(once)


async def test_what_was_never_counted_is_nothing() -> None:
    assert await counters.total("plays", random_id()) == 0


async def test_increments_from_everywhere_at_once_add_up() -> None:
    target_id = random_id()
    await asyncio.gather(*(add("plays", target_id, 1) for _ in range(50)))
    await asyncio.gather(*(add("plays", target_id, -1) for _ in range(20)))
    assert await counters.total("plays", target_id) == 30


async def test_increments_go_to_several_documents() -> None:
    target_id = random_id()
    await asyncio.gather(*(add("plays", target_id, 1) for _ in range(50)))
    shards = clients.collection(topology.COUNTERS)
    ids = [counters._shard_id(("plays", target_id), n) for n in range(counters.SHARDS)]
    held = [
        snapshot.get("value")
        async for snapshot in clients.firestore().get_all([shards.document(one) for one in ids])
        if snapshot.exists
    ]
    assert (len(held) > 1, sum(held)) == (True, 50)


async def test_a_total_is_kept_until_this_instance_changes_it() -> None:
    target_id = random_id()
    assert await counters.total("plays", target_id) == 0
    await add("plays", target_id, 1)
    assert await counters.total("plays", target_id) == 0
    counters.forget("plays", [target_id])
    assert await counters.total("plays", target_id) == 1


async def test_counters_of_one_id_and_different_kinds_are_apart() -> None:
    target_id, other = random_id(), random_id()
    await add("plays", target_id, 1)
    await add("followers", target_id, 2)
    assert await counters.totals("plays", [target_id, other]) == {target_id: 1, other: 0}
    assert await counters.totals("followers", [target_id]) == {target_id: 2}


async def test_more_counters_than_one_read_holds_are_summed() -> None:
    ids = [random_id() for _ in range(counters.MAX_COUNTERS_A_READ + 5)]
    await add("plays", ids[-1], 3)
    assert (await counters.totals("plays", ids))[ids[-1]] == 3
