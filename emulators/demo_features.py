"""Audio features of a synthesised track, as the demo catalogue states them.

They hold until `jobs/analyze_audio` has listened to the masters, within a quarter of an hour. What
its score says is exact: tempo, key, mode and time signature. The others are simple, stated measures
of the signal (44.1 kHz, both channels averaged, frames of 2048 samples):

loudness          20 log10 of the whole signal's RMS, in dB
energy            loudness from -30 dB (0) to -6 dB (1)
danceability      how much of the frame energies' autocorrelation stands at one beat, 0..1
acousticness      1 - the spectral centroid's mean from 500 Hz (1) to 5 kHz (0)
valence           0.65 for the major scales and 0.35 for the minor ones, moved by up to 0.25 by the
                  tempo (60 to 180 BPM)
liveness          the share of energy in the quietest tenth of the frames, as a ratio to the mean
speechiness       0.03: nobody speaks; instrumentalness 0.95: nobody sings
"""

from __future__ import annotations

import numpy as np

from emulators.demo_synth import RATE_HZ, Samples, Style

_FRAME = 2048
_MAJOR = ("major", "mixolydian")


def measure(style: Style, samples: Samples) -> dict[str, float | int]:
    """The features of `samples` (2, n), which were played in `style`, as a catalogue line has
    them."""
    mono = samples.mean(axis=0)
    frames = mono[: mono.size // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.mean(frames.astype(np.float64) ** 2, axis=1)
    loudness = 10 * np.log10(max(float(np.mean(mono.astype(np.float64) ** 2)), 1e-9))
    major = style.scale in _MAJOR
    moved = 0.25 * (min(max(style.tempo_bpm, 60), 180) - 120) / 60
    return {
        "tempo": float(style.tempo_bpm),
        "key": style.root % 12,
        "mode": int(major),
        "time_signature": 4,
        "loudness": round(loudness, 2),
        "energy": _share((loudness + 30) / 24),
        "danceability": _share(_pulse(power, style.tempo_bpm)),
        "acousticness": _share(1 - (_centroid_hz(frames) - 500) / 4500),
        "valence": _share((0.65 if major else 0.35) + moved),
        "liveness": _share(float(np.quantile(power, 0.1) / max(power.mean(), 1e-12))),
        "speechiness": 0.03,
        "instrumentalness": 0.95,
    }


def _share(value: float) -> float:
    return round(min(max(float(value), 0.0), 1.0), 3)


def _pulse(power: np.ndarray, tempo_bpm: float) -> float:
    """Autocorrelation of the frame energies at one beat, by that at none."""
    varied = power - power.mean()
    lag = round(60 / tempo_bpm * RATE_HZ / _FRAME)
    whole = float(varied @ varied)
    return float(varied[lag:] @ varied[:-lag]) / whole if whole else 0.0


def _centroid_hz(frames: np.ndarray) -> float:
    shaped = frames[::8] * np.hanning(_FRAME)  # every eighth frame is enough
    spectrum = np.abs(np.fft.rfft(shaped, axis=1))
    hz = np.fft.rfftfreq(_FRAME, 1 / RATE_HZ)
    weight = spectrum.sum(axis=1)
    loud = weight > 1e-3
    return float(((spectrum @ hz)[loud] / weight[loud]).mean()) if loud.any() else 0.0
