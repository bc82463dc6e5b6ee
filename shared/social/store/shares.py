"""Share links in Firestore: `shares/{id}`, deleted by its TTL some time after it expired."""

from __future__ import annotations

from shared import topology
from shared.platform import clients
from shared.platform.contention import retried
from shared.social.models import Share


async def create(share: Share) -> Share:
    """Stores `share`; where its id is taken, by an earlier try of the same call, the share that
    has it."""
    from google.api_core.exceptions import AlreadyExists

    document = clients.collection(topology.SHARES).document(share.id)
    try:
        await retried(lambda: document.create(share.model_dump()))
    except AlreadyExists:
        return Share.model_validate((await document.get()).to_dict())
    return share


async def read(share_id: str) -> Share | None:
    """The share `share_id`."""
    found = (await clients.collection(topology.SHARES).document(share_id).get()).to_dict()
    return Share.model_validate(found) if found else None
