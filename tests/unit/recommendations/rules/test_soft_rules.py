"""Soft rules hold as far as the candidates allow, which is compared with trying everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise, permutations, product
from math import ceil
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.recommendations.items import Item, Scored, Taste
from shared.recommendations.rules import RADIO, Policy, apply
from tests.unit.recommendations.rules.worlds import PLAIN, TODAY, World, ids, scored, worlds

TAIL = replace(PLAIN, name="tail", tail_share=0.5, tail_percentile=0.5)
FRESH = replace(PLAIN, name="fresh", fresh_share=0.5)


def is_allowed(items: Sequence[Scored], policy: Policy) -> bool:
    """Whether a list of at most 30 keeps the hard rules of lists."""
    artists = Counter(artist for one in items for artist in set(one.item.artist_ids))
    albums = Counter(one.item.album_id for one in items if one.item.album_id)
    recordings = Counter(one.item.recording for one in items if one.item.recording)
    return (
        max(artists.values(), default=0) <= policy.max_per_artist
        and max(albums.values(), default=0) <= policy.max_per_album
        and max(recordings.values(), default=0) <= 1
    )


def most(candidates: Sequence[Scored], policy: Policy, counts: Callable[[Item], bool]) -> int:
    """By trying all lists: how many tracks that count one can have."""
    counting = [one for one in candidates if counts(one.item)]
    return max(
        (
            size
            for size in range(len(counting) + 1)
            for chosen in combinations(counting, size)
            if is_allowed(chosen, policy)
        ),
        default=0,
    )


def is_tail(candidates: Sequence[Scored], share: float) -> Callable[[Item], bool]:
    values = sorted(one.item.popularity for one in candidates)
    last = values[ceil(share * len(values)) - 1] if values else 0
    return lambda item: item.popularity <= last


def is_fresh(item: Item) -> bool:
    return TODAY - 180 <= item.released_on <= TODAY


@st.composite
def small(draw: st.DrawFn, crowd: int = 1) -> list[Scored]:
    """Up to 9 candidates of few artists; an album is of one artist, or of many (`crowd` > 1)."""
    random = Random(draw(st.integers(0, 2**32)))
    made = []
    for number in range(draw(st.integers(0, 9))):
        artists = tuple(f"a{random.randrange(4)}" for _ in range(random.randint(1, crowd)))
        album = f"{artists[0] if crowd == 1 else ''}l{random.randrange(2)}"
        made.append(
            scored(
                number,
                artist_ids=artists,
                album_id=album,
                popularity=random.randrange(4),
                released_on=TODAY - random.choice([10, 1_000]),
                genres=(f"g{random.randrange(3)}",),
                score=random.random(),
            )
        )
    return made


@given(small(), st.integers(0, 8))
def test_no_list_is_longer(candidates: list[Scored], count: int) -> None:
    made = apply(candidates, Taste("u"), PLAIN, count, today=TODAY).items
    assert len(made) == min(count, most(candidates, PLAIN, lambda _: True))


@given(small(), st.integers(0, 8))
def test_the_long_tail_has_its_share_or_all_that_any_list_could_have(
    candidates: list[Scored], count: int
) -> None:
    counts = is_tail(candidates, 0.5)
    made = apply(candidates, Taste("u"), TAIL, count, today=TODAY).items
    assert sum(counts(one.item) for one in made) >= min(
        ceil(count / 2), most(candidates, TAIL, counts)
    )
    assert len(made) == min(count, most(candidates, TAIL, lambda _: True))


@given(small(), st.integers(0, 8))
def test_new_releases_have_their_share_or_all_that_any_list_could_have(
    candidates: list[Scored], count: int
) -> None:
    made = apply(candidates, Taste("u"), FRESH, count, today=TODAY).items
    assert sum(is_fresh(one.item) for one in made) >= min(
        ceil(count / 2), most(candidates, FRESH, is_fresh)
    )


@given(small(crowd=3), st.integers(0, 8))
def test_where_tracks_have_many_artists_a_floor_is_missed_only_if_nothing_more_fits(
    candidates: list[Scored], count: int
) -> None:
    both = replace(TAIL, fresh_share=0.5)
    counts = is_tail(candidates, 0.5)
    made = apply(candidates, Taste("u"), both, count, today=TODAY).items
    others = [one for one in candidates if one not in made]
    tail = [one for one in made if counts(one.item)]
    if len(tail) < ceil(count / 2):
        assert not any(is_allowed([*tail, one], both) for one in others if counts(one.item))
    fresh = [one for one in made if is_fresh(one.item)]
    reserved = [one for one in made if counts(one.item) or is_fresh(one.item)]
    if len(fresh) < ceil(count / 2) and len(reserved) < count:
        assert not any(is_allowed([*reserved, one], both) for one in others if is_fresh(one.item))


@given(worlds(most=60))
def test_a_list_is_shorter_than_asked_only_if_nothing_left_fits(world: World) -> None:
    world = World(**{**vars(world), "count": min(world.count, 30)})
    applied = world.apply()
    if len(applied.items) == world.count:
        return
    made = applied.items
    left = [one for one in world.candidates if one.item.track_id not in ids(made)]
    hard = {"score", "hidden", "market", "explicit", "unreleased", "old", "heard", "listed"}
    for one in left:
        rule = applied.turned_away[one.item.track_id]  # nothing is left for no reason
        assert rule in hard or not is_allowed([*made, one], world.policy)


@given(worlds())
def test_what_is_to_come_last_comes_after_all_others(world: World) -> None:
    def tier(one: Scored) -> tuple[bool, bool]:
        is_heard = one.item.track_id in world.taste.heard or (
            one.item.recording in world.recordings
        )
        return (
            world.policy.heard == "last" and is_heard,
            world.policy.listed == "last" and one.item.track_id in world.listed,
        )

    tiers = [tier(one) for one in world.apply().items]
    assert tiers == sorted(tiers)


@given(small(), st.integers(1, 8))
def test_a_genre_exceeds_its_share_only_where_no_track_within_it_fits(
    candidates: list[Scored], count: int
) -> None:
    policy = replace(PLAIN, genre_share=0.4)
    limit = max(int(0.4 * count + 1e-9), 1)
    made = apply(candidates, Taste("u"), policy, count, today=TODAY).items
    genres = [one.item.genres[0] for one in made]
    for place, genre in enumerate(genres):
        if genres[:place].count(genre) < limit:
            continue
        for one in candidates:
            is_within = genres[:place].count(one.item.genres[0]) < limit
            assert one in made[:place] or not (
                is_within and is_allowed([*made[:place], one], policy)
            )


@given(st.lists(st.sampled_from("abc"), max_size=9), st.integers(1, 9))
def test_of_many_artists_no_list_is_spread_better_over_genres(
    genres: list[str], count: int
) -> None:
    candidates = [scored(number, genres=(genre,)) for number, genre in enumerate(genres)]
    limit = max(int(0.4 * count + 1e-9), 1)

    def excess(chosen: Sequence[Scored]) -> int:
        sizes = Counter(one.item.genres[0] for one in chosen)
        return sum(max(size - limit, 0) for size in sizes.values())

    policy = replace(PLAIN, genre_share=0.4)
    made = apply(candidates, Taste("u"), policy, count, today=TODAY).items
    length = min(count, len(candidates))
    assert len(made) == length
    assert excess(made) == min(excess(chosen) for chosen in combinations(candidates, length))


def test_a_floor_is_more_than_a_genre() -> None:
    """The tail is of one genre, which gets more than its share rather than the tail less."""
    tail = [scored(number, genres=("g",), popularity=1) for number in range(50, 60)]
    rest = [scored(number, genres=(f"h{number}",), popularity=90) for number in range(10)]
    policy = replace(TAIL, genre_share=0.3)
    made = apply(tail + rest, Taste("u"), policy, 10, today=TODAY).items
    assert sum(one in tail for one in made) == 5


def test_of_two_floors_that_do_not_fit_together_the_long_tail_has_its_share() -> None:
    fresh = [scored(number, popularity=90, released_on=TODAY - 1) for number in range(10)]
    tail = [scored(number, popularity=1) for number in range(50, 60)]
    policy = replace(TAIL, fresh_share=1.0)
    made = apply(fresh + tail, Taste("u"), policy, 10, today=TODAY).items
    assert sum(one in tail for one in made) == 5
    assert sum(one in fresh for one in made) == 5


def test_a_track_that_is_rare_and_new_counts_for_both_floors() -> None:
    best = [scored(number, popularity=90) for number in range(10)]
    fresh = [scored(number, popularity=90, released_on=TODAY - 1) for number in range(20, 30)]
    both = [scored(number, popularity=1, released_on=TODAY - 1) for number in range(50, 60)]
    policy = replace(TAIL, tail_percentile=0.3, fresh_share=0.5)
    made = apply(best + fresh + both, Taste("u"), policy, 10, today=TODAY).items
    assert sum(one in both for one in made) == 5
    assert sum(one in best for one in made) == 5


def test_within_a_floor_other_genres_are_preferred() -> None:
    tail = [scored(number, genres=("g",), popularity=1) for number in range(50, 60)]
    other = [scored(number, genres=("h",), popularity=1) for number in range(60, 70)]
    rest = [scored(number, popularity=90) for number in range(20)]
    policy = replace(TAIL, genre_share=0.3)
    made = apply(tail + other + rest, Taste("u"), policy, 10, today=TODAY).items
    assert Counter(one.item.genres for one in made) == {("g",): 3, ("h",): 2, (): 5}


def test_what_is_reserved_for_a_floor_is_spread_over_the_list() -> None:
    tail = [scored(number, popularity=1) for number in range(50, 90)]
    rest = [scored(number, popularity=90) for number in range(40)]
    policy = replace(TAIL, tail_share=0.3)
    made = apply(tail + rest, Taste("u"), policy, 30, today=TODAY).items
    places = [at + 1 for at, one in enumerate(made) if one in tail]
    assert len(places) == 9
    assert all(abs(place - 30 / 9 * (at + 1)) <= 1 for at, place in enumerate(places))


def test_a_better_track_of_an_artist_does_not_take_the_place_that_the_tail_needs() -> None:
    """Two hits of an artist would leave no room for what they have in the long tail."""
    hits = [scored(number, artist_ids=("a",), popularity=90) for number in range(2)]
    tail = scored(9, artist_ids=("a",), popularity=1)
    others = [scored(number, popularity=90) for number in range(3, 6)]
    policy = replace(PLAIN, tail_share=0.2, tail_percentile=0.1)
    made = apply([*hits, tail, *others], Taste("u"), policy, 5, today=TODAY).items
    assert tail in made
    assert hits[1] not in made


def shared_artists(order: Sequence[Scored]) -> int:
    return sum(
        bool(set(one.item.artist_ids) & set(two.item.artist_ids)) for one, two in pairwise(order)
    )


@pytest.mark.parametrize("length", range(2, 7))
def test_two_of_an_artist_stand_in_a_row_only_where_every_order_has_them(length: int) -> None:
    """Every list of that length of three artists with at most two tracks each."""
    policy = replace(PLAIN, spaced=True)
    for artists in product("abc", repeat=length):
        if max(Counter(artists).values()) > 2:
            continue
        candidates = [scored(at, artist_ids=(name,)) for at, name in enumerate(artists)]
        made = apply(candidates, Taste("u"), policy, length, today=TODAY).items
        best = min(shared_artists(order) for order in permutations(candidates))
        assert shared_artists(made) == best, artists


@given(worlds(most=60))
def test_no_exchange_of_two_places_makes_fewer_neighbours_of_an_artist(world: World) -> None:
    policy = replace(world.policy, spaced=True, heard="any", listed="any")
    made = World(**{**vars(world), "policy": policy, "count": min(world.count, 30)}).apply().items
    for a, b in combinations(range(len(made)), 2):
        other = list(made)
        other[a], other[b] = other[b], other[a]
        assert shared_artists(other) >= shared_artists(made)


def test_spacing_brings_no_third_track_of_an_artist_into_a_window() -> None:
    """Two at the top and two more from the thirty-first place on: none can move towards another."""
    mine = [scored(number, artist_ids=("a",)) for number in range(4)]
    others = [scored(number) for number in range(100, 140)]
    made = apply(mine + others, Taste("u"), replace(PLAIN, spaced=True), 32, today=TODAY).items
    places = [at for at, one in enumerate(made) if one in mine]
    assert len(places) == 4
    assert all(later - earlier >= 30 for earlier, later in zip(places, places[2:], strict=False))


def test_spacing_moves_as_little_as_it_can() -> None:
    candidates = [scored(at, artist_ids=(name,)) for at, name in enumerate("aabcd")]
    policy = replace(PLAIN, spaced=True)
    made = apply(candidates, Taste("u"), policy, 5, today=TODAY).items
    assert [one.item.artist_ids[0] for one in made] == ["a", "b", "a", "c", "d"]


def test_without_need_the_order_is_that_of_the_scores() -> None:
    candidates = [scored(number, popularity=number % 2) for number in range(40)]
    made = apply(candidates, Taste("u"), RADIO, 30, today=TODAY).items
    assert made == candidates[:30]
