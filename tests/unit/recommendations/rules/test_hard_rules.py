"""No list ever breaks a hard rule: for random candidates, tastes, policies, lengths and pages.

What each rule means is written down here once more, from the definition, not from the code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.recommendations.items import Item, Scored, Taste
from shared.recommendations.rules import (
    AUTOPLAY,
    DAILY_MIX,
    DISCOVER_WEEKLY,
    HOME_SHELF,
    RADIO,
    RELEASE_RADAR,
    Policy,
    apply,
    uncrowded,
)
from tests.unit.recommendations.rules.worlds import PLAIN, TODAY, World, ids, scored, worlds

PRODUCTS = (DISCOVER_WEEKLY, DAILY_MIX, RELEASE_RADAR, RADIO, HOME_SHELF, AUTOPLAY)


def listed(world: World) -> list[Item]:
    return [one.item for one in world.apply().items]


def most_in_any_30(order: Sequence[Scored], of: Callable[[Item], set[str]]) -> int:
    """The most that one artist or album has in any 30 places on end."""
    most = 0
    for start in range(max(len(order) - 29, 1)):
        window = [of(one.item) for one in order[start : start + 30]]
        names = {name for one in window for name in one}
        most = max([most, *(sum(name in one for one in window) for name in names)])
    return most


@given(worlds())
def test_nothing_that_the_person_hides_is_listed(world: World) -> None:
    for item in listed(world):
        assert item.track_id not in world.taste.hidden
        assert item.album_id not in world.taste.hidden
        assert not world.taste.hidden & set(item.artist_ids)


@given(worlds())
def test_nothing_is_listed_that_may_not_be_played_where_they_are(world: World) -> None:
    country = world.taste.country
    for item in listed(world):
        assert "*" not in item.blocked_in
        if country is not None:
            assert country not in item.blocked_in
            assert item.markets is None or country in item.markets


@given(worlds())
def test_nothing_explicit_is_listed_for_whom_the_filter_is_on(world: World) -> None:
    assert world.taste.allows_explicit or not any(item.is_explicit for item in listed(world))


@given(worlds())
def test_nothing_is_listed_before_it_is_out(world: World) -> None:
    assert all(item.released_on <= TODAY for item in listed(world))


@given(worlds())
def test_a_product_of_new_releases_lists_nothing_else(world: World) -> None:
    if world.policy.fresh_only:
        for item in listed(world):
            assert item.released_on > 0
            assert TODAY - world.policy.fresh_days <= item.released_on


@given(worlds())
def test_where_heard_is_never_nothing_heard_is_listed(world: World) -> None:
    if world.policy.heard == "never":
        for item in listed(world):
            assert item.track_id not in world.taste.heard
            assert item.recording not in world.recordings


@given(worlds())
def test_where_listed_is_never_nothing_is_listed_again(world: World) -> None:
    if world.policy.listed == "never":
        assert not world.listed & set(ids(world.apply().items))


@given(worlds())
def test_a_track_and_a_recording_are_listed_once(world: World) -> None:
    items = listed(world)
    known = [item.recording for item in items if item.recording]
    assert len(set(known)) == len(known)
    assert len({item.track_id for item in items}) == len(items)


@given(worlds())
def test_an_artist_has_at_most_two_in_any_thirty(world: World) -> None:
    order = world.apply().items
    assert most_in_any_30(order, lambda item: set(item.artist_ids)) <= world.policy.max_per_artist


@given(worlds())
def test_an_album_has_at_most_three_in_any_thirty(world: World) -> None:
    order = world.apply().items
    assert most_in_any_30(order, lambda item: {item.album_id} - {""}) <= world.policy.max_per_album


@given(worlds(), st.sets(st.integers(0, 99)))
def test_whatever_is_taken_out_of_a_list_later_it_keeps_both(world: World, gone: set[int]) -> None:
    """What was hidden, withdrawn or filtered since is not shown; what follows it moves up."""
    items = listed(world)
    assert uncrowded(items) == items
    left = [item for place, item in enumerate(items) if place not in gone]
    shown = uncrowded(left)
    places = [left.index(item) for item in shown]
    assert places == sorted(set(places))
    order = [replace(scored(0), item=item) for item in shown]
    assert most_in_any_30(order, lambda item: set(item.artist_ids)) <= 2
    assert most_in_any_30(order, lambda item: {item.album_id} - {""}) <= 3
    for item in [one for one in left if one not in shown]:  # nothing goes without need
        before = [one for one in left[: left.index(item)] if one in shown][-29:]
        crowd = [replace(scored(0), item=one) for one in (*before, item)]
        artists = most_in_any_30(crowd, lambda item: set(item.artist_ids))
        albums = most_in_any_30(crowd, lambda item: {item.album_id} - {""})
        assert artists > 2 or albums > 3


@given(worlds())
def test_a_list_is_of_the_candidates_and_no_longer_than_asked(world: World) -> None:
    applied = world.apply()
    assert len(applied.items) <= world.count
    assert all(one in world.candidates for one in applied.items)
    assert not applied.turned_away.keys() & set(ids(applied.items))
    assert applied.turned_away.keys() <= set(ids(world.candidates))


@given(worlds())
def test_the_order_of_the_candidates_makes_no_difference(world: World) -> None:
    backwards = World(**{**vars(world), "candidates": world.candidates[::-1]})
    assert ids(backwards.apply().items) == ids(world.apply().items)


@given(worlds())
@pytest.mark.parametrize("product", PRODUCTS, ids=lambda one: one.name)
def test_every_product_keeps_them_all(product: Policy, world: World) -> None:
    made = World(**{**vars(world), "policy": product}).apply().items
    assert most_in_any_30(made, lambda item: set(item.artist_ids)) <= 2
    assert most_in_any_30(made, lambda item: {item.album_id} - {""}) <= 3
    if product is DISCOVER_WEEKLY:
        assert not set(ids(made)) & (world.taste.heard.keys() | world.listed)
    if product is RELEASE_RADAR:
        assert all(TODAY - 28 <= one.item.released_on <= TODAY for one in made)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"score": float("nan")}, "score"),
        ({"track_id": "hidden"}, "hidden"),
        ({"artist_ids": ("a", "hidden")}, "hidden"),
        ({"markets": frozenset({"DE"})}, "market"),
        ({"markets": frozenset()}, "market"),
        ({"blocked_in": frozenset({"SE"})}, "market"),
        ({"blocked_in": frozenset({"*"})}, "market"),
        ({"is_explicit": True}, "explicit"),
        ({"released_on": TODAY + 1}, "unreleased"),
        ({"released_on": TODAY - 29}, "old"),
        ({"released_on": 0}, "old"),
        ({"track_id": "heard"}, "heard"),
        ({"recording": "known"}, "heard"),
        ({"track_id": "listed"}, "listed"),
    ],
)
def test_what_is_turned_away_is_named_with_its_rule(changes: dict[str, object], rule: str) -> None:
    taste = Taste(
        "u",
        country="SE",
        allows_explicit=False,
        heard={"heard": 1},
        hidden=frozenset({"hidden"}),
    )
    policy = Policy("strict", heard="never", listed="never", fresh_only=True, fresh_days=28)
    one = scored(1, **{"released_on": TODAY, **changes})
    applied = apply(
        [one],
        taste,
        policy,
        5,
        today=TODAY,
        recently_listed=["listed"],
        heard_recordings=["known"],
    )
    assert applied.items == []
    assert applied.turned_away == {one.item.track_id: rule}


@pytest.mark.parametrize(
    ("alike", "rule", "kept"),
    [
        ({"recording": "r"}, "recording", 1),
        ({"artist_ids": ("a",)}, "artist", 2),
        ({"album_id": "l"}, "album", 3),
    ],
)
def test_what_is_too_much_of_one_thing_is_named(
    alike: dict[str, object], rule: str, kept: int
) -> None:
    candidates = [scored(number, **alike) for number in range(5)]
    applied = apply(candidates, Taste("u"), PLAIN, 5, today=TODAY)
    assert ids(applied.items) == ids(candidates[:kept])
    assert applied.turned_away == dict.fromkeys(ids(candidates[kept:]), rule)


def test_an_artist_comes_again_once_thirty_places_have_passed() -> None:
    mine = [scored(number, artist_ids=("a",)) for number in range(3)]
    others = [scored(number) for number in range(100, 140)]
    made = apply(mine + others, Taste("u"), PLAIN, 40, today=TODAY).items
    assert [at for at, one in enumerate(made) if one in mine] == [0, 1, 30]


def test_where_a_person_is_is_not_known_what_is_blocked_somewhere_is_listed() -> None:
    candidates = [
        scored(1, markets=frozenset({"DE"})),
        scored(2, blocked_in=frozenset({"SE"})),
        scored(3, blocked_in=frozenset({"*"})),
    ]
    made = apply(candidates, Taste("u"), PLAIN, 5, today=TODAY).items
    assert made == candidates[:2]


@pytest.mark.parametrize(
    "limits",
    [
        {"genre_share": 1.1},
        {"tail_share": -0.1},
        {"fresh_share": 2},
        {"tail_percentile": 7},
        {"max_per_artist": 3},
        {"max_per_artist": 0},
        {"max_per_album": 4},
        {"fresh_days": 0},
    ],
)
def test_a_policy_out_of_range_is_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(limits))):
        Policy("wrong", **limits)  # type: ignore[arg-type]


def test_a_negative_length_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        apply([], Taste("u"), PLAIN, -1, today=TODAY)
