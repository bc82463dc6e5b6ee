"""Changes of one document that depend on what it holds.

Compare and set instead of a transaction: a transaction locks what it reads, so two workers on one
document wait for each other until both are aborted. Here the write names the version that was
read, and whoever comes second reads again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from shared.platform import clients
from shared.platform.errors import Unavailable

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference

T = TypeVar("T")
Decide = Callable[[dict[str, Any] | None], tuple[Mapping[str, Any] | None, T]]

ATTEMPTS = 20
MAX_PAUSE_S = 0.5


async def change(document: AsyncDocumentReference, decide: Decide[T]) -> T:
    """What `decide` made of the document. It gets the fields held (None where there is no
    document) and returns the fields to write (None for no change) and a result; it may be asked
    several times. Raises Unavailable where others keep changing the document."""
    from google.api_core.exceptions import Aborted, AlreadyExists, FailedPrecondition, NotFound

    for attempt in range(ATTEMPTS):
        snapshot = await document.get()
        fields, result = decide(snapshot.to_dict())
        if fields is None:
            return result
        try:
            if snapshot.exists:
                unchanged = clients.firestore().write_option(last_update_time=snapshot.update_time)
                await document.update(dict(fields), option=unchanged)
            else:
                await document.create(dict(fields))
        except (Aborted, AlreadyExists, FailedPrecondition, NotFound):
            await asyncio.sleep(random.uniform(0, min(MAX_PAUSE_S, 0.01 * 2**attempt)))
        else:
            return result
    raise Unavailable(f"{document.path} is changed by too many at once; try again.")
