"""What somebody likes best, from what they played (`/v1/me/top`). Pure.

A play weighs 1 when it is new and half as much after each half-life of its range:

    score = sum over the plays of 2 ** -(age / half-life)

so a habit counts for more than one evening, and last month for more than last quarter. An artist
scores with each play of a track that they are on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from shared.history.models import HISTORY_LIFE, Play

TimeRange = Literal["short_term", "medium_term", "long_term"]
RANKED = 1_000  # of each kind, the best ones


@dataclass(frozen=True, slots=True)
class Span:
    """How far back a range looks, and how fast a play loses weight."""

    reaches_back: timedelta
    half_life: timedelta


# The history keeps 90 days, so the longer ranges differ by how they weigh those, not by how far
# they reach (the original looks back about half a year and a year).
SPANS: Mapping[TimeRange, Span] = {
    "short_term": Span(timedelta(weeks=4), timedelta(days=7)),
    "medium_term": Span(HISTORY_LIFE, timedelta(days=30)),
    "long_term": Span(HISTORY_LIFE, timedelta(days=90)),
}


def track_scores(plays: Iterable[Play], time_range: TimeRange, now_ms: int) -> dict[str, float]:
    """The score of each track that was played in the range."""
    span = SPANS[time_range]
    reaches_back_ms = span.reaches_back // timedelta(milliseconds=1)
    half_life_ms = span.half_life // timedelta(milliseconds=1)
    scores: dict[str, float] = defaultdict(float)
    for play in plays:
        age_ms = max(now_ms - play.played_at_ms, 0)
        if age_ms <= reaches_back_ms:
            scores[play.track_id] += 2 ** -(age_ms / half_life_ms)
    return dict(scores)


def artist_scores(
    scores: Mapping[str, float], artists_of: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """The score of each artist, from the tracks' scores and the artists that each is by."""
    found: dict[str, float] = defaultdict(float)
    for track_id, score in scores.items():
        for artist_id in artists_of.get(track_id, ()):
            found[artist_id] += score
    return dict(found)


def ranked(scores: Mapping[str, float]) -> tuple[str, ...]:
    """The ids, best first, `RANKED` at most; ties by id, so that pages agree."""
    best = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(one for one, _ in best[:RANKED])
