"""The ledger in Firestore: `audit_ledger`, one document per decision under a random id.

Documents are only ever created, so no record can be replaced by a later one.
"""

from __future__ import annotations

from shared import topology
from shared.audit.models import AuditRecord
from shared.platform import clients
from shared.platform.ids import random_id

APPEND_TIMEOUT_S = 10.0


async def append(record: AuditRecord) -> str:
    """Stores `record` under a fresh id and returns the id."""
    from google.api_core.exceptions import Aborted, ServiceUnavailable
    from google.api_core.retry import AsyncRetry, if_exception_type

    # A try that was stored and whose answer was lost makes a second record on the next one: a
    # ledger may hold a decision twice, never not at all.
    retry = AsyncRetry(
        if_exception_type(Aborted, ServiceUnavailable), initial=0.05, timeout=APPEND_TIMEOUT_S
    )
    ledger = clients.collection(topology.AUDIT_LEDGER)

    async def create() -> str:
        record_id = random_id()
        await ledger.document(record_id).create(record.to_document())
        return record_id

    record_id: str = await retry(create)()
    return record_id
