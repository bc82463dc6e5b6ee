"""Autoplay: what goes on when an album or a playlist has ended.

Two forms of the same: `make` for the person who asks, and `similar` for everybody, made ahead for
each track, which a player goes on with when it cannot wait for anybody's taste.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from shared.recommendations.items import Bundle, Scored, Taste, Why
from shared.recommendations.lists import Similar, SimilarTrack
from shared.recommendations.products.choosing import Order, as_retrieved, known_rows, ordered_near
from shared.recommendations.retrieval import Start, candidates, top_artists
from shared.recommendations.rules import AUTOPLAY, apply
from shared.recommendations.taste import Listener

TRACKS = 50
LAST_READ = 10  # tracks of what has ended
FADES = 0.8  # what an earlier one counts of the one after it
SIMILAR = 20  # kept for each track
_NOBODY = Taste(user_id="")


async def make(
    bundle: Bundle,
    listener: Listener,
    ended: Sequence[int],
    *,
    today: int,
    order: Order = as_retrieved,
) -> list[Scored]:
    """At most `TRACKS` tracks after a context whose rows, in order, are `ended`; none of them
    comes again, nor what the session has heard."""
    if not ended:
        return []
    last = list(reversed(ended))[:LAST_READ]
    liked = {row: FADES**place for place, row in enumerate(last)}
    played = known_rows(bundle, listener.session.played)
    start = Start(liked, tuple(last), top_artists(bundle, liked), is_whole=False)
    without = frozenset({*played, *ended})
    offered = candidates(bundle, listener.taste, start, today=today, without=without)
    ranked = await ordered_near(order, offered)
    return apply(ranked, listener.taste, AUTOPLAY, TRACKS, today=today).items


def similar(bundle: Bundle, rows: Iterable[int], *, today: int) -> Iterator[Similar]:
    """For each of `rows` the tracks that go with it, for everybody."""
    for row in rows:
        offered = like(bundle, row, 3 * SIMILAR)
        tracks = apply(offered, _NOBODY, AUTOPLAY, SIMILAR, today=today).items
        kept = tuple(SimilarTrack(one.item.track_id, one.item.duration_ms) for one in tracks)
        yield Similar(bundle.item(row).track_id, kept)


def like(
    bundle: Bundle, row: int, count: int, without: Collection[int] = frozenset()
) -> list[Scored]:
    """At most `count` tracks like one: its neighbours, then what lies near to it. Scores fall from
    1 with the place."""
    item = bundle.item(row)
    played = Why("because_you_played", item.track_id, item.name)
    sounds = Why("sounds_like", item.track_id, item.name)
    left_out = {row, *without}
    found = {
        other: (played, "neighbours")
        for other, _ in bundle.neighbours(row)[:count]
        if other not in left_out
    }
    if len(found) < count:
        for other, _ in bundle.nearest(bundle.vector(row), count, without=left_out):
            if len(found) < count:
                found.setdefault(other, (sounds, "content"))
    return [
        Scored(other, bundle.item(other), 1 - place / len(found), source, why)  # type: ignore[arg-type]
        for place, (other, (why, source)) in enumerate(found.items())
    ]
