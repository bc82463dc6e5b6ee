"""The candidates of a list (F195): at most `CANDIDATES` tracks from eight sources. Pure.

What a person likes gives them a vector, and every track that any source offers is scored by it and
by the neighbours of what they like, blended as the evaluation on real data measured it
(`collaborative.blending`) and brought to 0..1 within the list. To this each source that offers the
track adds `ADDS[source]` times how strongly it does (1 at its first, falling to 0 at its last):
what comes next in a session, what one follows and what is new are known to matter, but are no part
of the factorisation. The reason of a track is that of the source that tells most: `TELLS[source]`
times how strongly it offers the track.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.recommendations.items import (
    CANDIDATES,
    IS_GRADED,
    NEIGHBOURS_SHARE,
    Bundle,
    Scored,
    Source,
    Taste,
    Why,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

LIKED_READ = 100  # the surest, whose neighbours are looked at: 10,000 pairs take about 2 ms
SESSION_READ = 10  # the newest tracks, that the sequence model is asked with
SOUNDS_LIKE = 3  # the newest tracks, near to whose vectors is looked
ARTISTS_READ = 20  # whose tracks, and whose like, are looked at
LIKE_ARTISTS = 10  # of each
TRACKS_OF_ARTIST = 10
FRESH_DAYS = 28
MOST: Mapping[Source, int] = {  # that a source may offer
    "collaborative": 700,
    "neighbours": 500,
    "content": 150,
    "sequence": 100,
    "followed": 150,
    "similar_artist": 150,
    "fresh": 200,
    "popular": 100,
}
ADDS: Mapping[Source, float] = {
    "collaborative": 0.0,  # is in the blend, as neighbours are
    "neighbours": 0.0,
    "content": 0.05,
    "sequence": 0.25,
    "followed": 0.15,
    "similar_artist": 0.05,
    "fresh": 0.05,
    "popular": 0.02,  # order for those of whom nothing is known
}
TELLS: Mapping[Source, float] = {**ADDS, "collaborative": 0.03, "neighbours": 0.12}

Offers = Sequence[tuple[int, Why]]  # rows, the best first, with why


@dataclass(frozen=True, slots=True)
class Start:
    """What is looked for around: rows with how surely they are liked (> 0), the session (rows,
    newest first), and artists. `is_whole`: all of a person's taste, and not a part of it."""

    liked: Mapping[int, float]
    session: Sequence[int] = ()
    artists: Sequence[str] = ()
    is_whole: bool = True


def whole_taste(bundle: Bundle, taste: Taste) -> Start:
    """All that a person likes."""
    liked = rows_of(bundle, taste.confidences)
    session = [
        row for one in taste.recent[:SESSION_READ] if (row := bundle.row_of(one)) is not None
    ]
    return Start(liked, session, top_artists(bundle, liked))


def rows_of(bundle: Bundle, confidences: Mapping[str, float]) -> dict[int, float]:
    """Confidences by row, of the tracks that the bundle knows."""
    return {
        row: confidence
        for one, confidence in confidences.items()
        if (row := bundle.row_of(one)) is not None
    }


def vector_of(bundle: Bundle, liked: Mapping[int, float]) -> Vector | None:
    """The vector of somebody who likes these rows so surely; None for nobody."""
    return bundle.fold_in(_counted(bundle, liked)) if liked else None


def _counted(bundle: Bundle, liked: Mapping[int, float]) -> Mapping[int, float]:
    """Confidences as the vectors were learned from them: as they are, or all alike."""
    return liked if bundle.settings.get(IS_GRADED, 1.0) else dict.fromkeys(liked, 1.0)


def top_artists(bundle: Bundle, liked: Mapping[int, float], count: int = ARTISTS_READ) -> list[str]:
    """The artists of what is liked, the surest first."""
    weights: dict[str, float] = {}
    for row in _surest(liked, LIKED_READ):
        for artist in bundle.item(row).artist_ids:
            weights[artist] = weights.get(artist, 0.0) + liked[row]
    return sorted(weights, key=lambda one: (-weights[one], one))[:count]


def candidates(
    bundle: Bundle,
    taste: Taste,
    start: Start,
    *,
    today: int,
    count: int = CANDIDATES,
    without: Collection[int] = frozenset(),
) -> list[Scored]:
    """At most `count` tracks for a person, best first, around `start`; `today` counts days since
    1970. Rows in `without` are left out."""
    vector = vector_of(bundle, start.liked)
    near, because = _neighbours(bundle, start.liked)
    offers: dict[Source, Offers] = {
        "collaborative": _nearest(bundle, vector, MOST["collaborative"], without),
        "neighbours": [(row, because(row)) for row in _best(near, MOST["neighbours"])],
        "content": _sounding_like(bundle, start),
        "sequence": _next(bundle, start),
        "followed": _followed(bundle, taste) if start.is_whole else (),
        "similar_artist": _similar(bundle, start, taste),
        "fresh": [
            (row, Why("new_release"))
            for row in bundle.released_since(today - FRESH_DAYS)[: MOST["fresh"]]
        ],
    }
    if start.is_whole or not start.liked:
        popular = bundle.popular(taste.country, MOST["popular"])
        offers["popular"] = [(row, Why("popular_here")) for row in popular]
    rows = [
        row
        for row in dict.fromkeys(row for offered in offers.values() for row, _ in offered)
        if row not in without
    ]
    scores = dict(zip(rows, _blended(bundle, vector, near, rows), strict=True))
    found: dict[int, tuple[float, Source, Why]] = {}
    for source, offered in offers.items():
        for place, (row, why) in enumerate(offered):
            if row not in scores:
                continue
            strength = 1 - place / len(offered)
            scores[row] += ADDS[source] * strength
            tells = TELLS[source] * strength
            if row not in found or tells > found[row][0]:
                found[row] = (tells, source, why)
    best = sorted(scores, key=lambda row: (-scores[row], row))[:count]
    return [
        Scored(row, bundle.item(row), scores[row], *found[row][1:], retrieved=scores[row])
        for row in best
    ]


# --- the sources ------------------------------------------------------------------------------


def _nearest(
    bundle: Bundle, vector: Vector | None, count: int, without: Collection[int]
) -> list[tuple[int, Why]]:
    if vector is None:
        return []
    found = bundle.nearest(vector, count, without=without)
    return [(row, Why("listeners_like_you")) for row, _ in found]


def _neighbours(
    bundle: Bundle, liked: Mapping[int, float]
) -> tuple[dict[int, float], Callable[[int], Why]]:
    """How near each track is to what is liked: the sum of the weights of its being a neighbour,
    as the evaluation has it, where what is liked less surely than a play of today counts less; and
    why."""
    counted = _counted(bundle, liked)
    near: dict[int, float] = {}
    through: dict[int, tuple[float, int]] = {}  # what adds most, and the liked row
    for row in _surest(liked, LIKED_READ):
        sureness = min(counted[row], 1.0)
        for other, weight in bundle.neighbours(row):
            adds = sureness * weight
            near[other] = near.get(other, 0.0) + adds
            held = through.get(other)
            if held is None or adds > held[0]:
                through[other] = (adds, row)
    whys: dict[int, Why] = {}  # by liked row: a few of them explain hundreds of others

    def because(row: int) -> Why:
        played = through[row][1]
        if played not in whys:
            whys[played] = _of_track(bundle, "because_you_played", played)
        return whys[played]

    return near, because


def _sounding_like(bundle: Bundle, start: Start) -> list[tuple[int, Why]]:
    """Near to the newest tracks themselves: their vectors hold what they sound like, also of those
    that hardly anybody has played."""
    seeds = list(start.session[:SOUNDS_LIKE]) or _surest(start.liked, SOUNDS_LIKE)
    each = MOST["content"] // SOUNDS_LIKE
    found = [
        [
            (other, _of_track(bundle, "sounds_like", row))
            for other, _ in bundle.nearest(bundle.vector(row), each, without=(row,))
        ]
        for row in seeds
    ]
    return _in_turn(found)


def _next(bundle: Bundle, start: Start) -> list[tuple[int, Why]]:
    session = start.session[:SESSION_READ]
    if not session:
        return []
    why = _of_track(bundle, "often_played_next", session[0])
    found = bundle.next_after(tuple(reversed(session)), MOST["sequence"])
    return [(row, why) for row, _ in found]


def _followed(bundle: Bundle, taste: Taste) -> list[tuple[int, Why]]:
    return _of_artists(bundle, sorted(taste.followed_artists), "because_you_follow")[
        : MOST["followed"]
    ]


def _similar(bundle: Bundle, start: Start, taste: Taste) -> list[tuple[int, Why]]:
    known = {*start.artists, *taste.followed_artists}
    found = []
    for artist in start.artists[:LIKE_ARTISTS]:
        why = Why("similar_to_artist", artist, artist_name(bundle, artist))
        for other, _ in bundle.similar_artists(artist, LIKE_ARTISTS):
            if other not in known:
                found.append([(row, why) for row in bundle.of_artist(other)[:TRACKS_OF_ARTIST]])
    return _in_turn(found)[: MOST["similar_artist"]]


def _of_artists(bundle: Bundle, artists: Iterable[str], kind: str) -> list[tuple[int, Why]]:
    found = []
    for artist in artists:
        rows = bundle.of_artist(artist)[:TRACKS_OF_ARTIST]
        why = Why(kind, artist, artist_name(bundle, artist)) if rows else None  # type: ignore[arg-type]
        found.append([(row, why) for row in rows if why])
    return _in_turn(found)


# --- helpers ----------------------------------------------------------------------------------


def artist_name(bundle: Bundle, artist_id: str) -> str | None:
    """What an artist of the bundle is called."""
    for row in bundle.of_artist(artist_id)[:1]:
        item = bundle.item(row)
        return dict(zip(item.artist_ids, item.artist_names, strict=False)).get(artist_id)
    return None


def _of_track(bundle: Bundle, kind: str, row: int) -> Why:
    item = bundle.item(row)
    return Why(kind, item.track_id, item.name)  # type: ignore[arg-type]


def _blended(
    bundle: Bundle, vector: Vector | None, near: Mapping[int, float], rows: Sequence[int]
) -> list[float]:
    """The blend of both models for `rows`, brought to 0..1 among them."""
    import numpy as np

    from shared.recommendations.collaborative.blending import BlendWeights, blended_scores

    if vector is None or not rows:
        return [0.0] * len(rows)
    share = bundle.settings.get(NEIGHBOURS_SHARE, BlendWeights().neighbours)
    of_vectors = np.stack([bundle.vector(row) for row in rows]) @ vector
    of_neighbours = np.array([near.get(row, 0.0) for row in rows], dtype=np.float32)
    blended = blended_scores(of_vectors, of_neighbours, BlendWeights(share))
    return [float(one) for one in _unit(blended)]


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else values * 0


def _surest(liked: Mapping[int, float], count: int) -> list[int]:
    return sorted(liked, key=lambda row: (-liked[row], row))[:count]


def _best(scores: Mapping[int, float], count: int) -> list[int]:
    return sorted(scores, key=lambda row: (-scores[row], row))[:count]


def _in_turn(found: Sequence[Sequence[tuple[int, Why]]]) -> list[tuple[int, Why]]:
    """The first of each, then the second of each, ...; a row once."""
    longest = max(map(len, found), default=0)
    merged: dict[int, Why] = {}
    for place in range(longest):
        for offered in found:
            if place < len(offered):
                merged.setdefault(*offered[place])
    return list(merged.items())
