"""Key and mode (F197). Pure.

Spectral peaks between 60 Hz and 2.1 kHz are tuned (the circular mean of how far they lie from
equal temperament at 440 Hz), weighted by the square root of their magnitude and summed by pitch
class; each counts as well for the fundamentals of which it may be the second to fourth harmonic
(harmonic pitch class profile; Gómez 2006). The pitch classes below 250 Hz are added once more: a
bass plays roots. The key is the rotation of a profile that correlates best with it (Krumhansl and
Schmuckler; profiles of Krumhansl and Kessler 1982). Two modes that popular music is full of have
the notes of another key and are told by profiles of their own: Dorian, minor with its sixth degrees
exchanged, and Mixolydian, major with its seventh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.analysis.extraction.spectra import Partials

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
DORIAN_PROFILE = (*MINOR_PROFILE[:8], MINOR_PROFILE[9], MINOR_PROFILE[8], *MINOR_PROFILE[10:])
MIXOLYDIAN_PROFILE = (*MAJOR_PROFILE[:10], MAJOR_PROFILE[11], MAJOR_PROFILE[10])
PROFILES = (
    (1, MAJOR_PROFILE),
    (0, MINOR_PROFILE),
    (0, DORIAN_PROFILE),
    (1, MIXOLYDIAN_PROFILE),
)
BASS_HZ, BASS_WEIGHT = 250.0, 0.6
HARMONICS = (1, 2, 3, 4)
HARMONIC_DECAY = 0.6  # a harmonic says that much less of its fundamental than the one before
MIN_CORRELATION = 0.4  # of a key; noise reaches 0.3
MIN_STABILITY = 0.2  # of a key; noise and speech have 0.02, a drum kit 0.1
MIN_FRAMES = 10  # about a second


@dataclass(frozen=True, slots=True)
class Tonality:
    """`key` is a pitch class (0 = C, -1 unknown), `mode` 1 major or 0 minor; `strength` (0..1) the
    correlation with its profile; `stability` (0..1) how near the partials lie to the pitches of
    one tuning: some 1 for instruments of fixed pitch, 0 for noise."""

    key: int
    mode: int
    strength: float
    stability: float


NO_TONALITY = Tonality(-1, 1, 0.0, 0.0)


def tonality(partials: Partials) -> Tonality:
    """The tonality of a signal; `NO_TONALITY` for one without partials or shorter than a second."""
    import numpy as np

    if partials.hz.size == 0 or partials.frames < MIN_FRAMES:
        return NO_TONALITY
    weight = np.sqrt(partials.magnitude).astype(np.float64)
    pitch = 69 + 12 * np.log2(partials.hz.astype(np.float64) / 440)
    angle = 2 * np.pi * (pitch % 1)
    resultant = complex((weight * np.exp(1j * angle)).sum() / weight.sum())
    stability = abs(resultant)
    tuned = pitch - float(np.angle(resultant)) / (2 * np.pi)
    profile = _shares(pitch_classes(tuned, weight))
    bass = partials.hz < BASS_HZ
    profile += BASS_WEIGHT * _shares(pitch_classes(tuned[bass], weight[bass], harmonics=(1,)))
    scores = {
        (key, mode, shape): float(np.corrcoef(np.roll(shape, key), profile)[0, 1])
        for mode, shape in PROFILES
        for key in range(12)
    }
    (key, mode, _), strength = max(scores.items(), key=lambda one: one[1])
    if not strength >= MIN_CORRELATION or stability < MIN_STABILITY:
        return Tonality(-1, 1, max(strength, 0.0), stability)
    return Tonality(key, mode, strength, stability)


def pitch_classes(
    pitch: NDArray[np.float64],
    weight: NDArray[np.float64],
    harmonics: Sequence[int] = HARMONICS,
) -> NDArray[np.float64]:
    """Weights (12,) of the pitch classes from C on; `pitch` is in MIDI's numbers."""
    import numpy as np

    found = np.zeros(12)
    for number in harmonics:
        fundamental = pitch - 12 * np.log2(number)
        off = np.abs((fundamental + 0.5) % 1 - 0.5)
        share = weight * np.cos(np.pi * off) ** 2 * HARMONIC_DECAY ** (number - 1)
        np.add.at(found, np.rint(fundamental).astype(int) % 12, share)
    return found


def _shares(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = weights / max(float(weights.sum()), 1e-12)
    return found
