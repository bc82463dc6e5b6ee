"""From a bundle in a folder to the one that serves, once a copy of it has shown what it can."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.artifacts import releases
from shared.artifacts.releases import Refused, Release
from shared.recommendations.index.artifact import BUNDLES

if TYPE_CHECKING:
    from shared.recommendations.index.building import Built
    from shared.recommendations.index.bundle import MappedBundle

TRIED = 64  # rows, spread over all
LEAST_RECALL = 0.9  # of the tried: so many fewer than the index was tuned on may be this unlucky


async def release(built: Built, *, force: bool = False) -> Release:
    """Stores the bundle and makes it serve, once a copy fetched from the bucket answers as it
    should. Raises Refused for one that does not, or that has lost most of what the last good one
    has (not with `force`); then nothing of it is left."""
    if not force:
        await releases.check_losses(BUNDLES, built.counts)

    async def check(bundle: MappedBundle) -> None:
        await asyncio.to_thread(_check, bundle, built)

    staged = await releases.stage(
        BUNDLES, built.folder, built.version, built.built_at, built.counts, check
    )
    return await releases.serve(BUNDLES, staged)


def _check(bundle: MappedBundle, built: Built) -> None:
    """Raises Refused for a bundle that is not the one that was built, does not find its own
    tracks, or finds too few of those nearest."""
    if bundle.version != built.version or len(bundle) != built.counts["tracks"]:
        raise Refused(f"it is {bundle.version} with {len(bundle)} tracks, not what was built")
    rows = range(0, len(bundle), max(len(bundle) // TRIED, 1))
    for row in rows:
        track_id = bundle.item(row).track_id
        if bundle.row_of(track_id) != row:
            raise Refused(f"track {track_id} is not found by its id")
        if not all(0 <= other < len(bundle) for other, _ in bundle.neighbours(row)):
            raise Refused(f"track {track_id} has neighbours that are not in it")
    if (recall := bundle.recall(rows)) < LEAST_RECALL:
        raise Refused(
            f"its index finds {recall:.0%} of the 100 nearest tracks and {LEAST_RECALL:.0%} are "
            "asked for; see whether the vectors that it is tuned on are like those looked for"
        )
