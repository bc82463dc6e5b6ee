"""Uploads in Firestore."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from shared import topology
from shared.ingestion.models import PROGRESS_PERCENT, TERMINAL_STATES, Upload, UploadState
from shared.ingestion.store.changes import change
from shared.platform import clients


async def create(upload: Upload, expires_at: datetime) -> None:
    """Stores a new upload, which disappears at `expires_at` unless its master arrives; one that is
    there already (a request that is made again) stays as it is."""
    from google.api_core.exceptions import AlreadyExists

    document = clients.collection(topology.UPLOADS).document(upload.upload_id)
    with suppress(AlreadyExists):
        await document.create({**upload.model_dump(), "expires_at": expires_at})


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


async def published(
    since: datetime | None = None, page_size: int = 300
) -> AsyncIterator[list[Upload]]:
    """The uploads that were published at or after `since`, the first ones first, page by page;
    those that are published meanwhile come last."""
    from google.cloud.firestore import FieldFilter

    query = clients.collection(topology.UPLOADS).where(
        filter=FieldFilter("state", "==", "published")
    )
    if since is not None:
        query = query.where(filter=FieldFilter("updated_at", ">=", since))
    query = query.order_by("updated_at").limit(page_size)
    page = [one async for one in query.stream()]
    while page:
        yield [Upload.model_validate(one.to_dict()) for one in page]
        page = [one async for one in query.start_after(page[-1]).stream()]


async def receive(arrived: Upload) -> Upload:
    """Records that a master is complete: creates the upload or moves it on to `received`. A
    master that was seen before changes nothing. Returns the upload as stored."""
    from google.cloud.firestore import DELETE_FIELD

    def decide(held: dict[str, Any] | None) -> tuple[dict[str, Any] | None, Upload]:
        if held is None:
            return arrived.model_dump(), arrived
        stored = Upload.model_validate(held)
        if stored.generation is not None and stored.generation >= (arrived.generation or 0):
            return None, stored
        # What has arrived is kept.
        return {**arrived.model_dump(), "expires_at": DELETE_FIELD}, arrived

    return await change(clients.collection(topology.UPLOADS).document(arrived.upload_id), decide)


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
    fields: dict[str, Any] = {
        "state": state,
        "progress_percent": (
            PROGRESS_PERCENT[state] if progress_percent is None else progress_percent
        ),
        "reason": reason,
        "updated_at": datetime.now(UTC),
    }
    fields.update({"track_id": track_id} if track_id else {})
    fields.update({"content_hash": content_hash} if content_hash else {})

    def decide(held: dict[str, Any] | None) -> tuple[dict[str, Any] | None, None]:
        ended = held is None or held["state"] in TERMINAL_STATES
        return (None if ended else fields), None

    await change(clients.collection(topology.UPLOADS).document(upload_id), decide)
