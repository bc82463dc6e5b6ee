"""What is recommended is near to what was asked, explained, and the same each time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.analysis.models import AudioFeatures
from shared.catalog.models import Album, Artist
from shared.recommendations.models import ATTRIBUTES, Candidate, Reason, Seed, Tuning
from shared.recommendations.rules import MAX_PER_ALBUM, MAX_PER_ARTIST
from shared.recommendations.scoring import (
    UNKNOWN_DISTANCE,
    centre,
    choose,
    distance,
    score,
    within,
)
from tests.unit.catalog.samples import a_track, an_album, an_artist

SEED = Seed("genre", "jazz")
NO_TUNING = Tuning({}, {}, {})


def candidate(
    artist: Artist | None = None,
    popularity: int = 50,
    *,
    album: Album | None = None,
    isrc: str | None = None,
    **sound: Any,
) -> Candidate:
    on = album or an_album(artist or an_artist())
    artists = artist or an_artist()
    track = a_track(on, popularity=popularity, isrc=isrc, artists=(artists.ref(),))
    features = AudioFeatures(id=track.id, duration_ms=track.duration_ms, **sound)
    return Candidate(track, features if sound else None)


def chosen(candidates: list[Candidate], limit: int = 10, **target: float) -> list[Candidate]:
    reasons = {one.track.id: [Reason(SEED, "of genre")] for one in candidates}
    by_id = {one.track.id: one for one in candidates}
    found = choose(candidates, reasons, target, {}, limit)
    assert all(one.reasons == (Reason(SEED, "of genre"),) for one in found)
    return [by_id[one.track.id] for one in found]


def test_the_nearest_to_the_target_comes_first() -> None:
    far, near, unknown = candidate(energy=0.1), candidate(energy=0.8), candidate()
    assert chosen([far, unknown, near], energy=0.9) == [near, unknown, far]


def test_of_equally_near_tracks_the_more_popular_comes_first() -> None:
    rare, known = candidate(popularity=3, energy=0.5), candidate(popularity=70, energy=0.502)
    assert chosen([rare, known], energy=0.5) == [known, rare]


def test_one_artist_has_two_tracks_at_most() -> None:
    artist = an_artist()
    theirs = [candidate(artist, popularity=90 - n, energy=0.5) for n in range(4)]
    other = candidate(popularity=1, energy=0.5)
    assert chosen([*theirs, other], energy=0.5) == [*theirs[:MAX_PER_ARTIST], other]


def test_an_album_has_three_tracks_at_most_and_a_recording_one() -> None:
    compilation = an_album(an_artist())
    of_many = [candidate(album=compilation, popularity=90 - n, energy=0.5) for n in range(5)]
    again = [candidate(popularity=20 - n, isrc="QZ1", energy=0.5) for n in range(2)]
    assert chosen([*of_many, *again], energy=0.5) == [*of_many[:MAX_PER_ALBUM], again[0]]


def test_targets_weigh_equally_and_more_than_the_seeds_sound() -> None:
    values = {"energy": 1.0, "valence": 0.0}
    both, distances = score(values, {"energy": 1.0, "valence": 1.0}, {})
    assert both == pytest.approx(0.5)
    assert distances == {"energy": 0.0, "valence": 1.0}
    overruled, _ = score(values, {"energy": 1.0}, {"energy": 0.0, "valence": 1.0})
    assert overruled == pytest.approx(1 - 0.25 / 1.25)


def test_floors_and_ceilings_are_hard_and_the_unknown_passes_none() -> None:
    values = candidate(energy=0.5, key=-1).values
    assert within(values, Tuning({"energy": 0.5}, {"energy": 0.5}, {}))
    assert not within(values, Tuning({"energy": 0.51}, {}, {}))
    assert not within(values, Tuning({}, {"energy": 0.49}, {}))
    assert not within(values, Tuning({"key": 0}, {}, {}))
    assert not within(candidate().values, Tuning({}, {"energy": 1.0}, {}))
    assert within(candidate().values, Tuning({}, {"popularity": 50}, {}))


def test_pitch_classes_lie_on_a_circle() -> None:
    assert distance("key", 11, 0) == distance("key", 0, 11) == pytest.approx(1 / 6)
    assert distance("key", 6, 0) == 1.0
    assert distance("mode", 0, 1) == 1.0


def test_the_centre_is_the_mean_of_what_is_known() -> None:
    middle = centre([candidate(energy=0.2).values, candidate(energy=0.6).values, {}])
    assert middle["energy"] == pytest.approx(0.4)
    assert "popularity" not in middle
    assert centre([]) == {}
    assert score({}, {}, {}) == (1 - UNKNOWN_DISTANCE, {})


numbers = st.floats(-1e9, 1e9)
values = st.dictionaries(st.sampled_from(sorted(ATTRIBUTES)), numbers)


@given(values, values, values)
def test_a_score_is_a_share_whatever_is_asked(has: Any, target: Any, middle: Any) -> None:
    points, distances = score(has, target, middle)
    assert -1e-9 <= points <= 1 + 1e-9
    assert all(0 <= one <= 1 for one in distances.values())


@given(st.permutations(range(6)))
def test_the_order_of_the_candidates_does_not_matter(order: list[int]) -> None:
    shuffled = [CANDIDATES[number] for number in order]
    assert chosen(shuffled, energy=0.5) == chosen(CANDIDATES, energy=0.5)


CANDIDATES = [candidate(popularity=n // 2, energy=0.5) for n in range(6)]
