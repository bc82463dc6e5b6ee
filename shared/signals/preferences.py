"""What a person likes, has heard and does not want, from their signals. Pure.

How surely somebody likes a track is the sum of what each signal says, older ones for less:

    s = sum over its signals of WEIGHTS[kind] * 2 ^ -(age / HALF_LIFE)
    confidence = log2(1 + s) where s > 0, else the track is not among the liked

The logarithm is Hu, Koren and Volinsky's second form ("Collaborative Filtering for Implicit
Feedback Datasets", 2008, eq. 6): the hundredth play says less than the second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from shared.signals.listening import AT_ONCE_MS, listens
from shared.signals.log import OF_PLAYERS, newest_first
from shared.signals.models import Signal, SignalKind

DAY_MS = 24 * 3600 * 1000
HALF_LIFE_MS = 30 * DAY_MS  # tastes of four weeks are what the Web API calls short term
LEAST = 0.05  # a smaller confidence is none: a single play of four months ago

WEIGHTS: dict[SignalKind, float] = {
    "play": 1.0,
    "complete": 1.0,  # on top of its play
    "skip": -1.0,  # takes its play back
    "playlist_add": 3.0,  # chosen for later, for an occasion
    "save": 4.0,  # chosen for good
    "share": 2.0,  # worth another's time
}
# Takes its play back, and one more: the track was judged by its opening.
SKIP_AT_ONCE = -2.0
# What is taken back was never said: of the two the later one holds.
TAKES_BACK: dict[SignalKind, SignalKind] = {"unsave": "save", "playlist_remove": "playlist_add"}


def confidences(signals: Iterable[Signal], now_ms: int) -> dict[str, float]:
    """How surely one person likes each track, by its id (> 0; the one play of today is 1).
    `signals` may come in any order and repeated."""
    sums: dict[str, float] = {}
    # Taken back by something newer; a playlist (`context_uri`) takes back its own addition alone.
    without: set[tuple[str, SignalKind, str | None]] = set()
    ordered = newest_first(signals)
    for signal in ordered:
        track_id = signal.track_id
        if track_id is None:
            continue
        if signal.kind in TAKES_BACK:
            without.add((track_id, TAKES_BACK[signal.kind], signal.context_uri))
        elif signal.kind in WEIGHTS:
            if (track_id, signal.kind, signal.context_uri) in without:
                continue
            age_ms = max(0, now_ms - signal.ts_ms)
            said = _weight(signal) * 0.5 ** (age_ms / HALF_LIFE_MS)
            sums[track_id] = sums.get(track_id, 0.0) + said
    liked = {one: math.log2(1 + total) for one, total in sums.items() if total > 0}
    unwanted = hidden(ordered)
    return {
        one: confidence
        for one, confidence in liked.items()
        if confidence >= LEAST and one not in unwanted
    }


def hidden(signals: Iterable[Signal]) -> frozenset[str]:
    """The ids of tracks, albums, artists and playlists that the person said are not for them, and
    has not taken back since. `signals` of one person may come in any order and repeated."""
    said: dict[str, bool] = {}  # by id: whether what was said last hides it
    for signal in newest_first(one for one in signals if one.kind in ("hide", "unhide")):
        if signal.track_id is not None:
            said.setdefault(signal.track_id, signal.kind == "hide")
        elif signal.subject_uri is not None:
            said.setdefault(signal.subject_uri.rpartition(":")[2], signal.kind == "hide")
    return frozenset(one for one, hides in said.items() if hides)


def heard(signals: Iterable[Signal]) -> dict[str, int]:
    """When the person last heard each track, or some of it (ms since the epoch), by its id."""
    found: dict[str, int] = {}
    for signal in signals:
        if signal.kind in OF_PLAYERS and signal.track_id is not None:
            found[signal.track_id] = max(found.get(signal.track_id, 0), signal.ts_ms)
    return found


def recent(signals: Iterable[Signal], count: int = 50) -> tuple[str, ...]:
    """At most `count` distinct tracks that the person played, newest first, none that they skipped
    at once."""
    tracks = (
        listen.play.track_id
        for listen in listens(signals)
        if listen.play.track_id is not None and not listen.is_skipped_at_once
    )
    return tuple(list(dict.fromkeys(tracks))[:count])


def _weight(signal: Signal) -> float:
    if signal.kind == "skip" and (signal.position_ms or 0) < AT_ONCE_MS:
        return SKIP_AT_ONCE
    return WEIGHTS[signal.kind]
