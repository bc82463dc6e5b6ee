"""Audio features of tracks, and tracks that sound alike."""

from __future__ import annotations

from collections.abc import Sequence

from shared.analysis import store
from shared.analysis.models import AudioFeatures
from shared.platform.cache import ReadThroughCache

TTL_S = 300  # F088
NEGATIVE_TTL_S = 30  # F099
FEATURES_KEPT = 20_000
CELLS_KEPT = 256  # all of them, each at most 50 features of half a kilobyte
MAX_NEIGHBOURS = 50


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


async def load(new_features: Sequence[AudioFeatures]) -> None:
    """Stores features over what is there."""
    await store.write_all(new_features)
    features.clear()
    cells.clear()
