"""Saved things in Firestore: `library_items/{user}:{kind}:{id}`, and for each person and kind
`libraries/{user}:{kind}` with how many there are and a version.

Both change in one commit. Items are created and deleted under preconditions, and the numbers are
increments, so parallel saves of different things do not disturb one another, and the count is
exact however often the same thing is saved or removed at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared import topology
from shared.library.models import Library, LibraryKind, SavedItem
from shared.platform import clients
from shared.platform.contention import retried

Key = tuple[str, LibraryKind]  # user and kind

# Rounds are short: fifty who save the same thing at once are done well within this.
PATIENCE_S = 30.0
FIRST_PAUSE_S = 0.02
VERSIONS_TIMEOUT_S = 5.0  # everybody on the instance who reads a library waits for this read


async def save(user_id: str, kind: LibraryKind, added_at: Mapping[str, datetime]) -> list[str]:
    """Saves those ids that are not yet saved, in one commit, and says which; the others keep their
    date."""
    from google.api_core.exceptions import AlreadyExists

    async def once() -> list[str]:
        held = await contained(user_id, kind, list(added_at))
        new = [item_id for item_id in added_at if item_id not in held]
        if not new:
            return []
        batch = clients.firestore().batch()
        for item_id in new:
            fields = {
                "user_id": user_id,
                "kind": kind,
                "item_id": item_id,
                "added_at": added_at[item_id],
            }
            batch.create(_item(user_id, kind, item_id), fields)
        _change(batch, user_id, kind, len(new))
        await batch.commit()
        return new

    return await retried(once, AlreadyExists, first_pause_s=FIRST_PAUSE_S, patience_s=PATIENCE_S)


async def remove(user_id: str, kind: LibraryKind, item_ids: Sequence[str]) -> list[str]:
    """Removes those of `item_ids` that are saved, in one commit, and says which."""
    from google.api_core.exceptions import FailedPrecondition, NotFound

    async def once() -> list[str]:
        held = await contained(user_id, kind, item_ids)
        if not held:
            return []
        batch = clients.firestore().batch()
        for item_id in sorted(held):
            there = clients.firestore().write_option(exists=True)
            batch.delete(_item(user_id, kind, item_id), option=there)
        _change(batch, user_id, kind, -len(held))
        await batch.commit()
        return sorted(held)

    return await retried(
        once, FailedPrecondition, NotFound, first_pause_s=FIRST_PAUSE_S, patience_s=PATIENCE_S
    )


async def contained(user_id: str, kind: LibraryKind, item_ids: Sequence[str]) -> set[str]:
    """Those of `item_ids` that are saved, in one round trip."""
    references = [_item(user_id, kind, item_id) for item_id in item_ids]
    return {
        snapshot.id.rpartition(":")[2]
        async for snapshot in clients.firestore().get_all(references, field_paths=["kind"])
        if snapshot.exists
    }


async def libraries(keys: Sequence[Key]) -> dict[Key, Library]:
    """The libraries of those people and kinds, in one round trip; empty ones too."""
    by_id = {_library(*key).id: key for key in keys}
    found: dict[Key, Library] = {}
    answers = clients.firestore().get_all(
        [_library(*key) for key in keys], timeout=VERSIONS_TIMEOUT_S
    )
    async for snapshot in answers:
        found[by_id[snapshot.id]] = _parsed(snapshot)
    return found


async def page(
    user_id: str,
    kind: LibraryKind,
    limit: int,
    offset: int = 0,
    after: SavedItem | None = None,
) -> tuple[Library, tuple[SavedItem, ...]]:
    """The library, and at most `limit` of its things, newest first, from `offset` on or behind
    `after`: both of one moment, by a transaction that only reads and so keeps nobody waiting."""
    from google.cloud.firestore import async_transactional

    query = _newest_first(user_id, kind).limit(limit)
    if after is not None:
        query = query.start_after({"added_at": after.added_at, "item_id": after.item_id})
    elif offset:
        query = query.offset(offset)

    async def read(transaction: Any) -> tuple[Library, tuple[SavedItem, ...]]:
        library = _parsed(await _library(user_id, kind).get(transaction=transaction))
        if not library.count:
            return library, ()
        found = await query.get(transaction=transaction)
        return library, tuple(SavedItem(one.get("item_id"), one.get("added_at")) for one in found)

    async def once() -> tuple[Library, tuple[SavedItem, ...]]:
        transaction = clients.firestore().transaction(read_only=True)
        result: tuple[Library, tuple[SavedItem, ...]] = await async_transactional(read)(transaction)
        return result

    return await retried(once)


def _newest_first(user_id: str, kind: LibraryKind) -> Any:
    from google.cloud.firestore import FieldFilter

    return (
        clients.collection(topology.LIBRARY_ITEMS)
        .where(filter=FieldFilter("user_id", "==", user_id))
        .where(filter=FieldFilter("kind", "==", kind))
        .order_by("added_at", direction="DESCENDING")
        .order_by("item_id", direction="DESCENDING")
    )


def _parsed(snapshot: Any) -> Library:
    fields = snapshot.to_dict() or {"version": 0, "count": 0}
    return Library(fields["version"], fields["count"])


def _library(user_id: str, kind: LibraryKind) -> Any:
    return clients.collection(topology.LIBRARIES).document(f"{user_id}:{kind}")


def _item(user_id: str, kind: LibraryKind, item_id: str) -> Any:
    return clients.collection(topology.LIBRARY_ITEMS).document(f"{user_id}:{kind}:{item_id}")


def _change(batch: Any, user_id: str, kind: LibraryKind, more: int) -> None:
    from google.cloud.firestore import Increment

    changes = {
        "user_id": user_id,
        "kind": kind,
        "version": Increment(1),
        "count": Increment(more),
    }
    batch.set(_library(user_id, kind), changes, merge=True)
