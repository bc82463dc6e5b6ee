"""What a person was shown, and with which score: written when it is shown, read to learn from.

A score at retrieval cannot be had later without knowing what happened since, so it is written down
with the impression (`shared.experiments.models.Exposure.items`): an entry for each track, in the
order shown, either an id alone or `<id> <score> <source>`, where a score that is not known is `-`.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from shared.recommendations.lists import ListedTrack
from shared.recommendations.ranking.features import MISSING, SOURCES, Shown

# A list of the morning is heard in the evening; on the day after it is another one.
CREDITED_MS = 24 * 3600 * 1000
# Contexts of plays of what is recommended.
RECOMMENDED = ("segue:shelf:", "segue:made:", "segue:radio:")


@dataclass(frozen=True, slots=True)
class Impression:
    """A shelf that was on a person's screen, and the entries on it from its first place on."""

    ts_ms: int
    entries: tuple[str, ...]

    @classmethod
    def parse(cls, ts_ms: int, items: str | None) -> Impression:
        """From `Exposure.items`; what is not understood shows nothing."""
        try:
            raw = json.loads(items or "[]")
        except ValueError:
            raw = []
        entries = raw if isinstance(raw, list) else []
        return cls(ts_ms, tuple(one for one in entries if isinstance(one, str)))


def entry(one: ListedTrack) -> str:
    """A recommended track as an impression names it, with its score at retrieval."""
    score = "-" if one.retrieved is None else f"{one.retrieved:.4f}"
    return f"{one.track_id} {score} {one.source}"


def read_entry(text: str, place: int) -> tuple[str, Shown]:
    """A track's id and how it was shown; what is not understood of an entry is not known."""
    track_id, _, rest = text.partition(" ")
    score, _, source = rest.partition(" ")
    try:
        known = float(score)
    except ValueError:
        known = MISSING
    return track_id, Shown(
        known if math.isfinite(known) else MISSING,
        next((one for one in SOURCES if one == source), None),
        float(place),
    )


class Screens:
    """All that one person was shown."""

    def __init__(self, impressions: Sequence[Impression] = ()) -> None:
        self._of_track: dict[str, list[tuple[int, Shown]]] = {}
        for one in sorted(impressions, key=lambda one: one.ts_ms):
            for place, text in enumerate(one.entries):
                track_id, shown = read_entry(text, place)
                self._of_track.setdefault(track_id, []).append((one.ts_ms, shown))

    def last_before(self, track_id: str, now_ms: int) -> Shown | None:
        """How a track was shown last, within `CREDITED_MS` before `now_ms`; None: it was not."""
        shown = self._of_track.get(track_id, [])
        at = bisect_right(shown, now_ms, key=lambda one: one[0])
        if at == 0 or now_ms - shown[at - 1][0] > CREDITED_MS:
            return None
        return shown[at - 1][1]


def is_recommended(context_uri: str | None) -> bool:
    """Whether a play came from something recommended, by its context."""
    return (context_uri or "").startswith(RECOMMENDED)
