"""Rate limits (F285): so many requests of a class in any 30 seconds, per person.

A rolling window, exact and shared by every instance: each admitted request is one cell in the
person's row, stamped with its time, and a single CheckAndMutateRow both counts the cells of the
last 30 seconds and adds one if there is room. Refused requests add nothing, so who keeps knocking
is let in as soon as the oldest request leaves the window. Until that known moment an instance
refuses without asking the store.

Bigtable allows CheckAndMutateRow to app profiles with single-cluster routing, so each region asks
its own cluster (`Settings.bigtable_transactions_profile`): what a person who uses two regions at
once did in the other counts as soon as it is replicated, mostly within seconds. When the store does
not answer in time (`Settings.rate_limit_patience_s`), requests are let through for a few seconds,
with a warning: a limit is no reason to silence the music.

The cells lie in four families used as a ring, one for every 30 seconds in turn. Writing to one
empties the one after the next, whose cells are all out of the window: a row never holds more than
four windows, whenever Bigtable's own garbage collection (which may lag a week) gets to it.
"""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

from cachetools import TTLCache

from shared import topology
from shared.platform import clients
from shared.platform.errors import RateLimited
from shared.platform.settings import settings
from shared.topology import RateClass

WINDOW_MS = 30_000
LIMITS: Mapping[RateClass, int] = {
    RateClass.STANDARD: 100,
    RateClass.SEARCH: 30,
    RateClass.PLAYER: 50,
    RateClass.PLAYLIST_CHANGES: 25,
}
SUSPECTED_SHARE = 0.25  # of the limits, for accounts whose plays look like a machine's (F286)
EXCEEDED_KEPT = 50_000  # about 10 MB
BLIND_MS = 5_000  # after a failure of the store
_FAMILIES = tuple(family.name for family in topology.RATE_WINDOWS.families)

_exceeded_until_ms: TTLCache[tuple[str, int], int] = TTLCache(EXCEEDED_KEPT, WINDOW_MS / 1000)
_blind_until_ms = 0
_log = logging.getLogger(__name__)


def limit_of(rate_class: RateClass, share: float = 1.0) -> int | None:
    """Requests of `rate_class` in a window, `share` of the usual ones; None is no limit."""
    scale = settings().rate_limit_scale * share
    base = LIMITS.get(rate_class)
    return max(1, round(base * scale)) if base is not None and scale > 0 else None


async def admit(
    subject: str, rate_class: RateClass, now_ms: int | None = None, *, share: float = 1.0
) -> None:
    """Counts one request of `subject` (a user's or an app's id), who has `share` (above 0, to 1)
    of the class's limit.

    Raises RateLimited with the whole seconds until the next one is admitted.
    """
    limit = limit_of(rate_class, share)
    if limit is None:
        return
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    key = f"{subject}#{rate_class.value}"
    until_ms = _exceeded_until_ms.get((key, limit), 0)
    if until_ms <= now_ms:
        free_ms = await _ask_store(key, limit, now_ms)
        if free_ms is None:
            return
        _exceeded_until_ms[key, limit] = until_ms = free_ms
    raise RateLimited("API rate limit exceeded", max(1, math.ceil((until_ms - now_ms) / 1000)))


async def _ask_store(key: str, limit: int, now_ms: int) -> int | None:
    """None if the request is admitted, else when the next one will be."""
    from google.api_core.exceptions import GoogleAPICallError
    from grpc.aio import AioRpcError

    global _blind_until_ms
    if now_ms < _blind_until_ms:
        return None
    try:
        if await _take(key, limit, now_ms):
            return None
        return await _free_again_ms(key, limit, now_ms)
    except (AioRpcError, GoogleAPICallError) as error:
        _blind_until_ms = now_ms + BLIND_MS
        _log.warning("rate limits are off for %s s: %s", BLIND_MS // 1000, error)
        return None


async def _take(key: str, limit: int, now_ms: int) -> bool:
    """Adds the request to the window unless `limit` are in it; whether it did."""
    messages = _messages()
    epoch = now_ms // WINDOW_MS
    request = messages.CheckAndMutate(
        table_name=_table_name(),
        app_profile_id=settings().bigtable_transactions_profile,
        row_key=key.encode(),
        predicate_filter=messages.Filter(
            chain=messages.Filter.Chain(
                filters=[
                    _in_window(now_ms),
                    messages.Filter(cells_per_row_offset_filter=limit - 1),
                ]
            )
        ),
        false_mutations=[
            messages.Mutation(
                delete_from_family=messages.Mutation.DeleteFromFamily(
                    family_name=_family(epoch + 2)
                )
            ),
            messages.Mutation(
                set_cell=messages.Mutation.SetCell(
                    family_name=_family(epoch),
                    column_qualifier=secrets.token_bytes(8),
                    timestamp_micros=now_ms * 1000,
                )
            ),
        ],
    )
    rpc: Any = clients.bigtable().transport.check_and_mutate_row
    answer = await rpc(request, timeout=settings().rate_limit_patience_s, metadata=_routing())
    return not answer.predicate_matched


async def _free_again_ms(key: str, limit: int, now_ms: int) -> int:
    """When the window has room again."""
    messages = _messages()
    request = messages.ReadRows(
        table_name=_table_name(),
        # Where the window was counted: another cluster may not have its last requests yet.
        app_profile_id=settings().bigtable_transactions_profile,
        rows=messages.RowSet(row_keys=[key.encode()]),
        filter=_in_window(now_ms),
    )
    rpc: Any = clients.bigtable().transport.read_rows
    stream = rpc(request, timeout=settings().rate_limit_patience_s, metadata=_routing())
    taken: list[int] = sorted(
        [chunk.timestamp_micros // 1000 async for answer in stream for chunk in answer.chunks]
    )
    if len(taken) < limit:  # the oldest left while we asked
        return now_ms
    return taken[len(taken) - limit] + WINDOW_MS


def _family(epoch: int) -> str:
    return _FAMILIES[epoch % len(_FAMILIES)]


def _in_window(now_ms: int) -> Any:
    messages = _messages()
    first = messages.TimestampRange(start_timestamp_micros=(now_ms - WINDOW_MS + 1) * 1000)
    return messages.Filter(timestamp_range_filter=first)


@cache
def _messages() -> SimpleNamespace:
    """The bare protobuf classes: this is a call per request of the whole platform, and wrapping
    each message would double what it costs."""
    from google.cloud.bigtable_v2.types import bigtable, data

    return SimpleNamespace(
        CheckAndMutate=bigtable.CheckAndMutateRowRequest.pb(),
        ReadRows=bigtable.ReadRowsRequest.pb(),
        RowSet=data.RowSet.pb(),
        Filter=data.RowFilter.pb(),
        TimestampRange=data.TimestampRange.pb(),
        Mutation=data.Mutation.pb(),
    )


def _table_name() -> str:
    return clients.table_name(topology.RATE_WINDOWS)


def _routing() -> tuple[tuple[str, str], ...]:
    profile = settings().bigtable_transactions_profile
    return (("x-goog-request-params", f"table_name={_table_name()}&app_profile_id={profile}"),)
