"""Hearing of changes as they are committed, by Firestore's `Listen`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared import topology
from shared.connect.models import Devices
from shared.connect.store import documents
from shared.platform import clients

if TYPE_CHECKING:
    from google.cloud.firestore_v1 import types

_TARGET = 1
_LISTEN_TIMEOUT_S = 3600.0  # Firestore's own limit on a stream


@dataclass(frozen=True, slots=True)
class PlayerChanged:
    """The player's document (None: there is none); see `states.player_of`."""

    document: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class DevicesChanged:
    """The devices now."""

    devices: Devices


class ListenEnded(Exception):
    """Firestore ended the stream; listening again goes on."""


async def listen(user_id: str) -> AsyncGenerator[PlayerChanged | DevicesChanged, None]:
    """A person's player and devices as they are now, and again after each change to either.

    Some may be repeated. Ends by ListenEnded or with an error of the Google client.
    """
    from google.cloud.firestore_v1 import types

    client = clients.firestore()
    player = clients.collection(topology.PLAYER_STATES).document(user_id)._document_path
    devices = clients.collection(topology.DEVICES).document(user_id)._document_path
    target = types.Target(
        target_id=_TARGET,
        documents=types.Target.DocumentsTarget(documents=[player, devices]),
    )
    ended = asyncio.Event()

    async def requests() -> AsyncIterator[types.ListenRequest]:
        yield types.ListenRequest(database=client._database_string, add_target=target)
        await ended.wait()  # the stream lives as long as its requests do

    # The library's own client listens in threads and for the synchronous API alone; the calls
    # below are the generated ones that it stands on, with what it adds to each call.
    stream = await client._firestore_api.listen(
        requests=requests(), metadata=client._rpc_metadata, timeout=_LISTEN_TIMEOUT_S
    )
    try:
        async for response in stream:
            changed = _document_of(response)
            if changed is None:
                continue
            name, fields = changed
            if name == player:
                yield PlayerChanged(fields)
            elif name == devices:
                yield DevicesChanged(documents.devices_of(fields))
    finally:
        ended.set()
        stream.cancel()
    raise ListenEnded


def _document_of(response: types.ListenResponse) -> tuple[str, dict[str, Any] | None] | None:
    """Name and fields of the document that a response is about (None: it is not there)."""
    from google.cloud.firestore_v1 import types
    from google.cloud.firestore_v1._helpers import decode_dict

    if "document_change" in response:
        document = response.document_change.document
        fields: dict[str, Any] = decode_dict(document.fields, clients.firestore())  # type: ignore[assignment]
        return document.name, fields
    if "document_delete" in response:
        return response.document_delete.document, None
    if "document_remove" in response:
        return response.document_remove.document, None
    if "target_change" in response:
        change = response.target_change
        if change.target_change_type == types.TargetChange.TargetChangeType.REMOVE:
            raise ListenEnded(change.cause.message)
    return None
