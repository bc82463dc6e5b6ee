"""Follows in Firestore: `follows/{follower}:{kind}:{target}`.

A follow and its count change in one commit, under the precondition that the document is not (or
still) there. Whoever loses a race reads again and finds nothing left to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared import topology
from shared.platform import clients, counters
from shared.platform.contention import retried
from shared.social.models import FollowKind

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference, DocumentSnapshot

# Rounds are short: fifty who change the same follow at once are done well within this.
PATIENCE_S = 30.0
FIRST_PAUSE_S = 0.02

Times = dict[str, datetime]  # by target: since when it is so, by the store's own clock


def _document(follower_id: str, kind: FollowKind, target_id: str) -> AsyncDocumentReference:
    return clients.collection(topology.FOLLOWS).document(f"{follower_id}:{kind}:{target_id}")


def _target(document_id: str) -> str:
    return document_id.rpartition(":")[2]


def counter_kind(kind: FollowKind) -> str:
    """The distributed counter of followers of things of `kind`."""
    return f"followers.{kind}"


async def follow(
    follower_id: str, kind: FollowKind, target_ids: Sequence[str], public: bool
) -> Times:
    """Makes all of `target_ids` (distinct) followed, in one commit."""
    from google.api_core.exceptions import AlreadyExists, FailedPrecondition, NotFound

    async def once() -> Times:
        before = await _read(follower_id, kind, target_ids)
        times = {one: snapshot.update_time for one, snapshot in before.items() if snapshot.exists}
        batch, now, written, created = clients.firestore().batch(), datetime.now(UTC), [], []
        for target_id, snapshot in before.items():
            if not snapshot.exists:
                fields = {
                    "follower_id": follower_id,
                    "kind": kind,
                    "target_id": target_id,
                    "followed_at": now,
                    "public": public,
                }
                batch.create(snapshot.reference, fields)
                written.append(target_id)
                created.append(target_id)
            elif snapshot.get("public") != public:
                unchanged = clients.firestore().write_option(last_update_time=snapshot.update_time)
                batch.update(snapshot.reference, {"public": public}, option=unchanged)
                written.append(target_id)
        for target_id in created:
            counters.add(batch, counter_kind(kind), target_id, 1)
        if written:
            await batch.commit()
            counters.forget(counter_kind(kind), created)
            times.update(dict.fromkeys(written, batch.commit_time))
        return times

    return await retried(
        once,
        AlreadyExists,
        FailedPrecondition,
        NotFound,
        first_pause_s=FIRST_PAUSE_S,
        patience_s=PATIENCE_S,
    )


async def unfollow(follower_id: str, kind: FollowKind, target_ids: Sequence[str]) -> Times:
    """Makes none of `target_ids` (distinct) followed, in one commit."""
    from google.api_core.exceptions import FailedPrecondition, NotFound

    async def once() -> Times:
        before = await _read(follower_id, kind, target_ids)
        times = {one: snapshot.read_time for one, snapshot in before.items()}
        followed = [one for one, snapshot in before.items() if snapshot.exists]
        if followed:
            batch = clients.firestore().batch()
            for target_id in followed:
                there = clients.firestore().write_option(exists=True)
                batch.delete(before[target_id].reference, option=there)
                counters.add(batch, counter_kind(kind), target_id, -1)
            await batch.commit()
            counters.forget(counter_kind(kind), followed)
            times.update(dict.fromkeys(followed, batch.commit_time))
        return times

    return await retried(
        once, FailedPrecondition, NotFound, first_pause_s=FIRST_PAUSE_S, patience_s=PATIENCE_S
    )


async def are_followed(follower_id: str, kind: FollowKind, target_ids: Sequence[str]) -> set[str]:
    """Those of `target_ids` that are followed."""
    before = await _read(follower_id, kind, target_ids)
    return {one for one, snapshot in before.items() if snapshot.exists}


async def following(
    follower_id: str, kind: FollowKind, limit: int, offset: int
) -> tuple[list[str], int]:
    """The ids from `offset` on, newest first, and how many there are."""
    query = _newest_first(follower_id, kind)
    found, total = await asyncio.gather(
        query.offset(offset).limit(limit).get(), _count(follower_id, kind)
    )
    return [_target(snapshot.id) for snapshot in found], total


async def following_after(
    follower_id: str, kind: FollowKind, limit: int, after: str | None
) -> tuple[list[str], int]:
    """The ids that were followed before `after` was, newest first, and how many there are in all.
    From the newest on where `after` is not followed (any longer)."""
    query = _newest_first(follower_id, kind)
    if after is not None:
        last = await _document(follower_id, kind, after).get()
        if last.exists:
            query = query.start_after(last)
    found, total = await asyncio.gather(query.limit(limit).get(), _count(follower_id, kind))
    return [_target(snapshot.id) for snapshot in found], total


def _of(follower_id: str, kind: FollowKind) -> Any:
    from google.cloud.firestore import FieldFilter

    return (
        clients.collection(topology.FOLLOWS)
        .where(filter=FieldFilter("follower_id", "==", follower_id))
        .where(filter=FieldFilter("kind", "==", kind))
    )


def _newest_first(follower_id: str, kind: FollowKind) -> Any:
    # Firestore breaks ties by document id, in the same direction.
    return _of(follower_id, kind).order_by("followed_at", direction="DESCENDING")


async def _count(follower_id: str, kind: FollowKind) -> int:
    return int((await _of(follower_id, kind).count().get())[0][0].value)


async def _read(
    follower_id: str, kind: FollowKind, target_ids: Sequence[str]
) -> dict[str, DocumentSnapshot[Any]]:
    references = [_document(follower_id, kind, target_id) for target_id in target_ids]
    return {
        _target(snapshot.id): snapshot async for snapshot in clients.firestore().get_all(references)
    }
