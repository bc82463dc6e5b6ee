"""Audio features of tracks, and tracks that sound alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from shared.analysis import store
from shared.analysis.models import AudioFeatures, Failure, StoredFeatures
from shared.platform.cache import ReadThroughCache

TTL_S = 300  # F088
NEGATIVE_TTL_S = 30  # F099
FEATURES_KEPT = 20_000
CELLS_KEPT = 256  # all of them, each at most 50 features of half a kilobyte
MAX_NEIGHBOURS = 50
MAX_ATTEMPTS = 5  # at one asset by one extractor; more would not help


async def _read_cells(cells: Sequence[str]) -> dict[str, tuple[AudioFeatures, ...]]:
    return {one: await store.read_cell(one, MAX_NEIGHBOURS) for one in cells}


features: ReadThroughCache[str, AudioFeatures] = ReadThroughCache(
    store.read, maximum=FEATURES_KEPT, ttl_s=TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)
cells: ReadThroughCache[str, tuple[AudioFeatures, ...]] = ReadThroughCache(
    _read_cells, maximum=CELLS_KEPT, ttl_s=TTL_S, negative_ttl_s=NEGATIVE_TTL_S
)


async def get_features(track_ids: Sequence[str]) -> list[AudioFeatures | None]:
    """The features in the order of `track_ids`, None where a track has none."""
    found = await features.get_many(track_ids)
    return [found.get(one) for one in track_ids]


async def get_neighbours(like: AudioFeatures) -> tuple[AudioFeatures, ...]:
    """Features of tracks that sound roughly like `like` (they lie in the same cell of feature
    space), itself among them, at most `MAX_NEIGHBOURS`."""
    return await cells.get(like.cell) or ()


def every_features() -> AsyncIterator[list[AudioFeatures]]:
    """The features of all tracks that have any, by id, a page at a time."""
    return store.scan_all()


async def load(new_features: Sequence[AudioFeatures]) -> None:
    """Stores features that a catalogue states over what is there. What was measured from the sound
    stays: the sound is the truth about itself."""
    marks = await store.read_marks([one.id for one in new_features])
    measured = {track_id for track_id, held in marks.items() if held.extractor}
    await store.write_all(one for one in new_features if one.id not in measured)
    features.clear()
    cells.clear()


async def put(measured: AudioFeatures) -> None:
    """Stores features that were measured from the sound."""
    await store.write_all([measured])
    features.clear()
    cells.clear()


async def unmeasured(assets: Mapping[str, str], extractor: int) -> list[str]:
    """The tracks of `assets` (asset versions by track id) whose features were not measured from
    that asset by `extractor`, in their order; those for which it failed `MAX_ATTEMPTS` times are
    left out."""
    marks = await store.read_marks(list(assets))

    def is_due(track_id: str, asset_version: str) -> bool:
        held = marks.get(track_id)
        if held is None:
            return True
        if (held.asset_version, held.extractor) == (asset_version, extractor):
            return False
        return _attempts(held, asset_version, extractor) < MAX_ATTEMPTS

    return [track_id for track_id, version in assets.items() if is_due(track_id, version)]


async def note_failure(track_id: str, asset_version: str, extractor: int, reason: str) -> int:
    """Notes that `extractor` failed at that asset; returns how often it has."""
    held = (await store.read_marks([track_id])).get(track_id)
    attempts = _attempts(held, asset_version, extractor) + 1 if held else 1
    failure = Failure(
        asset_version=asset_version, extractor=extractor, attempts=attempts, reason=reason
    )
    await store.write_failure(track_id, failure)
    return attempts


def _attempts(held: StoredFeatures, asset_version: str, extractor: int) -> int:
    failure = held.failure
    if failure is None or (failure.asset_version, failure.extractor) != (asset_version, extractor):
        return 0
    return failure.attempts
