"""Fingerprints in Firestore, found by shared bucket keys (F017)."""

from __future__ import annotations

from typing import Any

from shared import topology
from shared.ingestion import fingerprint
from shared.ingestion.duplicate import MAX_DURATION_DIFFERENCE_MS, Recording
from shared.ingestion.store.changes import change
from shared.platform import clients

MAX_CANDIDATES = 50


async def similar(new: Recording) -> list[Recording]:
    """Stores the fingerprint of `new` and returns recordings that may be the same: those that
    share a bucket key at a similar length, and those with its ISRC.

    Only recordings that were stored before `new` count, by Firestore's own commit time. So of two
    near duplicates that arrive together, exactly one finds the other.
    """
    from google.cloud.firestore import FieldFilter

    collection = clients.collection(topology.FINGERPRINTS)
    document = collection.document(new.track_id)
    content = {
        "bucket_keys": fingerprint.bucket_keys(new.items),
        "duration_ms": new.duration_ms,
        "isrc": new.isrc,
        "items": fingerprint.encode(new.items),
    }

    def decide(held: dict[str, Any] | None) -> tuple[dict[str, Any] | None, None]:
        return (content if held is None else None), None

    await change(document, decide)
    own = await document.get()
    lengths = (
        new.duration_ms - MAX_DURATION_DIFFERENCE_MS,
        new.duration_ms + MAX_DURATION_DIFFERENCE_MS,
    )
    queries = []
    if keys := fingerprint.query_keys(new.items):
        queries.append(
            collection.where(filter=FieldFilter("bucket_keys", "array_contains_any", keys))
            .where(filter=FieldFilter("duration_ms", ">=", lengths[0]))
            .where(filter=FieldFilter("duration_ms", "<=", lengths[1]))
        )
    if new.isrc:
        queries.append(collection.where(filter=FieldFilter("isrc", "==", new.isrc)))
    found: dict[str, Recording] = {}
    for query in queries:
        async for snapshot in query.limit(MAX_CANDIDATES).stream():
            earlier = (snapshot.create_time, snapshot.id) < (own.create_time, own.id)
            if earlier and snapshot.id != new.track_id:
                held = snapshot.to_dict() or {}
                found[snapshot.id] = Recording(
                    snapshot.id,
                    held["duration_ms"],
                    held["isrc"],
                    fingerprint.decode(held["items"]),
                )
    return list(found.values())


async def forget(track_id: str) -> None:
    """Removes the fingerprint of a track that will not be published."""
    await clients.collection(topology.FINGERPRINTS).document(track_id).delete()
