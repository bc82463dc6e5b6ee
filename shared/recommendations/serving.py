"""What this instance recommends from: the newest bundle, and the newest ranker.

Both are looked for behind the requests that come, and the last good of each serves on whatever
happens to the next.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from shared.recommendations.ordering import Ordering

if TYPE_CHECKING:
    from shared.recommendations.index.serving import Serving
    from shared.recommendations.items import Bundle


@cache
def _serving() -> Serving:
    from shared.recommendations.index.serving import Serving

    return Serving()


@cache
def _ordering(is_job: bool) -> Ordering:
    return Ordering(is_job=is_job)


async def bundle() -> Bundle | None:
    """The newest bundle; None before there is any."""
    return await _serving().bundle()


async def ordering(*, is_job: bool = False) -> Ordering:
    """How candidates are ranked, by the newest ranker."""
    from shared.recommendations.ranking.serving import load_ranker

    found = _ordering(is_job)
    found.ranker = await load_ranker()
    return found
