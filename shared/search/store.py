"""Changes of documents in Firestore (`search_changes`, by key)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from zlib import crc32

from pydantic import ValidationError

from shared import topology
from shared.platform import clients
from shared.platform.contention import retried
from shared.search.models import Change, SearchDocument

# One range of an index that only grows takes 500 writes a second; each slice is one.
# https://cloud.google.com/firestore/docs/best-practices
SLICES = 4
KEPT_FOR = timedelta(days=3)  # a change; no index that is older may serve
COMMIT_WRITES = 500  # Firestore's limit
_log = logging.getLogger(__name__)


async def write_changes(documents: Mapping[str, SearchDocument | None], now: datetime) -> None:
    """Notes by key what each document is from now on, or that it is gone (None)."""
    from google.api_core.exceptions import ServiceUnavailable
    from google.cloud.firestore import SERVER_TIMESTAMP

    collection = clients.collection(topology.SEARCH_CHANGES)
    left = list(documents.items())
    for start in range(0, len(left), COMMIT_WRITES):
        batch = clients.firestore().batch()
        for key, document in left[start : start + COMMIT_WRITES]:
            fields = {
                "document": document and document.model_dump_json(exclude_defaults=True),
                "changed_at": SERVER_TIMESTAMP,
                "slice": crc32(key.encode()) % SLICES,
                "expires_at": now + KEPT_FOR,
            }
            batch.set(collection.document(key), fields)
        await retried(batch.commit, ServiceUnavailable)


async def read_changes(since: datetime) -> AsyncIterator[Change]:
    """Documents that changed after `since`, by the server's clock, as they are now."""
    from google.cloud.firestore import FieldFilter

    query = (
        clients.collection(topology.SEARCH_CHANGES)
        .where(filter=FieldFilter("slice", "in", list(range(SLICES))))
        .where(filter=FieldFilter("changed_at", ">", since))
        .order_by("changed_at")
    )
    async for snapshot in query.stream():
        text = snapshot.get("document")
        try:
            document = SearchDocument.model_validate_json(text) if text else None
        except ValidationError:
            # Of a newer version of this code: what is in the index may be wrong, so it is hidden.
            _log.exception("the change of %s cannot be read", snapshot.id)
            document = None
        # The commit's time, and not the field: whoever has read up to a commit lacks none before.
        yield Change(snapshot.id, document, snapshot.update_time)
