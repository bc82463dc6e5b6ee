"""What autoplay goes on with, written for players once a bundle serves.

After a training it is written for every track, between two trainings for those alone that the last
one did not know: the others keep their neighbours. A run that is stopped before it has written all
leaves that to the next, and to write it again makes no difference.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from shared.artifacts.following import Following
from shared.recommendations import similar
from shared.recommendations.index.artifact import BUNDLES
from shared.recommendations.periods import day_number
from shared.recommendations.products import autoplay

if TYPE_CHECKING:
    from shared.recommendations.items import Bundle

AT_ONCE = 2_000  # tracks that are made, and then written
TOLD = 20_000  # tracks, between two lines of the log
_log = logging.getLogger(__name__)


class Unfinished(Exception):
    """It is not written for all; the text says of what bundle. The next run goes on."""


async def write(version: str, training: str, new: Sequence[int], now: datetime) -> int:
    """Writes what goes with tracks of the bundle `version`, which serves: with the rows `new`
    where all others were written of this `training` before, or with all. How many they were.
    Raises Unfinished."""
    try:
        bundle = await Following(BUNDLES).open(version)
        is_known = await similar.written_of(int(now.timestamp() * 1000)) == training
        rows = new if is_known else range(len(bundle))
        with threadpool_limits(1, "blas"):  # its threads would wait for one another
            await _write(bundle, rows, day_number(now.date()))
        if not is_known:
            await similar.note_written_of(training)
    except Exception as error:
        raise Unfinished(
            f"{version} serves, but what autoplay goes on with is not all written: {error!r}"
        ) from error
    return len(rows)


async def _write(bundle: Bundle, rows: Sequence[int], today: int) -> None:
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        made = await asyncio.to_thread(list, autoplay.similar(bundle, some, today=today))
        await similar.write_similar(made)
        done = start + len(some)
        if done % TOLD == 0 or done == len(rows):
            _log.info("wrote what goes with %d of %d tracks", done, len(rows))
