"""The prefix index in Firestore: `search_documents`."""

from __future__ import annotations

from collections.abc import Iterable

from shared import topology
from shared.platform import bulk, clients
from shared.search.models import ItemType, SearchDocument

MAX_CANDIDATES = 300  # the most popular ones with a prefix; each is a billed read


async def write(documents: Iterable[SearchDocument]) -> None:
    """Stores `documents` over what is there."""
    await bulk.write(
        topology.SEARCH_DOCUMENTS, ((one.document_id, one.to_document()) for one in documents)
    )


async def delete(kind: ItemType, item_id: str) -> None:
    """Deletes a document; one that is not there is none to delete."""
    await clients.collection(topology.SEARCH_DOCUMENTS).document(f"{kind}:{item_id}").delete()


async def find(kind: ItemType, prefix: str) -> tuple[SearchDocument, ...]:
    """The most popular documents of `kind` that have `prefix`, at most `MAX_CANDIDATES`."""
    from google.cloud.firestore import FieldFilter, Query

    query = (
        clients.collection(topology.SEARCH_DOCUMENTS)
        .where(filter=FieldFilter("type", "==", kind))
        .where(filter=FieldFilter("prefixes", "array_contains", prefix))
        .order_by("popularity", direction=Query.DESCENDING)
        .select(_RANKED)
        .limit(MAX_CANDIDATES)
    )
    return tuple(
        [SearchDocument.model_validate(snapshot.to_dict()) async for snapshot in query.stream()]
    )


# All but the prefixes, which are most of a document and of no use once it is found.
_RANKED = [name for name in SearchDocument.model_fields if name != "prefixes"]
