"""Reading a person's player and devices, and changing them by compare-and-set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cachetools import LRUCache

from shared import topology
from shared.connect.models import Devices, Item, Player, Snapshot
from shared.connect.store import documents
from shared.platform import clients
from shared.platform.contention import retried
from shared.platform.errors import Unavailable

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference, AsyncWriteBatch, DocumentSnapshot

T = TypeVar("T")

CONTEXTS_KEPT = 200  # of at most 2,000 items, about 300 kB each
READ_ATTEMPTS = 10
FIRST_PAUSE_S = 0.02

# A context is named by its content, so one that is held can never be out of date.
_contexts: LRUCache[tuple[str, str], tuple[Item, ...]] = LRUCache(CONTEXTS_KEPT)


@dataclass(frozen=True, slots=True)
class _Read:
    """A snapshot with the documents that it came from."""

    snapshot: Snapshot
    player: DocumentSnapshot[Any]
    devices: DocumentSnapshot[Any]
    context_key: str


async def read(user_id: str) -> Snapshot:
    """The player and devices of a person, as they were at one moment."""
    return (await _read(user_id)).snapshot


async def change(user_id: str, decide: Callable[[Snapshot], Player]) -> tuple[Snapshot, Player]:
    """What `decide` made of the player, stored, and what it was made of.

    `decide` is called again with what a rival wrote meanwhile, so it must have no effects. Its
    errors go through; a player that it returns unchanged is not written.
    """

    async def once() -> tuple[Snapshot, Player]:
        held = await _read(user_id)
        player = decide(held.snapshot)
        if player != held.snapshot.player:
            batch = clients.firestore().batch()
            context = documents.context_document(player.items)
            if context["key"] != held.context_key:
                batch.set(_context(user_id), context)
                _contexts[user_id, context["key"]] = player.items
            _put(batch, held.player, documents.player_document(player, context["key"]))
            await batch.commit()
        return held.snapshot, player

    return await _against_rivals(once)


async def change_devices(
    user_id: str, decide: Callable[[Snapshot], Devices]
) -> tuple[Snapshot, Devices]:
    """What `decide` made of the devices, stored, and what it was made of; see `change`."""

    async def once() -> tuple[Snapshot, Devices]:
        held = await _read(user_id)
        devices = decide(held.snapshot)
        if devices != held.snapshot.devices:
            batch = clients.firestore().batch()
            _put(batch, held.devices, documents.devices_document(devices))
            await batch.commit()
        return held.snapshot, devices

    return await _against_rivals(once)


async def player_of(user_id: str, document: dict[str, Any]) -> Player | None:
    """The player of a document that was heard of, None where its context is already replaced: a
    newer document is on its way then."""
    items = await _items(user_id, document["context_key"])
    return None if items is None else documents.player_of(document, items)


async def _read(user_id: str) -> _Read:
    references = {"player": _player(user_id), "devices": _devices(user_id)}
    for _ in range(READ_ATTEMPTS):
        found = {
            snapshot.reference.path: snapshot
            async for snapshot in clients.firestore().get_all(list(references.values()))
        }
        player, devices = (found[reference.path] for reference in references.values())
        there = documents.devices_of(devices.to_dict())
        document = player.to_dict()
        if document is None:
            return _Read(Snapshot(Player(), there), player, devices, documents.NO_ITEMS)
        items = await _items(user_id, document["context_key"])
        if items is not None:
            held = Snapshot(documents.player_of(document, items), there)
            return _Read(held, player, devices, document["context_key"])
    raise Unavailable("The player changes too fast to be read; please try again.")


async def _items(user_id: str, key: str) -> tuple[Item, ...] | None:
    """The items of the context `key`, None when another has taken its place."""
    if key == documents.NO_ITEMS:
        return ()
    held = _contexts.get((user_id, key))
    if held is None:
        document = (await _context(user_id).get()).to_dict()
        if document is None or document["key"] != key:
            return None
        held = _contexts[user_id, key] = documents.items_of(document)
    return held


def _player(user_id: str) -> AsyncDocumentReference:
    return clients.collection(topology.PLAYER_STATES).document(user_id)


def _context(user_id: str) -> AsyncDocumentReference:
    return clients.collection(topology.PLAYER_CONTEXTS).document(user_id)


def _devices(user_id: str) -> AsyncDocumentReference:
    return clients.collection(topology.DEVICES).document(user_id)


def _put(batch: AsyncWriteBatch, before: DocumentSnapshot[Any], data: dict[str, Any]) -> None:
    """Creates the document, or replaces its fields if it still is as `before` shows it."""
    if before.exists:
        unchanged = clients.firestore().write_option(last_update_time=before.update_time)
        batch.update(before.reference, data, option=unchanged)
    else:
        batch.create(before.reference, data)


async def _against_rivals(write: Callable[[], Awaitable[T]]) -> T:
    from google.api_core.exceptions import AlreadyExists, FailedPrecondition

    return await retried(write, AlreadyExists, FailedPrecondition, first_pause_s=FIRST_PAUSE_S)
