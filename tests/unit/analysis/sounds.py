"""Sounds whose truth is known: clicks, chords, speech, voices, rooms. Mono float32 at 22.05 kHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from shared.analysis.extraction.spectra import RATE_HZ

Sound = NDArray[np.float32]

MAJOR, MINOR = (0, 4, 7), (0, 3, 7)
# Degrees in semitones and their chords: I IV V I vi IV V I, and i iv V i VI iv V i.
MAJOR_CADENCE = ((0, MAJOR), (5, MAJOR), (7, MAJOR), (0, MAJOR),
                 (9, MINOR), (5, MAJOR), (7, MAJOR), (0, MAJOR))  # fmt: skip
MINOR_CADENCE = ((0, MINOR), (5, MINOR), (7, MAJOR), (0, MINOR),
                 (8, MAJOR), (5, MINOR), (7, MAJOR), (0, MINOR))  # fmt: skip


def silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def noise(seconds: float, *, level: float = 0.1, seed: int = 1) -> Sound:
    random = np.random.default_rng(seed)
    return (level * random.standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def tone(pitch: float, seconds: float, *, partials: int = 6) -> Sound:
    """A plucked note at `pitch` in MIDI's numbers."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    hz = 440 * 2 ** ((pitch - 69) / 12)
    wave = sum(np.sin(2 * np.pi * hz * n * time) / n for n in range(1, partials + 1))
    wave = wave * np.exp(-2 * time / seconds) * np.minimum(1, 200 * time)
    return np.asarray(0.2 * wave, np.float32)


def clicks(bpm: float, beats_a_bar: int, seconds: float, *, seed: int = 1) -> Sound:
    """Drums: a low stroke on the first beat of a bar, high ones on the others."""
    made = silence(seconds)
    random = np.random.default_rng(seed)
    time = np.arange(round(0.08 * RATE_HZ)) / RATE_HZ
    low = 0.8 * np.sin(2 * np.pi * 70 * time) * np.exp(-40 * time)
    high = 0.25 * random.standard_normal(time.size) * np.exp(-90 * time)
    for number, start in enumerate(np.arange(0.1, seconds - 0.1, 60 / bpm)):
        at = round(start * RATE_HZ)
        made[at : at + time.size] += (low + high if number % beats_a_bar == 0 else high)[
            : made.size - at
        ].astype(np.float32)
    return made


def cadence(key: int, *, is_major: bool, chord_s: float = 0.9, detune: float = 0.0) -> Sound:
    """A chord progression, twice, in the key of pitch class `key`, with its bass."""
    parts = []
    for degree, chord in MAJOR_CADENCE if is_major else MINOR_CADENCE:
        root = 48 + key + degree
        notes = [root - 12, *(root + third for third in chord), root + 12]
        parts.append(sum(tone(note + detune, chord_s) for note in notes))
    return np.concatenate(parts * 2).astype(np.float32)


def waltz_or_march(
    bpm: float, beats_a_bar: int, key: int = 0, *, bars: int = 16, is_major: bool = True
) -> Sound:
    """Bass on one, chords on the other beats, a new harmony each bar; no drums."""
    beat_s = 60 / bpm
    changes = MAJOR_CADENCE if is_major else MINOR_CADENCE
    made = silence(bars * beats_a_bar * beat_s + 2)
    for bar in range(bars):
        degree, chord = changes[bar % len(changes)]
        for beat in range(beats_a_bar):
            at = round((bar * beats_a_bar + beat) * beat_s * RATE_HZ)
            root = 48 + key + degree
            notes = [root - 12] if beat == 0 else [root + third for third in chord]
            for note in notes:
                sound = tone(note, min(1.5 * beat_s, 1.0)) * (1.6 if beat == 0 else 0.6)
                made[at : at + sound.size] += sound
    return made


def speech(seconds: float, *, seed: int = 1) -> Sound:
    """Syllables, four a second and uneven: gliding pulses or hiss through changing formants, with
    pauses between phrases."""
    random = np.random.default_rng(seed)
    parts: list[Sound] = []
    length = 0.0
    while length < seconds:
        for _ in range(int(random.integers(4, 10))):
            duration = float(random.uniform(0.13, 0.3))
            time = np.arange(round(duration * RATE_HZ)) / RATE_HZ
            hz = 120 * 2 ** (random.uniform(-0.3, 0.3) + random.uniform(-1.5, 1.5) * time)
            voiced = np.sign(np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ))
            hiss = random.standard_normal(time.size)
            source = hiss if random.random() < 0.25 else voiced
            wave = np.zeros(time.size)
            for centre in (random.uniform(300, 800), random.uniform(900, 2300), 2800):
                b, a = signal.iirpeak(centre, 6, fs=RATE_HZ)
                wave += signal.lfilter(b, a, source)
            parts.append((0.3 * wave * np.hanning(time.size) ** 0.7).astype(np.float32))
            parts.append(silence(float(random.uniform(0.02, 0.08))))
        parts.append(silence(float(random.uniform(0.2, 0.6))))
        length = sum(part.size for part in parts) / RATE_HZ
    return np.concatenate(parts)[: round(seconds * RATE_HZ)]


def song_voice(seconds: float, *, seed: int = 1) -> Sound:
    """A sung line: notes of a scale with vibrato (5.5 Hz, 60 cents) and portamento, formants."""
    random = np.random.default_rng(seed)
    note_s = 0.8
    scale = np.array([57, 59, 60, 62, 64, 65, 67, 69])
    pitch = np.repeat(random.choice(scale, int(seconds / note_s) + 1), round(note_s * RATE_HZ))
    pitch = pitch[: round(seconds * RATE_HZ)].astype(float)
    pitch = signal.lfilter([0.0008], [1, -0.9992], pitch - pitch[0]) + pitch[0]
    time = np.arange(pitch.size) / RATE_HZ
    hz = 440 * 2 ** ((pitch + 0.6 * np.sin(2 * np.pi * 5.5 * time) - 69) / 12)
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    wave = np.asarray(sum(np.sin(n * phase) / n for n in range(1, 12)))
    formed = sum(
        signal.lfilter(*signal.iirpeak(centre, 4, fs=RATE_HZ), wave) for centre in (600, 1100, 2600)
    )
    swell = 0.6 + 0.4 * np.abs(np.sin(np.pi * time / note_s))
    return np.asarray(0.2 * formed * swell, np.float32)


def in_a_hall(sound: Sound, *, seed: int = 1) -> Sound:
    """`sound` with a hall's reverberation and an audience."""
    random = np.random.default_rng(seed)
    time = np.arange(round(1.8 * RATE_HZ)) / RATE_HZ
    tail = random.standard_normal(time.size) * np.exp(-3.5 * time)
    wet = signal.fftconvolve(sound, tail / np.sqrt((tail**2).sum()))[: sound.size]
    murmur = random.standard_normal(sound.size) * (1 + 0.3 * np.sin(
        2 * np.pi * 0.3 * np.arange(sound.size) / RATE_HZ))  # fmt: skip
    crowd = signal.lfilter(*signal.butter(2, [400, 6000], "bandpass", fs=RATE_HZ), murmur)
    rms = float(np.sqrt(np.mean(sound**2)))
    crowd *= 0.2 * rms / np.sqrt(np.mean(crowd**2))
    return np.asarray(sound + 0.4 * wet + crowd, np.float32)
