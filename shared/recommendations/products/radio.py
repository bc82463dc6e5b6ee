"""Radio: goes on from a track, an artist, an album, a playlist or a genre, and listens to the
listener.

What is near to the seed is ranked with a tilt towards the person's own taste. What they skipped in
the present session pushes away what is like it, the newest skip the most, and what was played in it
does not come again: so a skip changes the very next track. All that a radio plays is like its seed,
and so like the skip: what is pushed is only what is more like it than the others are, of which
there is always a part that is not, so that a radio stays with its seed however much is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.recommendations.items import Bundle, Scored, Why
from shared.recommendations.products.choosing import Order, as_retrieved, ordered_near
from shared.recommendations.retrieval import Start, candidates, rows_of, top_artists, vector_of
from shared.recommendations.rules import RADIO, apply
from shared.recommendations.taste import Listener

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix

TRACKS = 100  # that pages are cut from
SEED_ROWS = 50  # of an artist, an album, a playlist or a genre, the first
TILT = 0.2  # of the own taste, where nearness to the seed counts 1
PUSH = 0.5  # of the span of what would be played: what the one that is most like the skips loses
FADES = 0.6  # how much each skip counts of the one after it
SKIPS_READ = 5
YIELDS_TO = 6  # places that the next track falls where a skip has not changed it


def seed_rows(
    bundle: Bundle, kind: str, seed_id: str, track_ids: Sequence[str] = ()
) -> dict[int, float]:
    """The rows that a seed stands for, with weights; `track_ids` are a playlist's. Empty for one
    that the bundle does not know."""
    rows: Sequence[int]
    match kind:
        case "track":
            row = bundle.row_of(seed_id)
            rows = () if row is None else (row,)
        case "artist":
            rows = bundle.of_artist(seed_id)
        case "album":
            rows = bundle.of_album(seed_id)
        case "genre":
            rows = bundle.of_genre(seed_id)
        case _:
            rows = [row for one in track_ids if (row := bundle.row_of(one)) is not None]
    return dict.fromkeys(list(rows)[:SEED_ROWS], 1.0)


async def make(
    bundle: Bundle,
    listener: Listener,
    seeds: Mapping[int, float],
    *,
    today: int,
    order: Order = as_retrieved,
) -> list[Scored]:
    """At most `TRACKS` tracks, the next one first; a seed that is one track begins, unless the
    session has heard it already."""
    taste, session = listener.taste, listener.session
    played = rows_of(bundle, dict.fromkeys(session.played, 1.0))
    skipped = rows_of(bundle, dict.fromkeys(session.skipped, 1.0))
    listened = tuple(row for row in played if row not in skipped)
    start = Start(seeds, listened, top_artists(bundle, seeds), is_whole=False)
    offered = candidates(bundle, taste, start, today=today, without=frozenset(played))
    ranked = await ordered_near(order, _tilted(bundle, listener, offered))
    pushed = _pushed(bundle, list(skipped), ranked)
    if len(seeds) == 1 and not set(seeds) & set(played):
        pushed = _from(bundle, next(iter(seeds)), pushed)
        return apply(pushed, taste, RADIO, TRACKS, today=today).items
    found = apply(pushed, taste, RADIO, TRACKS, today=today).items
    if session.skipped[:1] == session.played[:1] and len(found) > 1:
        usual = apply(ranked, taste, RADIO, TRACKS, today=today).items
        if found[0].row == usual[0].row:  # nothing else was near: a skip is answered all the same
            pushed = [_yielding(one, found) for one in pushed]
            found = apply(pushed, taste, RADIO, TRACKS, today=today).items
    return found


def _yielding(one: Scored, found: Sequence[Scored]) -> Scored:
    """The first that was found behind the next five, and all else as it is."""
    if one.row != found[0].row:
        return one
    return replace(one, score=min(other.score for other in found[1:YIELDS_TO]))


def _from(bundle: Bundle, seed: int, offered: Sequence[Scored]) -> list[Scored]:
    """`offered` behind the seed itself."""
    others = [one for one in offered if one.row != seed]
    item = bundle.item(seed)
    above = 1 + max((one.score for one in others), default=0.0)
    why = Why("your_seed", item.track_id, item.name)
    return [Scored(seed, item, above, "content", why), *others]


def _tilted(bundle: Bundle, listener: Listener, offered: Sequence[Scored]) -> list[Scored]:
    import numpy as np

    vector = vector_of(bundle, rows_of(bundle, listener.taste.confidences))
    if vector is None or not offered:
        return list(offered)
    own = np.stack([bundle.vector(one.row) for one in offered]) @ vector
    span = float(np.abs(own).max()) or 1.0
    tilted = [
        replace(one, score=one.score + TILT * float(likes) / span)
        for one, likes in zip(offered, own, strict=True)
    ]
    return sorted(tilted, key=lambda one: -one.score)


def _pushed(bundle: Bundle, skipped: Sequence[int], ranked: Sequence[Scored]) -> list[Scored]:
    """`ranked`, best first, scored less the more a track is like what was skipped (rows, newest
    first), beyond how like it the first `TRACKS` are on the whole."""
    import numpy as np

    if not skipped or not ranked:
        return list(ranked)
    away = _directions(np.stack([bundle.vector(row) for row in skipped[:SKIPS_READ]]))
    fading = FADES ** np.arange(len(away))
    alike = _directions(np.stack([bundle.vector(one.row) for one in ranked])) @ away.T @ fading
    usual, most = float(alike[:TRACKS].mean()), float(alike[:TRACKS].max())
    if most <= usual:
        return list(ranked)
    played = [one.score for one in ranked[:TRACKS]]
    pushes = PUSH * (max(played) - min(played)) * np.clip((alike - usual) / (most - usual), 0, 1)
    return [
        replace(one, score=one.score - float(push))
        for one, push in zip(ranked, pushes, strict=True)
    ]


def _directions(vectors: Matrix) -> Matrix:
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Matrix = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return found
