"""Candidates: from where, how scored, and why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shared.experiments.exploration import NEW_BELOW_PLAYS
from shared.recommendations.items import CANDIDATES, Taste
from shared.recommendations.ordering import explored
from shared.recommendations.retrieval import MOST, Start, candidates, top_artists, whole_taste
from tests.unit.recommendations.bundles import (
    TODAY,
    PlainBundle,
    a_taste,
    a_world,
    artist_id,
    scored,
    track_id,
)


@pytest.fixture(scope="module")
def bundle() -> PlainBundle:
    return a_world(genres=8, artists=30, tracks=6)


@pytest.fixture(scope="module")
def fan(bundle: PlainBundle) -> Taste:
    return a_taste(bundle, dict.fromkeys(range(0, 60, 6), 1.0))


def found(bundle: PlainBundle, taste: Taste, **more: object) -> list:  # type: ignore[type-arg]
    start = whole_taste(bundle, taste)
    return candidates(bundle, taste, start, today=TODAY, **more)  # type: ignore[arg-type]


def test_there_are_a_thousand_each_once_best_first(bundle: PlainBundle, fan: Taste) -> None:
    offered = found(bundle, fan)
    assert 500 < len(offered) <= CANDIDATES
    assert len({one.row for one in offered}) == len(offered)
    scores = [one.score for one in offered]
    assert scores == sorted(scores, reverse=True)
    assert all(one.item is bundle.items[one.row] for one in offered)


def test_what_is_liked_comes_before_what_is_popular(bundle: PlainBundle, fan: Taste) -> None:
    first = found(bundle, fan)[:50]
    assert sum("genre 0" in one.item.genres for one in first) >= 45


def test_every_source_has_its_say(bundle: PlainBundle, fan: Taste) -> None:
    with_next = PlainBundle(bundle.items, bundle.vectors, follows={0: [1300, 1301]})
    followed = frozenset({artist_id(200)})
    sources = {one.source for one in found(with_next, replace(fan, followed_artists=followed))}
    assert {"neighbours", "collaborative", "sequence", "followed", "fresh"} <= sources
    assert "popular" in {one.source for one in found(bundle, Taste("new"))}


def test_of_a_stranger_what_is_popular_where_they_are(bundle: PlainBundle) -> None:
    items = [
        replace(item, markets=frozenset({"SE"}) if row % 2 else None, released_on=TODAY - 999)
        for row, item in enumerate(bundle.items)
    ]
    made = PlainBundle(items, bundle.vectors)
    offered = found(made, Taste("new", country="DE"))
    assert len(offered) == MOST["popular"]
    assert all(one.why.kind == "popular_here" for one in offered)
    assert [one.row for one in offered] == list(made.popular("DE", MOST["popular"]))


def test_the_reason_is_the_liked_track_that_says_most(bundle: PlainBundle) -> None:
    taste = a_taste(bundle, {0: 9.0, 400: 0.1})
    near = [one for one in found(bundle, taste) if one.why.kind == "because_you_played"]
    assert near
    assert {one.why.subject for one in near if "genre 0" in one.item.genres} == {track_id(0)}


def test_what_is_left_out_is(bundle: PlainBundle, fan: Taste) -> None:
    without = frozenset(range(100))
    offered = found(bundle, fan, without=without)
    assert offered
    assert not {one.row for one in offered} & without


def test_the_same_taste_has_the_same_candidates(bundle: PlainBundle, fan: Taste) -> None:
    reordered = replace(fan, confidences=dict(reversed(fan.confidences.items())))
    first = [(one.row, round(one.score, 5)) for one in found(bundle, fan)]
    assert [(one.row, round(one.score, 5)) for one in found(bundle, reordered)] == first


def test_tracks_that_the_bundle_lost_are_no_matter(bundle: PlainBundle, fan: Taste) -> None:
    more = replace(fan, confidences={**fan.confidences, "gone": 5.0}, recent=("gone", *fan.recent))
    assert len(found(bundle, more)) > 500
    assert candidates(bundle, fan, Start({}, is_whole=False), today=TODAY)


def test_the_surest_artists_first(bundle: PlainBundle) -> None:
    assert top_artists(bundle, {0: 1.0, 6: 3.0, 1: 1.5}) == [artist_id(1), artist_id(0)]


# --- exploration ------------------------------------------------------------------------------


def test_new_tracks_get_their_share_of_what_is_shown() -> None:
    world = a_world()
    items = [
        replace(item, plays=0 if row >= 200 else NEW_BELOW_PLAYS)
        for row, item in enumerate(world.items)
    ]
    bundle = PlainBundle(items, world.vectors)
    ranked = [scored(bundle, row, -float(row)) for row in range(240)]
    shares = []
    for seed in range(200):
        made = explored(ranked, np.random.default_rng(seed), shown=40)
        assert sorted(one.row for one in made) == list(range(240))
        assert [one.score for one in made] == sorted((one.score for one in made), reverse=True)
        new = [one for one in made[:40] if one.row >= 200]
        assert all(one.why.kind == "something_new" for one in new)
        shares.append(len(new) / 40)
    assert np.mean(shares) == pytest.approx(0.05, abs=0.01)


def test_where_nothing_is_new_the_ranking_stands() -> None:
    bundle = a_world()
    ranked = [scored(bundle, row, -float(row)) for row in range(100)]
    assert explored(ranked, np.random.default_rng(0)) == ranked
