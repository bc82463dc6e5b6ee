"""Audio features in Firestore, by track id."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from shared import topology
from shared.analysis.models import AudioFeatures, Failure, StoredFeatures
from shared.platform import bulk, clients
from shared.platform.scanning import scan

MARKS = ("asset_version", "extractor", "failure")
MARKS_A_READ = 300


async def read(track_ids: Sequence[str]) -> dict[str, AudioFeatures]:
    """The features of those tracks that have any, by id, in one round trip."""
    documents = clients.collection(topology.AUDIO_FEATURES)
    references = [documents.document(track_id) for track_id in track_ids]
    return {
        snapshot.id: AudioFeatures.model_validate(held)
        async for snapshot in clients.firestore().get_all(references)
        if "duration_ms" in (held := snapshot.to_dict() or {})
    }


async def read_marks(track_ids: Sequence[str]) -> dict[str, StoredFeatures]:
    """Of those tracks that anything is stored of, by id: from which asset the features were
    measured, and what failed. The features themselves are not read."""
    documents = clients.collection(topology.AUDIO_FEATURES)
    found = {}
    for start in range(0, len(track_ids), MARKS_A_READ):
        part = track_ids[start : start + MARKS_A_READ]
        references = [documents.document(track_id) for track_id in part]
        async for snapshot in clients.firestore().get_all(references, field_paths=MARKS):
            if snapshot.exists:
                held = {"id": snapshot.id, **(snapshot.to_dict() or {})}
                found[snapshot.id] = StoredFeatures.model_validate(held)
    return found


async def read_cell(cell: str, limit: int) -> tuple[AudioFeatures, ...]:
    """Tracks of one cell of feature space, in the order of their ids, at most `limit`."""
    from google.cloud.firestore import FieldFilter

    query = clients.collection(topology.AUDIO_FEATURES).where(
        filter=FieldFilter("cell", "==", cell)
    )
    return tuple(
        [AudioFeatures.model_validate(one.to_dict()) async for one in query.limit(limit).stream()]
    )


async def scan_all() -> AsyncIterator[list[AudioFeatures]]:
    """All of them, by id, a page at a time."""
    async for page in scan(topology.AUDIO_FEATURES, StoredFeatures):
        yield [one for one in page if one.duration_ms]


async def write_all(features: Iterable[AudioFeatures]) -> None:
    """Stores all of them over what is there."""
    await bulk.write(topology.AUDIO_FEATURES, ((one.id, one.to_document()) for one in features))


async def write_failure(track_id: str, failure: Failure) -> None:
    """Stores it beside the features that the track may have; `write_all` removes it."""
    document = clients.collection(topology.AUDIO_FEATURES).document(track_id)
    await document.set({"id": track_id, "failure": failure.to_document()}, merge=True)
