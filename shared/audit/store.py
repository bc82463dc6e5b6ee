"""The ledger in Firestore: `audit_ledger`, one document per decision under a random id.

Documents are only ever created, so no record can be replaced by a later one.
"""

from __future__ import annotations

from shared import topology
from shared.audit.models import Decision
from shared.platform import clients
from shared.platform.contention import retried
from shared.platform.ids import random_id

APPEND_TIMEOUT_S = 10.0


async def append(record: Decision) -> str:
    """Stores `record` under a fresh id and returns the id."""
    from google.api_core.exceptions import ServiceUnavailable

    ledger = clients.collection(topology.AUDIT_LEDGER)

    async def create() -> str:
        record_id = random_id()
        await ledger.document(record_id).create(record.to_document())
        return record_id

    # A try that was stored and whose answer was lost makes a second record on the next one: a
    # ledger may hold a decision twice, never not at all.
    return await retried(create, ServiceUnavailable, patience_s=APPEND_TIMEOUT_S)
