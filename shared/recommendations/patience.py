"""Waiting for what may not come: the recommender's failure must break nobody's home (F219)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
D = TypeVar("D")
_log = logging.getLogger(__name__)


async def within(
    patience_s: float, reading: Coroutine[Any, Any, T], otherwise: D, what: str
) -> T | D:
    """What `reading` finds in `patience_s` seconds; `otherwise`, and a line in the log, where it
    fails or takes longer. It is given up then."""
    task = asyncio.ensure_future(reading)
    try:
        done, _ = await asyncio.wait([task], timeout=patience_s)
    finally:
        if not task.done():
            task.cancel()
    if not done:
        _log.warning("%s did not come within %.2f s", what, patience_s)
        return otherwise
    if (error := task.exception()) is not None:
        _log.warning("%s could not be had: %r", what, error)
        return otherwise
    return task.result()
