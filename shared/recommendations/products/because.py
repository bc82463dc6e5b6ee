"""Because you listened to X: what goes with a track that somebody has just played a lot. Pure."""

from __future__ import annotations

from dataclasses import replace

from shared.recommendations.items import Bundle, Scored, Taste, Why
from shared.recommendations.products.autoplay import like
from shared.recommendations.rules import HOME_SHELF, apply
from shared.recommendations.rules.eligibility import is_hidden

TRACKS = 12
LIKE_READ = 80
SUBJECTS_READ = 20  # of the newest tracks


def subjects(bundle: Bundle, taste: Taste, count: int) -> list[int]:
    """The rows to speak of, each of another artist: of what was played lately what is liked
    best."""
    rows = {
        row: taste.confidences.get(one, 0.0)
        for one in taste.recent[:SUBJECTS_READ]
        if (row := bundle.row_of(one)) is not None
        and one in taste.confidences
        and not is_hidden(bundle.item(row), taste)
    }
    found: list[int] = []
    artists: set[str] = set()
    for row in sorted(rows, key=lambda row: -rows[row]):  # stable: of equals the newest
        own = bundle.item(row).artist_ids
        if len(found) < count and artists.isdisjoint(own):
            found.append(row)
            artists.update(own)
    return found


def make(bundle: Bundle, taste: Taste, row: int, *, today: int) -> list[Scored]:
    """At most `TRACKS` tracks that go with `row`, the unheard first."""
    item = bundle.item(row)
    why = Why("because_you_played", item.track_id, item.name)
    offered = [replace(one, why=why) for one in like(bundle, row, LIKE_READ)]
    return apply(offered, taste, HOME_SHELF, TRACKS, today=today).items
