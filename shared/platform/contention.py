"""Calls that lost a race, made again.

Firestore aborts under contention, and its emulator also aborts parallel creates ("lock timeout"):
whoever lost waits a random while, longer each time, and tries again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from shared.platform.errors import Unavailable

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError

T = TypeVar("T")

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
PATIENCE_S = 20.0


async def retried(
    call: Callable[[], Awaitable[T]],
    *also: type[GoogleAPICallError],
    first_pause_s: float = FIRST_PAUSE_S,
    patience_s: float = PATIENCE_S,
) -> T:
    """What `call` returns once it is not aborted; errors of the kinds `also` are retried as well.

    Raises Unavailable when `patience_s` are over.
    """
    from google.api_core.exceptions import Aborted, RetryError
    from google.api_core.retry import AsyncRetry

    def lost_a_race(error: BaseException) -> bool:
        # A transaction that used up its own attempts raises ValueError from Aborted.
        return isinstance(error, (Aborted, *also)) or isinstance(error.__cause__, Aborted)

    retry = AsyncRetry(
        lost_a_race, initial=first_pause_s, maximum=LONGEST_PAUSE_S, timeout=patience_s
    )
    try:
        result: T = await retry(call)()
    except RetryError as error:
        raise Unavailable("Too many change the same at once; please try again.") from error
    return result
