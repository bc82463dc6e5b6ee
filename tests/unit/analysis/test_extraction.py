"""What is measured of sounds whose truth is known, and of sounds that have none."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import signal

from emulators import demo
from emulators.demo_synth import SCALES, Band
from shared.analysis.extraction import rhythm, spectra, tonality
from shared.analysis.extraction.features import MIN_LOUDNESS_DB, extract
from shared.analysis.models import AudioFeatures
from tests.unit.analysis import sounds
from tests.unit.analysis.sounds import Sound

SHARES = (
    *("danceability", "energy", "valence", "speechiness"),
    *("acousticness", "instrumentalness", "liveness"),
)


def measured(sound: Sound, *, lufs: float = -14.0) -> AudioFeatures:
    return extract("t", sound, loudness_lufs=lufs, duration_ms=1_000)


def is_tempo(measured_bpm: float, true_bpm: float, *, octaves: bool = False) -> bool:
    """Within 4 %, as MIREX counts; of twice or half of it as well where `octaves`."""
    factors = (0.5, 1, 2) if octaves else (1,)
    return any(abs(measured_bpm / (true_bpm * factor) - 1) < 0.04 for factor in factors)


@cache
def demo_sounds() -> tuple[tuple[demo.DemoTrack, Sound], ...]:
    """The demo tracks, half a minute of each."""
    made = []
    for disc, album in enumerate(demo.ALBUMS):
        for number, track in enumerate(album.tracks, start=1):
            stereo = Band(track.style, 30, seed=100 * (disc + 1) + number).play()
            mono = signal.resample_poly(stereo.mean(axis=0), 1, 2).astype(np.float32)
            made.append((track, mono))
    return tuple(made)


@pytest.mark.parametrize("beats_a_bar", [3, 4])
@pytest.mark.parametrize("bpm", [70, 90, 104, 120, 137, 150])
def test_clicks_have_their_tempo_and_their_bars(bpm: float, beats_a_bar: int) -> None:
    found = measured(sounds.clicks(bpm, beats_a_bar, 30))
    assert abs(found.tempo - bpm) < 0.5
    assert found.time_signature == beats_a_bar


@pytest.mark.parametrize("beats_a_bar", [5, 7])
def test_odd_bars_are_told(beats_a_bar: int) -> None:
    assert measured(sounds.clicks(120, beats_a_bar, 40)).time_signature == beats_a_bar


@pytest.mark.parametrize("beats_a_bar", [3, 4])
@pytest.mark.parametrize("bpm", [80, 104, 126])
def test_a_waltz_is_no_march_without_any_drum(bpm: float, beats_a_bar: int) -> None:
    found = measured(sounds.waltz_or_march(bpm, beats_a_bar, key=5, bars=24))
    assert is_tempo(found.tempo, bpm)
    assert (found.time_signature, found.key, found.mode) == (beats_a_bar, 5, 1)


@pytest.mark.parametrize("is_major", [True, False])
@pytest.mark.parametrize("key", range(12))
def test_a_cadence_has_its_key_in_any_tuning(key: int, is_major: bool) -> None:
    for detune in (0.0, 0.3):
        found = measured(sounds.cadence(key, is_major=is_major, detune=detune))
        assert (found.key, found.mode) == (key, int(is_major)), detune


def test_the_demo_tracks_have_the_tempo_and_the_notes_of_their_scores() -> None:
    exact = octave = keys = related = 0
    for track, sound in demo_sounds():
        found, style = measured(sound), track.style
        exact += is_tempo(found.tempo, style.tempo_bpm)
        octave += is_tempo(found.tempo, style.tempo_bpm, octaves=True)
        is_major = style.scale in ("major", "mixolydian")
        keys += (found.key, found.mode) == (style.root % 12, int(is_major))
        relative = (style.root - 3 if is_major else style.root + 3) % 12
        related += (found.key, found.mode) == (relative, int(not is_major))
        scale = SCALES["major" if found.mode else "minor"]
        notes = {(found.key + step) % 12 for step in scale}
        assert len(notes & {(style.root + step) % 12 for step in SCALES[style.scale]}) >= 6
    assert exact >= 6
    assert octave == 10
    assert keys >= 5
    assert keys + related >= 7


def test_tempo_is_no_worse_than_librosas() -> None:
    from librosa.beat import beat_track

    ours = theirs = 0
    for track, sound in demo_sounds():
        tempo, _ = beat_track(y=sound, sr=spectra.RATE_HZ)
        ours += is_tempo(measured(sound).tempo, track.style.tempo_bpm, octaves=True)
        theirs += is_tempo(float(np.ravel(tempo)[0]), track.style.tempo_bpm, octaves=True)
    assert ours >= theirs


def test_the_mel_bands_are_librosas() -> None:
    from librosa.filters import mel

    hz = np.fft.rfftfreq(spectra.FRAME, 1 / spectra.RATE_HZ).astype(np.float32)
    theirs = mel(
        sr=spectra.RATE_HZ,
        n_fft=spectra.FRAME,
        n_mels=spectra.MEL_BANDS,
        fmin=spectra.LOW_HZ,
        fmax=spectra.HIGH_HZ,
        htk=True,
        norm=None,
    )
    assert np.allclose(spectra.mel_bank(hz), theirs, atol=1e-4)


def test_speech_is_told_from_music_and_from_noise() -> None:
    spoken = [measured(sounds.speech(20, seed=seed)) for seed in (1, 5, 9)]
    others = [
        measured(sounds.cadence(0, is_major=True)),
        measured(sounds.waltz_or_march(120, 4)),
        measured(sounds.clicks(120, 4, 20)),
        measured(sounds.noise(20)),
        measured(sounds.song_voice(20)),
        *(measured(sound) for _, sound in demo_sounds()),
    ]
    assert min(one.speechiness for one in spoken) > 0.5
    assert max(one.speechiness for one in others) < 0.15
    assert all(one.key == -1 for one in spoken)


def test_a_voice_is_told_from_instruments_alone_and_among_them() -> None:
    band = sounds.waltz_or_march(120, 4)
    voice = sounds.song_voice(band.size / spectra.RATE_HZ + 1)[: band.size]
    assert measured(voice).instrumentalness < 0.1
    assert measured(band + voice).instrumentalness < 0.75
    assert measured(band).instrumentalness > 0.95
    assert all(measured(sound).instrumentalness > 0.9 for _, sound in demo_sounds())


def test_a_hall_is_told_from_a_studio() -> None:
    for dry in (sounds.cadence(0, is_major=True), sounds.waltz_or_march(120, 4)):
        assert measured(dry).liveness < 0.1
        assert measured(sounds.in_a_hall(dry)).liveness > 0.4


def test_louder_is_more_energetic_and_a_bright_busy_sound_less_acoustic() -> None:
    band = sounds.waltz_or_march(120, 4)
    quiet, loud = measured(band, lufs=-24), measured(band, lufs=-6)
    assert loud.energy > quiet.energy + 0.4
    assert (quiet.loudness, loud.loudness) == (-24, -6)
    busy = band + sounds.clicks(240, 4, band.size / spectra.RATE_HZ + 1)[: band.size]
    busy = busy + sounds.noise(band.size / spectra.RATE_HZ + 1, level=0.03)[: band.size]
    assert measured(busy).acousticness < measured(band).acousticness - 0.15


def test_a_steady_beat_is_more_danceable_than_none() -> None:
    steady = measured(sounds.clicks(115, 4, 30)).danceability
    assert steady > 0.9
    assert measured(sounds.clicks(60, 4, 30)).danceability < steady
    assert measured(sounds.speech(20)).danceability < 0.7
    assert measured(sounds.noise(20)).danceability < 0.1


def test_major_sounds_happier_than_minor() -> None:
    major, minor = (measured(sounds.cadence(2, is_major=one)) for one in (True, False))
    assert major.valence > minor.valence + 0.1


@pytest.mark.parametrize(
    "sound",
    [
        sounds.silence(5),
        sounds.silence(0),
        sounds.silence(0.01),
        sounds.noise(5, level=1e-5),
    ],
    ids=["silence", "nothing", "ten milliseconds", "dither"],
)
def test_silence_has_honest_defaults(sound: Sound) -> None:
    found = measured(sound, lufs=-70)
    assert (found.key, found.tempo, found.loudness) == (-1, 0, MIN_LOUDNESS_DB)
    assert found.time_signature == 4
    assert all(getattr(found, name) == 0 for name in SHARES)


@pytest.mark.parametrize(
    "sound",
    [
        sounds.tone(60, 0.02),
        sounds.tone(60, 2.0),
        sounds.noise(3),
        np.ones(spectra.RATE_HZ, np.float32),
        np.sign(sounds.noise(3)).astype(np.float32),
        sounds.clicks(120, 4, 2.5),
        np.eye(1, 5 * spectra.RATE_HZ, 4_000, dtype=np.float32)[0],
        np.concatenate([sounds.silence(10), sounds.tone(69, 1)]),
    ],
    ids=["20 ms", "2 s", "noise", "direct current", "clipped", "four clicks", "impulse", "late"],
)
def test_nothing_makes_it_fail_or_leave_its_ranges(sound: Sound) -> None:
    found = measured(sound)
    assert all(0 <= getattr(found, name) <= 1 for name in SHARES)
    assert 0 <= found.tempo < 250
    assert found.key in range(-1, 12)
    assert AudioFeatures.model_validate(found.to_document()) == found


def test_noise_has_no_key_and_a_moment_of_sound_has_none_either() -> None:
    assert measured(sounds.noise(10)).key == -1
    assert measured(sounds.tone(60, 0.5)).key == -1


def test_the_same_sound_is_measured_the_same_way() -> None:
    sound = sounds.waltz_or_march(110, 3)
    assert measured(sound) == measured(sound.copy())


def test_what_is_no_mono_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="mono samples"):
        measured(np.zeros((2, 1000), np.float32))
    with pytest.raises(ValueError, match="mono samples"):
        measured(np.full(1000, np.nan, np.float32))


def test_blocks_do_not_show() -> None:
    """A track of several blocks has the spectra of its parts."""
    sound = sounds.waltz_or_march(120, 4, bars=12)
    whole = spectra.spectra(sound)
    start = 1_100  # frames; within the second block
    part = spectra.spectra(sound[start * spectra.HOP :])
    assert np.allclose(whole.level_db[start:], part.level_db, atol=1e-3)
    assert np.allclose(whole.centroid_hz[start:], part.centroid_hz, rtol=1e-3)
    assert np.allclose(whole.glide[start + 1 :], part.glide[1:], atol=0.1, equal_nan=True)


def test_partials_lie_where_the_tones_are() -> None:
    found = spectra.partials(sounds.tone(69, 3, partials=1))
    loud = found.magnitude > 0.1 * found.magnitude.max()
    assert np.abs(found.hz[loud] - 440).max() < 0.5


def test_rhythm_and_tonality_of_nothing() -> None:
    assert rhythm.rhythm(spectra.spectra(sounds.silence(5))) == rhythm.NO_RHYTHM
    assert tonality.tonality(spectra.partials(sounds.silence(5))) == tonality.NO_TONALITY
