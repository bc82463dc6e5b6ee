"""Takes signals in, and tells what is known of a person or a track as of now (F207-F209)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable

from shared.platform.cache import ReadThroughCache
from shared.platform.telling import Teller
from shared.signals import log
from shared.signals.counting import COUNTED, TrackCounts
from shared.signals.models import Signal
from shared.signals.preferences import hidden
from shared.signals.store import counts, people
from shared.signals.store.people import Known

MAX_WAITING = 10_000  # signals of half a kB each
COUNTS_TTL_S = 10.0
COUNTS_KEPT = 50_000  # tracks, of one kB each and five for a hit

_teller: Teller[Signal] = Teller("signals", MAX_WAITING)
_counts: ReadThroughCache[str, TrackCounts] = ReadThroughCache(
    counts.read, maximum=COUNTS_KEPT, ttl_s=COUNTS_TTL_S, negative_ttl_s=COUNTS_TTL_S
)


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


async def publish(signals: Iterable[Signal]) -> None:
    """Has `signals` stored by Pub/Sub. It waits 50 ms at most and never fails: what a signal tells
    of is written and acknowledged already. What is not stored by then goes with the next; each
    has an event id of its own making, so that one that is published twice counts once."""
    told = list(signals)
    if told:
        _teller.tell(told)
        await _teller.told()


def tell(signals: Iterable[Signal]) -> None:
    """`publish` for those who have more to do meanwhile; they call `told` when their answer is
    ready."""
    _teller.tell(signals)


async def told() -> bool:
    """Whether all signals are stored, after 50 ms at most."""
    return await _teller.told()


async def record(signal: Signal) -> None:
    """Keeps a signal for the person's features and counts it for the track's; again, and in
    whatever order, makes no difference. What is suspected to be a machine's (F286) is kept for
    itself alone."""
    effects = [people.add(signal)]
    if signal.track_id is not None and signal.kind in COUNTED and not signal.suspected:
        effects.append(counts.add(signal, now_ms()))
    await asyncio.gather(*effects)


async def known_of(user_id: str, limit: int = log.NEWEST) -> Known:
    """The newest `limit` signals of each sort (`shared.signals.log.known`) of one person, newest
    first: all that their features are made of, and all that stands; and when they last heard each
    track in the last `log.LIFE_MS`."""
    now = now_ms()
    found = await people.read(user_id, now, limit)
    return Known(log.known(found.signals, now, limit), found.heard)


async def signals_of(user_id: str, limit: int = log.NEWEST) -> list[Signal]:
    """The signals of `known_of`."""
    return (await known_of(user_id, limit)).signals


async def hidden_by(user_id: str) -> frozenset[str]:
    """What somebody does not want (`preferences.hidden`), read without all the rest."""
    return hidden(await people.read_standing(user_id))


async def track_counts(track_ids: Collection[str]) -> dict[str, TrackCounts]:
    """What was done with each track; new signals show after `COUNTS_TTL_S` at most."""
    return await _counts.get_many(set(track_ids))


def listeners(start: str = "", end: str | None = None) -> AsyncIterator[tuple[str, int]]:
    """Everybody with signals of the last `log.LIFE_MS` from the user `start` to before `end` (None:
    to the last), by id, with the moment of their newest (ms since the epoch)."""
    return people.listeners(start, end, now_ms())
