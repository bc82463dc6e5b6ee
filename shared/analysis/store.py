"""Audio features in Firestore, by track id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared import topology
from shared.analysis.models import AudioFeatures
from shared.platform import bulk, clients


async def read(track_ids: Sequence[str]) -> dict[str, AudioFeatures]:
    """The features of those tracks that have any, by id, in one round trip."""
    documents = clients.collection(topology.AUDIO_FEATURES)
    references = [documents.document(track_id) for track_id in track_ids]
    return {
        snapshot.id: AudioFeatures.model_validate(snapshot.to_dict())
        async for snapshot in clients.firestore().get_all(references)
        if snapshot.exists
    }


async def read_cell(cell: str, limit: int) -> tuple[AudioFeatures, ...]:
    """Tracks of one cell of feature space, in the order of their ids, at most `limit`."""
    from google.cloud.firestore import FieldFilter

    query = clients.collection(topology.AUDIO_FEATURES).where(
        filter=FieldFilter("cell", "==", cell)
    )
    return tuple(
        [AudioFeatures.model_validate(one.to_dict()) async for one in query.limit(limit).stream()]
    )


async def write_all(features: Iterable[AudioFeatures]) -> None:
    """Stores all of them over what is there."""
    await bulk.write(topology.AUDIO_FEATURES, ((one.id, one.to_document()) for one in features))
