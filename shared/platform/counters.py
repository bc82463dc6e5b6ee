"""Distributed counters: followers of the famous, without a hot document (decision 3).

A counter is spread over `SHARDS` documents of the collection `counters`; an increment goes to one
of them at random, a total is the sum of them. Firestore sustains about one write a second on one
document, so a counter takes about `SHARDS` of them.

An increment has no call of its own: it is put into the batch that also creates (or deletes) the
document which states the fact, under a precondition. So the two happen together or not at all, and
a retry or a race, which fails the precondition, counts nothing:

    batch = clients.firestore().batch()
    batch.create(follow, {...})  # fails where it is already there
    counters.add(batch, "followers.artist", artist_id, 1)
    await batch.commit()
    counters.forget("followers.artist", [artist_id])
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from shared import topology
from shared.platform import clients
from shared.platform.cache import ReadThroughCache

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncWriteBatch

SHARDS = 8
TOTAL_TTL_S = 30  # how far a total may lag behind the increments of other instances
TOTALS_KEPT = 20_000
MAX_COUNTERS_A_READ = 50  # times `SHARDS` documents in one round trip

Key = tuple[str, str]  # kind and id


def add(batch: AsyncWriteBatch, kind: str, target_id: str, amount: int) -> None:
    """Puts "`amount` (of either sign) more" into `batch`, once for each counter. `kind` and
    `target_id` have no `/`, `:` or `#`. Call `forget` after the commit."""
    from google.cloud.firestore import Increment

    shard = _shard_id((kind, target_id), random.randrange(SHARDS))
    reference = clients.collection(topology.COUNTERS).document(shard)
    batch.set(reference, {"value": Increment(amount)}, merge=True)


async def total(kind: str, target_id: str) -> int:
    """The counter's value, 0 where nothing was counted; see `totals`."""
    return (await totals(kind, [target_id]))[target_id]


async def totals(kind: str, target_ids: Iterable[str]) -> dict[str, int]:
    """The values by id, 0 where nothing was counted. What this instance added is in them; what
    others added, after at most `TOTAL_TTL_S`."""
    keys = {target_id: (kind, target_id) for target_id in target_ids}
    found = await _totals.get_many(keys.values())
    return {target_id: found[key] for target_id, key in keys.items()}


def forget(kind: str, target_ids: Iterable[str]) -> None:
    """Drops the totals that this instance has just changed."""
    for target_id in target_ids:
        _totals.forget((kind, target_id))


def _shard_id(key: Key, shard: int) -> str:
    kind, target_id = key
    return f"{kind}:{target_id}#{shard}"


async def _read(keys: Sequence[Key]) -> dict[Key, int]:
    sums = dict.fromkeys(keys, 0)
    shards = clients.collection(topology.COUNTERS)
    for start in range(0, len(keys), MAX_COUNTERS_A_READ):
        owners = {
            _shard_id(key, shard): key
            for key in keys[start : start + MAX_COUNTERS_A_READ]
            for shard in range(SHARDS)
        }
        references = [shards.document(shard_id) for shard_id in owners]
        async for snapshot in clients.firestore().get_all(references):
            if snapshot.exists:
                sums[owners[snapshot.id]] += snapshot.get("value")
    # Never below nothing, should someone have mended the shards by hand.
    return {key: max(value, 0) for key, value in sums.items()}


_totals: ReadThroughCache[Key, int] = ReadThroughCache(
    _read, maximum=TOTALS_KEPT, ttl_s=TOTAL_TTL_S, negative_ttl_s=TOTAL_TTL_S
)
