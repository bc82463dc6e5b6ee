from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from shared.abuse import measures
from shared.abuse.behaviour import (
    LEFT_PLAYING,
    MIN_PLAYS,
    SIGNALS,
    SUSPECT_AT,
    Ramp,
    assess,
)
from shared.abuse.measures import HOUR_MS, MINUTE_MS, PAUSE_MS, SECOND_MS
from shared.abuse.models import Listen

DEVICES = ("", "phone", "speaker", "car")
a_few = settings(max_examples=40)


@st.composite
def days(draw: st.DrawFn, devices: tuple[str, ...] = DEVICES) -> list[Listen]:
    """A machine's day in tendency, so that signals fire: patterns of plays, repeated and mixed,
    on several devices."""
    listens: list[Listen] = []
    now_ms = 0
    for _ in range(draw(st.integers(1, 4))):
        gaps = draw(
            st.lists(
                st.sampled_from([200, 5_000, 31_000, 33_000, 44_000, 180_000, 240_000, 2_000_000])
                | st.integers(1, 400_000),
                min_size=1,
                max_size=5,
            )
        )
        tracks = draw(st.lists(st.integers(0, 6), min_size=1, max_size=4))
        duration_ms = draw(st.sampled_from([0, 35_000, 62_000, 200_000, 7_200_000]))
        where = draw(st.lists(st.sampled_from(devices), min_size=1, max_size=3))
        turns = zip(
            itertools.cycle(gaps), itertools.cycle(tracks), itertools.cycle(where), strict=False
        )
        for gap_ms, track, device in itertools.islice(turns, draw(st.integers(1, 120))):
            listens.append(Listen(now_ms, f"t{track}", f"a{track // 3}", duration_ms, device))
            now_ms += gap_ms
    return listens


def with_pause(listens: list[Listen], after: int, pause_ms: int) -> list[Listen]:
    """All devices at rest for `pause_ms` before the play number `after`."""
    ordered = sorted(listens, key=lambda one: one.started_at_ms)
    from_ms = ordered[after % len(ordered)].started_at_ms
    return [
        replace(one, started_at_ms=one.started_at_ms + pause_ms * (one.started_at_ms >= from_ms))
        for one in ordered
    ]


@a_few
@given(days(), st.integers(0, 500), st.integers(PAUSE_MS, 10 * HOUR_MS))
def test_a_pause_never_raises_the_score_nor_any_signal(
    day: list[Listen], after: int, pause_ms: int
) -> None:
    before, rested = assess(day), assess(with_pause(day, after, pause_ms))
    assert rested.score <= before.score
    points = {finding.signal: finding.points for finding in before.findings}
    for finding in rested.findings:
        assert finding.points <= points.get(finding.signal, 0)


@a_few
@given(days(), st.randoms(use_true_random=False), st.integers(-(10**12), 10**12))
def test_neither_the_order_of_the_rows_nor_the_time_of_day_matters(
    day: list[Listen], rng: object, later_ms: int
) -> None:
    moved = [replace(one, started_at_ms=one.started_at_ms + later_ms) for one in day]
    rng.shuffle(moved)  # type: ignore[attr-defined]
    assert assess(moved) == assess(day)


@a_few
@given(days())
def test_the_score_is_the_sum_of_its_reasons(day: list[Listen]) -> None:
    found = assess(day)
    points = [finding.points for finding in found.findings]
    assert 0 <= found.score <= 1
    assert found.score == pytest.approx(min(1, sum(points)))
    assert points == sorted(points, reverse=True)
    weights = {signal.name: signal.weight for signal in SIGNALS}
    for finding in found.findings:
        assert 0 < finding.strength <= 1
        assert finding.points == pytest.approx(finding.strength * weights[finding.signal])


@a_few
@given(days(devices=("phone",)))
def test_one_device_is_the_same_with_a_name_and_without(day: list[Listen]) -> None:
    assert assess([replace(one, device_id="") for one in day]) == assess(day)


@a_few
@given(days())
def test_fewer_plays_than_a_habit_are_no_evidence(day: list[Listen]) -> None:
    assert assess(day[: MIN_PLAYS - 1]).score == 0


@a_few
@given(days())
def test_tracks_that_the_catalogue_does_not_know_were_never_cut_short(day: list[Listen]) -> None:
    unknown = assess([replace(one, artist_id="", duration_ms=0) for one in day])
    assert not {finding.signal for finding in unknown.findings} & {
        "beyond_the_clock",
        "cut_once_counted",
        "clockwork",
    }


def test_no_signal_alone_suspects_anybody_nor_do_those_of_music_left_playing() -> None:
    assert all(signal.weight < SUSPECT_AT for signal in SIGNALS)
    left_playing = sum(signal.weight for signal in LEFT_PLAYING)
    assert left_playing < SUSPECT_AT
    strongest = max(signal.weight for signal in SIGNALS if signal not in LEFT_PLAYING)
    assert strongest + min(signal.weight for signal in LEFT_PLAYING) < SUSPECT_AT


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
@example(1, 6, 3.5)
@example(0.25, 0.05, 0.15)
def test_a_ramp_leads_from_nothing_to_all(clear: float, certain: float, value: float) -> None:
    assume(abs(clear - certain) > 1e-3)
    ramp = Ramp(clear, certain)
    assert ramp.strength(clear) == 0
    assert ramp.strength(certain) == 1
    assert 0 <= ramp.strength(value) <= 1
    assert ramp.strength((clear + certain) / 2) == pytest.approx(0.5, abs=1e-6)


# --- the measures, by hand -------------------------------------------------------------------


def line(
    *gaps_s: float, duration_s: float = 200, device: str = "", start_s: float = 0
) -> list[Listen]:
    starts = itertools.accumulate((start_s, *gaps_s))
    return [
        Listen(int(start * SECOND_MS), "t", "a", int(duration_s * SECOND_MS), device)
        for start in starts
    ]


def test_four_devices_for_an_hour_are_two_hours_beyond_the_clock() -> None:
    hour = [200.0] * 18
    listens = [one for device in "abcd" for one in line(*hour, device=device)]
    assert measures.hours_beyond_the_clock(measures.by_device(listens)) == pytest.approx(2)
    two = [one for device in "ab" for one in line(*hour, device=device)]
    assert measures.hours_beyond_the_clock(measures.by_device(two)) == 0


def test_what_came_before_a_pause_is_not_believed_to_have_been_heard() -> None:
    listens = [one for device in "abcd" for one in line(3600, device=device)]
    assert measures.hours_beyond_the_clock(measures.by_device(listens)) == 0


def test_the_busiest_three_hours_count() -> None:
    slow, fast = [200.0] * 100, [20.0] * 540
    assert measures.plays_per_hour(line(*slow, *fast, *slow)) == pytest.approx(180, abs=1)


def test_only_plays_left_just_past_thirty_seconds_are_cut_once_they_counted() -> None:
    gaps = (29.9, 30, 44.9, 45, 200, 5)
    assert measures.cut_plays(measures.spacings(line(*gaps))) == (2, 2 / 4)
    short = measures.spacings(line(35, 35, 35, duration_s=38))
    assert measures.cut_plays(short) == (0, 0)


def test_a_clock_is_found_behind_pauses_and_whole_songs() -> None:
    gaps = [33.0, 33.0, 33.0, 33.0, 33.0, 33.0, 33.0, 200.0, 4000.0, 120.0] * 8
    assert measures.irregularity(measures.spacings(line(*gaps))) == 0


def test_the_variation_of_even_spread_skips_is_that_of_their_tightest_part() -> None:
    gaps = [float(n) for n in range(20, 120)]
    variation = measures.irregularity(measures.spacings(line(*gaps)))
    # 60 of them, from 60 s to 119 s: a deviation of 60 / sqrt(12) around 89.5
    assert variation == pytest.approx(60 / 12**0.5 / 89.5, rel=0.01)


def test_whole_songs_have_no_rhythm_but_the_musics() -> None:
    assert measures.irregularity(measures.spacings(line(*[200.0] * 100))) is None


def test_variety_is_the_number_of_equally_frequent_values() -> None:
    assert measures.variety(["a"] * 5) == pytest.approx(1)
    assert measures.variety("abcd" * 3) == pytest.approx(4)
    assert 1 < measures.variety("a" * 99 + "b") < 1.1


def test_a_rest_of_half_an_hour_ends_a_stretch() -> None:
    half_hour_s = PAUSE_MS / SECOND_MS
    under = measures.spacings(line(*[half_hour_s - 1] * 4))
    exactly = measures.spacings(line(*[half_hour_s] * 4))
    assert measures.hours_without_pause(under) == pytest.approx(2, abs=0.01)
    assert measures.hours_without_pause(exactly) == 0


def test_an_assumed_song_is_shorter_than_a_pause() -> None:
    assert measures.LONGEST_TRACK_MS + measures.START_SLACK_MS < PAUSE_MS
    assert PAUSE_MS == 30 * MINUTE_MS
