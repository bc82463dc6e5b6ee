"""Worlds are what their seed says, and their truth is true."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from shared.abuse.behaviour import assess
from shared.abuse.models import Listen
from shared.platform.ids import is_id
from shared.simulation.behaviour import SKIPPED_BY, Effect, skipped_at
from shared.simulation.catalogue import Entry, invented, of_entries
from shared.simulation.listening import DAY_MS, Plays, block_of, days_of
from shared.simulation.policies import NOTHING, Fixed
from shared.simulation.reacting import p_shelf, react
from shared.simulation.sessions import COMPLETE, MAX_SESSIONS, MAX_TRACKS, SKIP
from shared.simulation.world import BLOCK, World

FIRST = date(2026, 6, 1)


def days(count: int) -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(count)]


@pytest.fixture(scope="module")
def world() -> World:
    return World.make(invented(3_000, seed=5), people=500, seed=5)


@pytest.fixture(scope="module")
def week(world: World) -> list[Plays]:
    return list(days_of(world, NOTHING, days(7)))


def together(parts: list[Plays], name: str) -> np.ndarray:
    return np.concatenate([getattr(one, name) for one in parts])


# --- catalogues -------------------------------------------------------------------------------


def test_an_invented_catalogue_is_in_order_and_long_tailed() -> None:
    catalogue = invented(5_000, seed=1)
    assert len(catalogue) == 5_000
    assert all(map(is_id, catalogue.track_ids[:50] + catalogue.artist_ids[:50]))
    assert (np.diff(catalogue.artist) >= 0).all()
    assert (np.diff(catalogue.album) >= 0).all()
    assert set(catalogue.artist.tolist()) == set(range(len(catalogue.artist_ids)))
    of_album = {(int(a), int(b)) for a, b in zip(catalogue.album, catalogue.artist, strict=True)}
    assert len(of_album) == int(catalogue.album.max()) + 1  # one artist each
    most = np.sort(catalogue.popularity)[::-1]
    assert most[:500].sum() > 0.4 * most.sum()
    with pytest.raises(ValueError, match="at least 1"):
        invented(0, seed=1)


def test_a_catalogue_that_was_read_is_the_same_in_any_order() -> None:
    entries = [
        Entry(f"t{n}", f"a{n % 3}", f"A {n % 3}", ("", "folk", "jazz")[n % 3], f"b{n % 5}",
              (1, n), 200_000, n)
        for n in range(30)
    ]  # fmt: skip
    read = of_entries(entries)
    assert read.track_ids == of_entries(entries[::-1] + entries[:3]).track_ids
    assert len(read) == 30
    assert read.genres == 3
    with pytest.raises(ValueError, match="load a catalogue"):
        of_entries([])


def test_even_one_track_makes_a_world() -> None:
    entry = Entry("t", "a", "A", "", "b", (1, 1), 0, 0)
    alone = World.make(of_entries([entry]), people=3, seed=1)
    assert sum(len(one) for one in days_of(alone, NOTHING, days(3))) > 0


# --- the same each time -----------------------------------------------------------------------


def test_a_seed_is_a_world_and_another_is_another(world: World) -> None:
    again = World.make(invented(3_000, seed=5), people=500, seed=5)
    other = World.make(invented(3_000, seed=5), people=500, seed=6)
    assert np.array_equal(world.moods, again.moods)
    assert np.array_equal(world.favourites, again.favourites)
    assert not np.array_equal(world.moods, other.moods)


def test_more_people_and_other_days_change_nobody(world: World, week: list[Plays]) -> None:
    fewer = World.make(world.catalogue, people=7, seed=5)
    more = World.make(world.catalogue, people=2 * BLOCK, seed=5)
    day = days(4)[-1]
    wanted = next(one for one in week if one.day == day)
    for other in (fewer, more):
        there = min(len(other), BLOCK)
        mine, theirs = wanted.person < there, block_of(other, NOTHING, day, 0)
        for name in ("person", "track", "ts_ms", "outcome", "position_ms"):
            assert np.array_equal(getattr(wanted, name)[mine], getattr(theirs, name)), name


# --- truth ------------------------------------------------------------------------------------


def test_skips_are_as_likely_as_the_world_says(world: World, week: list[Plays]) -> None:
    first: list[np.ndarray] = []
    for one in week:  # the first time that a track is heard in a session: no fatigue
        keys = np.stack([one.person, one.session, one.track])
        chosen = np.zeros(len(one), bool)
        chosen[np.unique(keys, axis=1, return_index=True)[1]] = True
        first.append(chosen)
    heard = np.concatenate(first)
    affinity, person = together(week, "affinity")[heard], together(week, "person")[heard]
    is_skip = together(week, "outcome")[heard] == SKIP
    expected = world.behaviour.p_skip(affinity, world.impatience[person])
    assert len(expected) > 20_000
    for low, high in ((0, 0.15), (0.15, 0.3), (0.3, 0.6), (0.6, 1)):
        part = (expected >= low) & (expected < high)
        deviation = np.sqrt((expected[part] * (1 - expected[part])).sum())
        assert abs(is_skip[part].sum() - expected[part].sum()) < 4 * deviation
    assert 0.2 < is_skip.mean() < 0.45  # Lamere 2014 found 0.35 within half a minute


def test_p_skip_is_the_mean_over_moods(world: World) -> None:
    tracks = [3, 1_000]
    found = world.p_skip(11, tracks)
    by_mood = [
        world.behaviour.p_skip(
            world.in_mood(np.array([11, 11]), np.array([mood, mood]), np.array(tracks)),
            world.impatience[[11, 11]],
        )
        for mood in range(3)
    ]
    assert found == pytest.approx(world.mood_share[11] @ np.array(by_mood), rel=1e-5)


def test_nothing_is_liked_better_than_the_best_shelf(world: World) -> None:
    best = world.best_shelf(17, 20)
    everything = world.affinity(17, np.arange(len(world.catalogue)))
    assert set(best.tolist()) == set(np.argsort(-everything)[:20].tolist())
    assert world.affinities([17])[0] == pytest.approx(everything, abs=1e-5)


def test_a_better_shelf_is_chosen_from_more_and_skipped_less(world: World) -> None:
    skipped, chosen = [], []
    for policy in (
        Fixed.of_best(world, 20),
        Fixed.of_popular(world, 20),
        Fixed.of_chance(world, 20, seed=1),
    ):
        parts = list(days_of(world, policy, days(3)))
        skipped.append((together(parts, "outcome") == SKIP).mean())
        chosen.append((together(parts, "shown_at") >= 0).mean())
    best, popular, chance = skipped
    assert best < popular - 0.04
    assert best < chance - 0.04
    assert chosen[0] > 2 * max(chosen[1:])


def test_what_stands_first_is_chosen_more(world: World) -> None:
    parts = list(days_of(world, Fixed(np.full((500, 10), 7)), days(5)))  # one track in all places
    places = together(parts, "shown_at")
    counts = np.bincount(places[places >= 0], minlength=10)
    expected = counts.sum() * 0.9 ** np.arange(10) / (0.9 ** np.arange(10)).sum()
    assert counts.sum() > 500
    assert ((counts - expected) ** 2 / expected).sum() < 27.9  # chi-square, 9 df, p = 0.001


def test_tracks_are_left_early_as_often_as_was_measured() -> None:
    at = skipped_at(np.random.default_rng(1), np.full(50_000, 200_000, np.int32))
    for seconds, share in SKIPPED_BY[1:]:
        assert (at <= seconds * 1000).mean() == pytest.approx(share, abs=0.01)
    assert at.max() < 200_000


# --- plausible --------------------------------------------------------------------------------


def test_a_person_plays_one_track_at_a_time_within_the_day(week: list[Plays]) -> None:
    for one in week:
        start = (one.day - date(1970, 1, 1)).days * DAY_MS
        end = one.ts_ms + one.position_ms
        assert (one.ts_ms >= start).all()
        assert (end < start + DAY_MS).all()
        order = np.lexsort((one.ts_ms, one.person))
        same = one.person[order][1:] == one.person[order][:-1]
        assert (one.ts_ms[order][1:][same] >= end[order][:-1][same]).all()
        assert one.session.max() < MAX_SESSIONS
        sizes = np.unique(np.stack([one.person, one.session]), axis=1, return_counts=True)[1]
        assert sizes.max() <= MAX_TRACKS
        whole = one.outcome == COMPLETE
        assert (one.shown_at == -1).all()
        assert (one.position_ms[~whole] >= 0).all()


def test_nobody_is_taken_for_a_machine(world: World, week: list[Plays]) -> None:
    catalogue, seen = world.catalogue, 0
    for one in week[::2]:
        for person in np.unique(one.person)[:150]:
            rows = np.flatnonzero(one.person == person)
            listens = [
                Listen(
                    started_at_ms=int(one.ts_ms[row]),
                    track_id=catalogue.track_ids[one.track[row]],
                    artist_id=catalogue.artist_ids[catalogue.artist[one.track[row]]],
                    duration_ms=int(catalogue.duration_ms[one.track[row]]),
                    device_id="phone",
                )
                for row in rows
            ]
            assert assess(listens).score < 0.65
            seen += 1
    assert seen > 400


# --- experiments ------------------------------------------------------------------------------


def _skip_rates(world: World, effect: Effect) -> tuple[float, float]:
    treated = np.arange(len(world)) % 2 == 1
    parts = list(days_of(world, NOTHING, days(5), treated=treated, effect=effect))
    is_skip, who = together(parts, "outcome") == SKIP, treated[together(parts, "person")]
    return is_skip[~who].mean(), is_skip[who].mean()


def test_an_effect_is_there_and_only_in_the_treatment(world: World) -> None:
    control, treatment = _skip_rates(world, Effect(skip_log_odds=0.6))
    same_control, same = _skip_rates(world, Effect())
    assert control == pytest.approx(same_control, abs=0.02)
    assert treatment - control > 0.08
    assert abs(same - same_control) < 0.03


def test_effects_on_length_and_complaints(world: World) -> None:
    treated = np.ones(len(world), bool)
    plain = list(days_of(world, NOTHING, days(5)))
    effect = Effect(session_length=1.5, complaint_log_odds=3.0)
    moved = list(days_of(world, NOTHING, days(5), treated=treated, effect=effect))
    assert sum(map(len, moved)) > 1.2 * sum(map(len, plain))
    complaints = [(together(one, "action") >= 4).sum() for one in (plain, moved)]
    assert complaints[1] > 5 * max(complaints[0], 1)


# --- the home page ----------------------------------------------------------------------------


def test_a_shelf_further_down_is_opened_less_by_a_known_factor(world: World) -> None:
    shelf = world.best_shelf(3, 10).tolist()
    alone = p_shelf(world, 3, [shelf])
    twice = p_shelf(world, 3, [shelf, shelf])
    assert twice[1] / twice[0] == pytest.approx(world.behaviour.examined_next)
    assert 0 < twice.sum() < 1
    assert alone[0] > twice[0]
    assert p_shelf(world, 3, [[], shelf])[0] == 0
    assert p_shelf(world, 3, []).size == 0


def test_people_open_shelves_as_often_as_they_should(world: World) -> None:
    popular = np.argsort(-world.catalogue.popularity)[:10].tolist()
    expected = np.zeros(3)
    opened = np.zeros(3)
    for person in range(len(world)):
        shelves = [popular, world.best_shelf(person, 10).tolist()]
        chances = p_shelf(world, person, shelves)
        for day in days(3):
            expected += [*chances, 1 - chances.sum()]
            reaction = react(world, person, shelves, day)
            assert reaction == react(world, person, shelves, day)
            opened[2 if reaction.shelf is None else reaction.shelf] += 1
            if reaction.shelf is not None:
                assert [one.track for one in reaction.heard] == shelves[reaction.shelf][
                    : len(reaction.heard)
                ]
    assert ((opened - expected) ** 2 / expected).sum() < 13.8  # chi-square, 2 df, p = 0.001


def test_no_shelf_is_no_reaction(world: World) -> None:
    assert react(world, 0, [], FIRST).shelf is None


def test_a_behaviour_can_be_another(world: World) -> None:
    patient = replace(world.behaviour, skip_base=-3.0)
    calm = World.make(world.catalogue, people=100, seed=5, behaviour=patient)
    parts = list(days_of(calm, NOTHING, days(2)))
    assert (together(parts, "outcome") == SKIP).mean() < 0.1
