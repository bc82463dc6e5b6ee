"""Which candidates are recommended, and in what order. Pure and deterministic.

A candidate's distance is the weighted mean of its attributes' distances, each |difference| /
span, at most 1: to the target where one is asked (weight 1), else, for what makes the sound, to
the centre of the seeds (weight 0.25). An attribute that is not known counts as half-way. The score
is 1 - distance; scores that agree to two decimals are equal, and the more popular track comes
first. Of one artist at most two tracks are taken, of an album three, and a recording once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from shared.recommendations.models import (
    ATTRIBUTES,
    Candidate,
    Reason,
    Recommendation,
    Tuning,
    Values,
)
from shared.recommendations.rules import MAX_PER_ALBUM, MAX_PER_ARTIST

SOUND = (
    "acousticness",
    "danceability",
    "energy",
    "instrumentalness",
    "loudness",
    "speechiness",
    "tempo",
    "valence",
)
TARGET_WEIGHT = 1.0
CENTRE_WEIGHT = 0.25
UNKNOWN_DISTANCE = 0.5
SCORE_DECIMALS = 2


def within(values: Values, tuning: Tuning) -> bool:
    """Whether a track is above every floor and below every ceiling; one whose attribute is not
    known is not."""
    return all(
        name in values and values[name] >= low for name, low in tuning.minimum.items()
    ) and all(name in values and values[name] <= high for name, high in tuning.maximum.items())


def centre(points: Iterable[Values]) -> dict[str, float]:
    """The mean of `points`, by those sound attributes that any of them has."""
    held: dict[str, list[float]] = {}
    for point in points:
        for name in SOUND:
            if name in point:
                held.setdefault(name, []).append(point[name])
    return {name: sum(values) / len(values) for name, values in held.items()}


def distance(name: str, value: float, wanted: float) -> float:
    """How far `value` is from `wanted`, 0..1."""
    attribute = ATTRIBUTES[name]
    apart = abs(value - wanted)
    if attribute.is_circular:
        apart = min(apart % 12, -apart % 12)
    return min(apart / attribute.span, 1.0)


def score(values: Values, target: Values, middle: Values) -> tuple[float, dict[str, float]]:
    """The score of a track with these values, and the distances that it is made of."""
    wanted = {name: (middle[name], CENTRE_WEIGHT) for name in middle}
    wanted.update({name: (value, TARGET_WEIGHT) for name, value in target.items()})
    distances = {
        name: distance(name, values[name], value) if name in values else UNKNOWN_DISTANCE
        for name, (value, _) in wanted.items()
    }
    weight = sum(one for _, one in wanted.values())
    if not weight:
        return 1 - UNKNOWN_DISTANCE, {}
    apart = sum(distances[name] * one for name, (_, one) in wanted.items())
    return 1 - apart / weight, distances


def choose(
    candidates: Sequence[Candidate],
    reasons: Mapping[str, Sequence[Reason]],
    target: Values,
    middle: Values,
    limit: int,
) -> tuple[Recommendation, ...]:
    """At most `limit` of `candidates`, best first; `reasons` are by track id."""
    scored = []
    for candidate in candidates:
        track = candidate.track
        points, distances = score(candidate.values, target, middle)
        scored.append(Recommendation(track, points, distances, tuple(reasons[track.id])))
    scored.sort(
        key=lambda one: (-round(one.score, SCORE_DECIMALS), -one.track.popularity, one.track.id)
    )
    chosen: list[Recommendation] = []
    taken: Counter[str] = Counter()
    for one in scored:
        if len(chosen) == limit:
            break
        room = {one.track.album_id: MAX_PER_ALBUM, one.track.isrc or one.track.id: 1}
        room |= dict.fromkeys(one.track.artist_ids, MAX_PER_ARTIST)
        if all(taken[key] < most for key, most in room.items()):
            taken.update(room.keys())
            chosen.append(one)
    return tuple(chosen)
