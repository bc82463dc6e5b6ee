"""What each product lists, for a person in a catalogue of four genres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from shared.recommendations import ordering
from shared.recommendations.items import CANDIDATES, Item, Taste
from shared.recommendations.lists import Made, MadeList, listed
from shared.recommendations.products import (
    autoplay,
    because,
    daily_mix,
    discover_weekly,
    radio,
    release_radar,
    shelves,
)
from shared.recommendations.taste import Listener, Session
from shared.signals.models import Signal
from tests.unit.recommendations.bundles import (
    TODAY,
    PlainBundle,
    a_taste,
    a_world,
    artist_id,
    track_id,
)

PER_GENRE = 60  # tracks, of 15 artists


@pytest.fixture(scope="module")
def bundle() -> PlainBundle:
    return a_world()


@pytest.fixture(scope="module")
def fan(bundle: PlainBundle) -> Taste:
    """Likes ten tracks of genre 0 and six of genre 2."""
    rows = [*range(0, 40, 4), *range(120, 144, 4)]
    return a_taste(bundle, dict.fromkeys(rows, 2.0))


def genres(items: list[Item]) -> Counter[str]:
    return Counter(genre for item in items for genre in item.genres)


# --- Discover Weekly --------------------------------------------------------------------------


async def test_discover_weekly_is_thirty_unheard_tracks_of_ones_taste(
    bundle: PlainBundle, fan: Taste
) -> None:
    found = await discover_weekly.make(bundle, fan, today=TODAY)
    ids = [one.item.track_id for one in found]
    assert len(ids) == len(set(ids)) == 30
    assert not set(ids) & set(fan.heard)
    counted = genres([one.item for one in found])
    assert counted["genre 0"] + counted["genre 2"] >= 20
    artists = Counter(one.item.artist_ids[0] for one in found)
    assert max(artists.values()) <= 2


async def test_every_track_says_why(bundle: PlainBundle, fan: Taste) -> None:
    found = await discover_weekly.make(bundle, fan, today=TODAY)
    assert {one.why.kind for one in found} & {"because_you_played", "sounds_like"}
    for one in found:
        if one.why.kind == "because_you_played":
            assert one.why.subject in fan.confidences
            row = bundle.row_of(one.why.subject or "")
            assert row is not None
            assert one.why.subject_name == bundle.item(row).name


async def test_no_track_returns_for_four_weeks(bundle: PlainBundle, fan: Taste) -> None:
    listed: list[str] = []
    for week in range(4):
        found = await discover_weekly.make(
            bundle, fan, today=TODAY + 7 * week, recently_listed=tuple(listed)
        )
        ids = [one.item.track_id for one in found]
        assert len(ids) == 30
        assert not set(ids) & set(listed)
        listed += ids


async def test_the_same_recording_on_another_release_is_heard_too(bundle: PlainBundle) -> None:
    first = await discover_weekly.make(bundle, a_taste(bundle, {0: 1.0, 4: 1.0}), today=TODAY)
    copied = first[0].item
    items = list(bundle.items)
    items[0] = replace(items[0], recording=copied.recording)
    same = PlainBundle(items, bundle.vectors)
    again = await discover_weekly.make(same, a_taste(same, {0: 1.0, 4: 1.0}), today=TODAY)
    assert copied.track_id not in {one.item.track_id for one in again}


async def test_nothing_hidden_explicit_or_unplayable_is_listed(
    bundle: PlainBundle, fan: Taste
) -> None:
    items = [
        replace(
            item,
            is_explicit=row % 5 == 0,
            markets=frozenset({"SE"}) if row % 7 == 0 else None,
            blocked_in=frozenset({"DE"}) if row % 11 == 0 else frozenset(),
        )
        for row, item in enumerate(bundle.items)
    ]
    made = PlainBundle(items, bundle.vectors)
    hidden = frozenset({artist_id(3), track_id(13)})
    strict = replace(fan, allows_explicit=False, hidden=hidden)
    found = await discover_weekly.make(made, strict, today=TODAY)
    assert found
    for one in found:
        assert one.row % 5
        assert one.row % 7
        assert one.row % 11
        assert not hidden & {one.item.track_id, *one.item.artist_ids}


async def test_nobody_known_gets_no_discovery(bundle: PlainBundle) -> None:
    assert await discover_weekly.make(bundle, Taste("new"), today=TODAY) == []


async def test_who_likes_nothing_of_what_they_heard_gets_something_else(
    bundle: PlainBundle,
) -> None:
    heard = {track_id(row): 1 for row in range(10)}
    found = await discover_weekly.make(bundle, Taste("hard to please", heard=heard), today=TODAY)
    assert len(found) == 30
    assert not {one.item.track_id for one in found} & set(heard)


async def test_the_given_order_decides(bundle: PlainBundle, fan: Taste) -> None:
    async def backwards(candidates):  # type: ignore[no-untyped-def]
        return [replace(one, score=float(one.row)) for one in candidates]

    found = await discover_weekly.make(bundle, fan, today=TODAY, order=backwards)
    plain = await discover_weekly.make(bundle, fan, today=TODAY)
    assert [one.row for one in found] != [one.row for one in plain]
    assert found[0].row > 200


# --- Daily Mix --------------------------------------------------------------------------------


async def test_each_side_of_a_taste_has_its_mix_of_known_and_new(
    bundle: PlainBundle, fan: Taste
) -> None:
    first, second = await daily_mix.make(bundle, fan, today=TODAY)
    assert [first.id, second.id] == ["daily-mix-1", "daily-mix-2"]
    assert first.name == "Daily Mix 1: Genre 0"
    assert second.name == "Daily Mix 2: Genre 2"
    assert "Artist 0" in first.description
    for mix, genre in ((first, "genre 0"), (second, "genre 2")):
        items = [bundle.items[bundle.row_of(one.track_id) or 0] for one in mix.tracks]
        assert genres(items)[genre] >= 0.8 * len(items)
        known = [one for one in mix.tracks if one.track_id in fan.heard]
        assert known
        assert len(known) < len(mix.tracks)


async def test_a_narrow_taste_has_one_mix_and_a_stranger_none(bundle: PlainBundle) -> None:
    narrow = a_taste(bundle, dict.fromkeys(range(0, 40, 4), 1.0))
    assert len(await daily_mix.make(bundle, narrow, today=TODAY)) == 1
    assert await daily_mix.make(bundle, a_taste(bundle, {0: 1.0}), today=TODAY) == ()


async def test_mixes_keep_their_numbers_when_the_weights_change(
    bundle: PlainBundle, fan: Taste
) -> None:
    before = await daily_mix.make(bundle, fan, today=TODAY)
    more = {one: 9.0 if (bundle.row_of(one) or 0) >= 120 else 1.0 for one in fan.confidences}
    changed = replace(fan, confidences=more)
    assert [one.name[13:] for one in await daily_mix.make(bundle, changed, today=TODAY)] == [
        "Genre 2",
        "Genre 0",
    ]
    kept = await daily_mix.make(bundle, changed, today=TODAY + 1, before=before)
    assert [one.name[13:] for one in kept] == ["Genre 0", "Genre 2"]


def test_more_sides_than_mixes_make_six(bundle: PlainBundle) -> None:
    many = a_world(genres=9)
    liked = {genre * PER_GENRE + n * 4: 1.0 + genre for genre in range(9) for n in range(6)}
    found = daily_mix.clusters(many, a_taste(many, liked))
    assert len(found) == 6
    assert found[0].genres[0] == "genre 8"


# --- Release Radar ----------------------------------------------------------------------------


def test_the_radar_shows_four_weeks_of_ones_artists(bundle: PlainBundle, fan: Taste) -> None:
    items = [
        replace(item, released_on=TODAY - 30 if row % 2 else TODAY - 3)
        for row, item in enumerate(bundle.items)
    ]
    made = PlainBundle(items, bundle.vectors)
    followed = artist_id(50)
    found = release_radar.make(
        made, replace(fan, followed_artists=frozenset({followed})), today=TODAY
    )
    assert found[0].item.artist_ids == (followed,)
    assert found[0].why.kind == "because_you_follow"
    assert all(one.item.released_on >= TODAY - 28 for one in found)
    kinds = {one.why.kind for one in found}
    assert kinds <= {"because_you_follow", "new_release", "similar_to_artist"}
    assert "new_release" in kinds


def test_without_releases_the_radar_is_empty(bundle: PlainBundle, fan: Taste) -> None:
    assert release_radar.make(bundle, fan, today=TODAY + 100) == []


def test_the_radar_asks_for_the_like_of_no_more_than_it_may(
    bundle: PlainBundle, fan: Taste, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def similar_artists(_: PlainBundle, one: str, count: int) -> list[tuple[str, float]]:
        asked.append(one)
        return []

    monkeypatch.setattr(PlainBundle, "similar_artists", similar_artists)
    follows = replace(fan, followed_artists=frozenset(artist_id(one) for one in range(40, 60)))
    release_radar.make(bundle, follows, today=TODAY)
    assert len(asked) == 20 + 16
    asked.clear()
    release_radar.make(bundle, follows, today=TODAY, like_of=10)
    assert len(asked) == 10
    assert not set(asked) & follows.followed_artists  # whom they play comes first
    asked.clear()
    shelves.fill(bundle, Listener(follows), {}, today=TODAY)
    assert len(asked) == release_radar.QUICK_LIKE_OF


def test_home_shows_the_release_radar_that_was_made(
    bundle: PlainBundle, fan: Taste, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracks = listed(release_radar.make(bundle, fan, today=TODAY))[::-1]
    radar = MadeList(release_radar.ID, release_radar.NAME, "", tracks)
    made = Made("release-radar", "2026-11-20", 1, 1, "f", "v", (radar,))
    monkeypatch.setattr(release_radar, "make", None)
    found = shelves.fill(bundle, Listener(fan), {"release-radar": made}, today=TODAY)
    (fresh,) = [one for one in found if one.name == "new-releases"]
    assert fresh.tracks == tracks[: shelves.TRACKS]


def test_one_does_not_jump_back_into_what_one_has_hidden() -> None:
    def play(kind: str) -> Signal:
        return Signal(
            event_id=kind,
            user_id="u",
            kind="play",
            ts=datetime(2026, 11, 23, tzinfo=UTC),
            track_id=track_id(1),
            context_uri=f"spotify:{kind}:{kind}1",
        )

    signals = tuple(play(kind) for kind in shelves.CONTEXT_KINDS)
    assert len(shelves.contexts_of(Listener(Taste("u"), signals))) == 3
    for kind in shelves.CONTEXT_KINDS:
        hidden = Taste("u", hidden=frozenset({f"{kind}1"}))
        left = shelves.contexts_of(Listener(hidden, signals))
        assert len(left) == 2
        assert f"spotify:{kind}:{kind}1" not in left


# --- radio ------------------------------------------------------------------------------------


async def test_a_radio_starts_with_its_seed_and_stays_with_it(
    bundle: PlainBundle, fan: Taste
) -> None:
    seeds = radio.seed_rows(bundle, "track", track_id(65))
    found = await radio.make(bundle, Listener(fan), seeds, today=TODAY)
    assert found[0].row == 65
    assert found[0].why.kind == "your_seed"
    assert [one.row for one in found].count(65) == 1
    assert genres([one.item for one in found[:10]])["genre 1"] >= 8


@pytest.mark.parametrize(
    ("kind", "seed", "tracks", "genre"),
    [
        ("artist", artist_id(20), (), "genre 1"),
        ("album", a_world().items[80].album_id, (), "genre 1"),
        ("genre", "genre 3", (), "genre 3"),
        ("playlist", "x", [track_id(row) for row in range(120, 130)], "genre 2"),
    ],
)
async def test_a_radio_of_anything(
    bundle: PlainBundle, kind: str, seed: str, tracks: list[str], genre: str
) -> None:
    seeds = radio.seed_rows(bundle, kind, seed, tracks)
    found = await radio.make(bundle, Listener(Taste("new")), seeds, today=TODAY)
    assert genres([one.item for one in found[:10]])[genre] >= 8


async def test_a_skip_changes_the_next_track(bundle: PlainBundle) -> None:
    seeds = {0: 1.0, 60: 1.0}  # two genres: one is skipped
    listener = Listener(Taste("new"))
    before = await radio.make(bundle, listener, seeds, today=TODAY)
    first = before[0]
    skipped = Session((first.item.track_id,), (first.item.track_id,))
    after = await radio.make(bundle, replace(listener, session=skipped), seeds, today=TODAY)
    assert first.row not in {one.row for one in after}
    listened = Session((first.item.track_id,))
    liked = await radio.make(bundle, replace(listener, session=listened), seeds, today=TODAY)
    assert after[0].item.genres != first.item.genres
    assert (
        genres([one.item for one in after[:10]])[first.item.genres[0]]
        < (genres([one.item for one in liked[:10]])[first.item.genres[0]])
    )


async def test_a_skip_is_of_a_mood_and_the_radio_stays_with_its_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More candidates than a request ranks, all of which that are near to the seed are near to what
    is skipped, too; half of each genre are of one mood, half of another."""

    async def nothing(_: Sequence[str]) -> dict[str, Mapping[str, float]]:
        return {}

    monkeypatch.setattr(ordering, "_read", nothing)
    world = a_world(artists=100)
    assert len(world) > CANDIDATES
    seeds = range(400, 800, 57)
    moods = np.where(np.arange(len(world)) % 2, 1, -1)
    moods[seeds] = 0
    world.vectors[:, 100] = 0.4 * moods
    serving = ordering.Ordering()
    for seed in seeds:
        next_rows: list[int] = []
        for _ in range(4):
            skipped = tuple(track_id(row) for row in reversed(next_rows))
            session = Session((*skipped, track_id(seed)), skipped)
            listener = Listener(Taste("new"), session=session)
            found = await radio.make(
                world, listener, {seed: 1.0}, today=TODAY, order=serving(world, listener)
            )
            assert all(400 <= one.row < 800 for one in found[:20])
            next_rows.append(found[0].row)
        assert moods[next_rows[1]] != moods[next_rows[0]]


async def test_a_skip_changes_the_next_track_though_it_is_unlike_what_was_skipped() -> None:
    world = a_world(artists=100)
    for seed in range(3, len(world), 200):
        begun = Listener(Taste("new"), session=Session((track_id(seed),)))
        now, after_it, *_ = await radio.make(world, begun, {seed: 1.0}, today=TODAY)
        skipped = now.item.track_id
        session = Session((skipped, track_id(seed)), (skipped,))
        found = await radio.make(world, replace(begun, session=session), {seed: 1.0}, today=TODAY)
        assert found[0].row != after_it.row


async def test_a_seed_that_nothing_is_near_to_begins_too(bundle: PlainBundle) -> None:
    vectors = bundle.vectors.copy()
    vectors[65] = 0  # of which nothing is known
    alone = PlainBundle(bundle.items, vectors)
    seeds = radio.seed_rows(alone, "track", track_id(65))
    found = await radio.make(alone, Listener(Taste("new")), seeds, today=TODAY)
    assert found[0].row == 65
    heard = Listener(Taste("new"), session=Session((track_id(65),)))
    assert 65 not in {one.row for one in await radio.make(alone, heard, seeds, today=TODAY)}


async def test_an_unknown_seed_has_no_rows(bundle: PlainBundle) -> None:
    assert radio.seed_rows(bundle, "track", "nothing") == {}


# --- autoplay and "because" -------------------------------------------------------------------


async def test_autoplay_goes_on_from_the_last_tracks(bundle: PlainBundle) -> None:
    ended = [0, 4, 60, 64, 68]
    found = await autoplay.make(bundle, Listener(Taste("new")), ended, today=TODAY)
    assert not {one.row for one in found} & set(ended)
    assert genres([one.item for one in found[:10]])["genre 1"] >= 7


async def test_a_radio_does_not_go_on_from_what_was_skipped(bundle: PlainBundle) -> None:
    with_next = PlainBundle(bundle.items, bundle.vectors, follows={65: [200]})
    seeds = {61: 1.0}
    for skipped in ((), (track_id(65),)):
        listener = Listener(Taste("new"), session=Session((track_id(65), track_id(61)), skipped))
        found = await radio.make(with_next, listener, seeds, today=TODAY)
        follows = any(one.why.kind == "often_played_next" for one in found)
        assert follows == (not skipped)


async def test_autoplay_takes_what_comes_next(bundle: PlainBundle) -> None:
    with_next = PlainBundle(bundle.items, bundle.vectors, follows={68: [200]})
    found = await autoplay.make(with_next, Listener(Taste("new")), [60, 68], today=TODAY)
    (one,) = [one for one in found if one.row == 200]
    assert one.why.kind == "often_played_next"
    assert one.why.subject == track_id(68)


def test_similar_rows_are_for_everybody(bundle: PlainBundle) -> None:
    (row, other) = autoplay.similar(bundle, [3, 70], today=TODAY)
    assert row.track_id == track_id(3)
    assert len(row.tracks) == autoplay.SIMILAR
    assert track_id(3) not in {one.track_id for one in row.tracks}
    assert all(one.duration_ms >= 180_000 for one in other.tracks)


def test_because_speaks_of_two_artists_one_likes(bundle: PlainBundle, fan: Taste) -> None:
    taste = replace(fan, recent=(track_id(0), track_id(4), track_id(120)))
    taste = replace(taste, confidences={**taste.confidences, track_id(120): 5.0})
    subjects = because.subjects(bundle, taste, 2)
    assert subjects[0] == 120
    assert len({bundle.items[row].artist_ids for row in subjects}) == 2
    found = because.make(bundle, taste, subjects[0], today=TODAY)
    assert 0 < len(found) <= because.TRACKS
    assert {one.why.subject for one in found} == {track_id(120)}
