"""Discover Weekly: 30 tracks that the person has never heard, every Monday (F199-F201).

The six steps (F201):

1. *Listen*: what they played, skipped, saved and added says how surely they like each track
   (`signals.preferences`).
2. *Place*: these confidences fold in to a vector among those of all tracks (`Bundle.fold_in`).
3. *Gather*: some 1,000 candidates near to it, from eight sources (`retrieval`).
4. *Sift*: what they have heard (the recording, on whichever release), what the last four lists
   held, what they have hidden and what may not be played where they are is put aside.
5. *Rank*: by the predicted probabilities that they skip it and that they hear it out (`ranking`).
6. *Choose*: in that order whatever breaks no rule: at most two of an artist and three of an album,
   no genre above its share, a third from the long tail, something fresh (`rules`); the list stands
   in the order of the ranking by skip probability, spaced.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from shared.recommendations.items import Bundle, Scored, Taste
from shared.recommendations.products.choosing import (
    Order,
    as_retrieved,
    heard_recordings,
    known_rows,
)
from shared.recommendations.retrieval import candidates, whole_taste
from shared.recommendations.rules import DISCOVER_WEEKLY, When, apply

ID = "discover-weekly"
NAME = "Discover Weekly"
DESCRIPTION = "Thirty tracks you have not heard yet, new every Monday."
TRACKS = 30  # F200
WEEKS_APART = 4  # so long no track is listed again
LEAST = 10  # tracks; below, the catalogue is too small for all four weeks to differ


async def make(
    bundle: Bundle,
    taste: Taste,
    *,
    today: int,
    recently_listed: Collection[str] = (),
    order: Order = as_retrieved,
) -> list[Scored]:
    """The list for the week that begins at `today` (days since 1970). It is shorter than `TRACKS`
    where the rules leave no more, and empty for somebody of whom nothing is known; who has liked
    nothing of what they heard gets what is new and popular. Where not even `LEAST` unheard tracks
    are left that were not listed lately, those come last."""
    if not taste.heard and not taste.confidences and not taste.followed_artists:
        return []
    heard = frozenset(known_rows(bundle, tuple(taste.heard)))
    start = whole_taste(bundle, taste)
    ranked = await order(candidates(bundle, taste, start, today=today, without=heard))
    recordings = heard_recordings(bundle, taste)

    def listed(what_was_listed: When) -> list[Scored]:
        return apply(
            ranked,
            taste,
            replace(DISCOVER_WEEKLY, listed=what_was_listed),
            TRACKS,
            today=today,
            recently_listed=recently_listed,
            heard_recordings=recordings,
        ).items

    found = listed("never")
    return found if len(found) >= LEAST or not recently_listed else listed("last")
