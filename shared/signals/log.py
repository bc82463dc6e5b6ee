"""A person's signals in order, and which of them count. Pure.

Players send many signals a play, a search box some for each thing that is looked for, people few:
what people say outright (a save, a follow) must not be crowded out by plays or by searches, nor
what stands until they take it back ("not for me") by anything, so each of the four sorts has its
own number that count. Online reads and offline computations cut in the same way, or the two would
tell different features.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Literal

from shared.signals.models import Signal, SignalKind

NEWEST = 1_000  # of each sort: some two weeks of somebody who hears forty tracks a day
NEWEST_SEARCHES = 200  # no taste is made of them: enough for a rate of four weeks
LIFE_MS = 90 * 24 * 3600 * 1000  # F159: what is older is gone online too

Sort = Literal["player", "search", "said", "standing"]
OF_PLAYERS: frozenset[SignalKind] = frozenset({"play", "skip", "complete", "stop"})
STANDING: frozenset[SignalKind] = frozenset({"hide", "unhide"})
# What a player reports, and the signal that it is; the other reports are no signals.
KIND_OF_EVENT: dict[str, SignalKind] = {
    "play_started": "play",
    "skipped": "skip",
    "completed": "complete",
    "stopped": "stop",
}


def sort_of(kind: SignalKind) -> Sort:
    """The sort among whose newest a signal counts."""
    if kind in OF_PLAYERS:
        return "player"
    if kind in STANDING:
        return "standing"
    return "search" if kind == "search" else "said"


def newest_first(signals: Iterable[Signal]) -> list[Signal]:
    """`signals` of one person without repetitions; those of one millisecond by their event ids."""
    by_id = {signal.event_id: signal for signal in signals}
    return sorted(by_id.values(), key=lambda signal: (-signal.ts_ms, signal.event_id))


def considered(signals: Iterable[Signal], now_ms: int, newest: int = NEWEST) -> list[Signal]:
    """Those of one person's `signals` that count at `now_ms`: of each sort the `newest` (of
    searches `NEWEST_SEARCHES` at most), none that is older than `LIFE_MS`; newest first. Clocks of
    devices may be ahead: what is dated after `now_ms` counts as of now."""
    return cut(newest_first(signals), now_ms, newest)


def known(signals: Iterable[Signal], now_ms: int, newest: int = NEWEST) -> list[Signal]:
    """`considered`, and behind it what stands (`STANDING`), however long ago it was said."""
    ordered = newest_first(signals)
    older = (one for one in ordered if one.kind in STANDING and one.ts_ms < now_ms - LIFE_MS)
    return [*cut(ordered, now_ms, newest), *islice(older, newest)]


def cut(ordered: Iterable[Signal], now_ms: int, newest: int = NEWEST) -> list[Signal]:
    """`considered`, of signals that come newest first."""
    kept = []
    left: dict[Sort, int] = {
        "player": newest,
        "search": min(newest, NEWEST_SEARCHES),
        "said": newest,
        "standing": newest,
    }
    for signal in ordered:
        if signal.ts_ms < now_ms - LIFE_MS:
            break
        sort = sort_of(signal.kind)
        if left[sort]:
            left[sort] -= 1
            kept.append(signal)
    return kept
