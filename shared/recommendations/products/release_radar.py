"""Release Radar: what came out in the last four weeks by artists whom the person follows, plays,
or would like, every Friday (F203). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from shared.recommendations.items import Bundle, Scored, Source, Taste, Why
from shared.recommendations.retrieval import artist_name, rows_of, top_artists, vector_of
from shared.recommendations.rules import RELEASE_RADAR, apply

ID = "release-radar"
NAME = "Release Radar"
DESCRIPTION = "New releases by artists you follow, play or may like, every Friday."
TRACKS = 30
PLAYED_ARTISTS = 50  # the surest
LIKE_ARTISTS = 10  # of each artist whom they follow or play
QUICK_LIKE_OF = 20  # such artists who are looked at where somebody waits: 0.4 ms each
# How much an artist draws: whom one follows before whom one plays before who is alike.
FOLLOWED, PLAYED, ALIKE = 1.0, 0.8, 0.4
NEARNESS = 0.1  # decides between tracks of artists who draw alike


def make(
    bundle: Bundle,
    taste: Taste,
    *,
    today: int,
    recently_listed: Collection[str] = (),
    like_of: int | None = None,
) -> list[Scored]:
    """The list of the week that begins at `today` (days since 1970); empty where nothing came
    out. Who is like an artist is looked for with `like_of` of them at most (None: with all), those
    whom the person surely plays first. A track is scored by its artist and then by how near it is
    to the person's vector: that somebody waits for an artist says more of a new track than any
    prediction."""
    liked = rows_of(bundle, taste.confidences)
    draws = _draws(bundle, taste, top_artists(bundle, liked, PLAYED_ARTISTS), like_of)
    vector = vector_of(bundle, liked)
    released = set(bundle.released_since(today - RELEASE_RADAR.fresh_days))
    offered: dict[int, Scored] = {}
    for artist in sorted(draws, key=lambda one: (-draws[one][0], one)):
        draw, why = draws[artist]
        for row in bundle.of_artist(artist):
            if row not in released or row in offered:
                continue
            nearness = float(bundle.vector(row) @ vector) if vector is not None else 0.0
            source: Source = "followed" if draw == FOLLOWED else "fresh"
            score = draw + NEARNESS * max(-1.0, min(nearness, 1.0))
            offered[row] = Scored(row, bundle.item(row), score, source, why)
    found = apply(
        list(offered.values()),
        taste,
        RELEASE_RADAR,
        TRACKS,
        today=today,
        recently_listed=recently_listed,
    ).items
    return [replace(one, why=_named(bundle, one.why)) for one in found]


def _draws(
    bundle: Bundle, taste: Taste, played: Sequence[str], like_of: int | None
) -> Mapping[str, tuple[float, Why]]:
    """How much each artist draws, and why, without the name of whom it speaks of."""
    found: dict[str, tuple[float, Why]] = {}
    for artist in taste.followed_artists:
        found[artist] = (FOLLOWED, Why("because_you_follow", artist))
    for artist in played:
        found.setdefault(artist, (PLAYED, Why("new_release", artist)))
    known = dict.fromkeys([*played, *sorted(taste.followed_artists)])
    for artist in list(known)[:like_of]:
        for other, likeness in bundle.similar_artists(artist, LIKE_ARTISTS):
            draw = ALIKE * max(0.0, min(likeness, 1.0))
            if other not in found or found[other][0] < draw:
                found[other] = (draw, Why("similar_to_artist", artist))
    return found


def _named(bundle: Bundle, why: Why) -> Why:
    return replace(why, subject_name=artist_name(bundle, why.subject) if why.subject else None)
