"""Manifests in the audio bucket, and in Firestore who sounds now.

Manifests are read once: a path below an asset version never changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from shared import topology
from shared.platform import clients
from shared.platform.contention import retried
from shared.playback.leases import Slot

MAX_MANIFEST_BYTES = 4_000_000  # a day of six-second segments; anything larger is no manifest
READ_TIMEOUT_S = 10
FIRST_PAUSE_S = 0.02


async def read_manifests(paths: Sequence[str]) -> dict[str, bytes]:
    """Those objects that exist, by path in the audio bucket."""
    found = await asyncio.gather(*(asyncio.to_thread(_read, path) for path in paths))
    return {path: body for path, body in zip(paths, found, strict=True) if body is not None}


def _read(path: str) -> bytes | None:
    from google.api_core.exceptions import NotFound, RequestRangeNotSatisfiable

    blob = clients.bucket(topology.AUDIO).blob(path)
    try:
        return bytes(blob.download_as_bytes(end=MAX_MANIFEST_BYTES - 1, timeout=READ_TIMEOUT_S))
    except (NotFound, RequestRangeNotSatisfiable):  # the latter: an empty object
        return None


async def change_slots(
    user_id: str, decide: Callable[[tuple[Slot, ...]], tuple[Slot, ...]]
) -> tuple[Slot, ...]:
    """The slots of a person as `decide` made them, stored by compare-and-set.

    `decide` is called again with what a rival wrote meanwhile; its errors go through, and slots
    that it returns unchanged are not written.
    """
    from google.api_core.exceptions import AlreadyExists, FailedPrecondition

    reference = clients.collection(topology.STREAM_LEASES).document(user_id)

    async def once() -> tuple[Slot, ...]:
        held = await reference.get()
        before = tuple(Slot(**fields) for fields in (held.to_dict() or {}).get("slots", ()))
        after = decide(before)
        if after == before:
            return after
        last_ms = max((slot.expires_at_ms for slot in after), default=0)
        document = {
            "slots": [
                {
                    "key": slot.key,
                    "session_id": slot.session_id,
                    "since_ms": slot.since_ms,
                    "expires_at_ms": slot.expires_at_ms,
                }
                for slot in after
            ],
            "expires_at": datetime.fromtimestamp(last_ms / 1000, UTC),
        }
        if held.exists:
            unchanged = clients.firestore().write_option(last_update_time=held.update_time)
            await reference.update(document, option=unchanged)
        else:
            await reference.create(document)
        return after

    return await retried(once, AlreadyExists, FailedPrecondition, first_pause_s=FIRST_PAUSE_S)
