"""Uploads in Firestore."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared import topology
from shared.ingestion.models import PROGRESS_PERCENT, TERMINAL_STATES, Upload, UploadState
from shared.ingestion.store.transactions import transact
from shared.platform import clients

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncTransaction


async def create(upload: Upload, expires_at: datetime) -> None:
    """Stores a new upload, which disappears at `expires_at` unless its master arrives."""
    document = clients.collection(topology.UPLOADS).document(upload.upload_id)
    await document.set({**upload.model_dump(), "expires_at": expires_at})


async def load(upload_id: str) -> Upload | None:
    """The upload, None where there is none."""
    held = (await clients.collection(topology.UPLOADS).document(upload_id).get()).to_dict()
    return None if held is None else Upload.model_validate(held)


async def load_many(upload_ids: Iterable[str]) -> dict[str, Upload]:
    """Those of the uploads that exist, in one read."""
    collection = clients.collection(topology.UPLOADS)
    references = [collection.document(upload_id) for upload_id in upload_ids]
    found = {}
    async for snapshot in clients.firestore().get_all(references):
        held = snapshot.to_dict()
        if held is not None:
            found[snapshot.id] = Upload.model_validate(held)
    return found


async def receive(arrived: Upload) -> Upload:
    """Records that a master is complete: creates the upload or moves it on to `received`. A
    master that was seen before changes nothing. Returns the upload as stored."""
    document = clients.collection(topology.UPLOADS).document(arrived.upload_id)

    async def work(transaction: AsyncTransaction) -> Upload:
        held = (await document.get(transaction=transaction)).to_dict()
        if held is not None:
            stored = Upload.model_validate(held)
            if stored.generation is not None and stored.generation >= (arrived.generation or 0):
                return stored
        # Without `expires_at`: what has arrived is kept.
        transaction.set(document, arrived.model_dump())
        return arrived

    stored: Upload = await transact(work)
    return stored


async def advance(
    upload_id: str,
    state: UploadState,
    *,
    progress_percent: int | None = None,
    reason: str | None = None,
    track_id: str | None = None,
    content_hash: str | None = None,
) -> None:
    """Moves an upload on. One that has ended stays as it is: a late redelivery must not turn
    `published` into `validating`."""
    document = clients.collection(topology.UPLOADS).document(upload_id)
    change: dict[str, Any] = {
        "state": state,
        "progress_percent": PROGRESS_PERCENT[state]
        if progress_percent is None
        else progress_percent,
        "reason": reason,
        "updated_at": datetime.now(UTC),
    }
    change.update({"track_id": track_id} if track_id else {})
    change.update({"content_hash": content_hash} if content_hash else {})

    async def work(transaction: AsyncTransaction) -> None:
        held = (await document.get(transaction=transaction)).to_dict()
        if held is not None and held["state"] not in TERMINAL_STATES:
            transaction.update(document, change)

    await transact(work)
