"""The bundle that this instance recommends from: the one that the pointer names.

The pointer is looked at every 30 s behind the requests that come. A version is fetched and opened
beside the one that serves, and then one assignment swaps them: whoever holds the one before reads
it to the end. Whatever is wrong with a newer one, the last good one serves on.
"""

from __future__ import annotations

import asyncio
import logging
from math import inf
from typing import TYPE_CHECKING

from shared.artifacts import opening
from shared.artifacts.following import Following
from shared.artifacts.revalidation import Revalidated
from shared.recommendations.index.artifact import BUNDLES

if TYPE_CHECKING:
    from shared.recommendations.index.bundle import MappedBundle

POINTER_S = 30.0
_log = logging.getLogger(__name__)


class Serving:
    """The bundle that is open in this process, whose linear algebra has one thread from then on."""

    def __init__(self, pointer_s: float = POINTER_S) -> None:
        self._versions: Following[MappedBundle] = Following(BUNDLES)
        self._bundle: MappedBundle | None = None
        self._pointer = Revalidated(self._look, fresh_s=pointer_s, patience_s=inf)

    async def bundle(self) -> MappedBundle | None:
        """What to recommend from, None before there is any. The first call waits until it is
        fetched, and may be given up: the fetching goes on. Later ones never wait."""
        await self._pointer.ensure()
        return self._bundle

    async def look(self) -> None:
        """Waits until what serves is what the pointer names by now; for jobs and tests."""
        await self._pointer.now()

    async def _look(self) -> None:
        current = "" if self._bundle is None else self._bundle.version
        found = await self._versions.newest(current, self._versions.open)
        if found is not None:
            await asyncio.to_thread(_one_thread)
            self._bundle = found
            _log.info("recommendations are made from %s (%d tracks)", found.version, len(found))
        if self._bundle is None:
            _log.warning("there is no recommendation bundle yet")
        else:
            await opening.forget_before(BUNDLES, self._bundle.version, ())


def _one_thread() -> None:
    """Has BLAS compute in the thread that asks. A request's systems are small, and its threads wait
    for each other far longer than they compute: on two busy processors 200 systems of 128 took 33
    seconds instead of 0.1."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "blas")
