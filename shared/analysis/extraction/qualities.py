"""What a track is like, as shares of 0..1 (F197). Pure.

The Web API defines these in words alone; here each is a stated measure of the signal. `ramp(x, a,
b)` is 0 at `a`, 1 at `b` and straight between. Levels are of frames of 93 ms that are no silence.

energy            0.7 ramp(LUFS, -26, 0) + 0.15 ramp(onsets a second, 0, 6)
                  + 0.15 ramp(spectral centroid, 500, 4000 Hz). The first is the line on which the
                  energy of 15,000 real tracks stands to their loudness (0.044 a dB, R² 0.53).
danceability      0.45 pulse clarity + 0.25 regularity of the beats + 0.3 how danceable the tempo is
                  (a Gaussian in octaves around 110 BPM, where that of real tracks peaks). Beat
                  strength, regularity and tempo are what the Web API names.
valence           -0.13 + 0.57 danceability + 0.42 energy + 0.1 for major, -0.1 for minor. The first
                  three are the least squares over the same 15,000 tracks (R² 0.28; there the mode
                  says nothing); what listeners hear in the modes is Hevner's (1935).
speechiness       the product of ramp(share of the loudness's modulation at 2..8 Hz, the rate of
                  syllables, in the voice's band, 0.2, 0.45; Scheirer and Slaney 1997), ramp(share
                  of frames 9 dB below the mean: pauses, 0.1, 0.35; Saunders 1996), ramp(stability
                  of pitch, 0.3, 0.05) and 1 - pulse clarity
acousticness      the mean of how dark the sound is (1 - ramp(centroid, 800, 3500 Hz)), how much
                  the level moves (ramp(standard deviation of its dB, 2, 8)) and how few onsets
                  there are (1 - ramp(onsets a second, 1, 6))
instrumentalness  1 - the evidence of a voice: ramp(share of frames whose partials glide by 4..60
                  cents in 12 ms, 0.1, 0.5; vibrato and portamento, Regnier and Peeters 2009), or
                  the speechiness where that is more
liveness          ramp(level of the quietest tenth of the frames against the mean, -40, -10 dB) x
                  ramp(their flatness, 0.02, 0.3): between its phrases a studio is silent, a hall
                  is full of noise

Speechiness, acousticness, instrumentalness and liveness are coarse: no ground truth in numbers was
at hand, and each is held by tests to what it must tell apart and no more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.analysis.extraction.rhythm import Rhythm
from shared.analysis.extraction.spectra import FRAMES_PER_S, MEL_BANDS, Spectra
from shared.analysis.extraction.tonality import Tonality

if TYPE_CHECKING:
    from shared.analysis.extraction.spectra import Floats

DANCE_BPM, DANCE_OCTAVES = 110.0, 0.5
SYLLABLES_HZ = (2.0, 8.0)
GLIDE_CENTS = (4.0, 60.0)
_VOICE_BANDS = slice(MEL_BANDS // 8, MEL_BANDS * 3 // 4)  # some 300 Hz to 4 kHz


@dataclass(frozen=True, slots=True)
class Qualities:
    """Each 0..1; see the module."""

    danceability: float
    energy: float
    valence: float
    speechiness: float
    acousticness: float
    instrumentalness: float
    liveness: float


def qualities(
    spectra: Spectra, rhythm: Rhythm, tonality: Tonality, loudness_lufs: float
) -> Qualities:
    """The qualities of a signal that is not silent throughout."""
    import numpy as np

    sounding = spectra.sounding
    level = spectra.level_db[sounding]
    centroid_hz = float(np.median(spectra.centroid_hz[sounding]))
    dance_tempo = 0.0
    if rhythm.tempo_bpm:
        octaves = math.log2(rhythm.tempo_bpm / DANCE_BPM)
        dance_tempo = math.exp(-0.5 * (octaves / DANCE_OCTAVES) ** 2)
    danceability = 0.45 * rhythm.clarity + 0.25 * rhythm.regularity + 0.3 * dance_tempo
    energy = (
        0.7 * ramp(loudness_lufs, -26, 0)
        + 0.15 * ramp(rhythm.onsets_per_s, 0, 6)
        + 0.15 * ramp(centroid_hz, 500, 4_000)
    )
    mode = 0.0 if tonality.key < 0 else 0.1 if tonality.mode else -0.1
    speechiness = (
        ramp(_syllables(spectra), 0.2, 0.45)
        * ramp(_pauses(spectra), 0.1, 0.35)
        * ramp(tonality.stability, 0.3, 0.05)
        * (1 - rhythm.clarity)
    )
    return Qualities(
        danceability=_share(danceability),
        energy=_share(energy),
        valence=_share(-0.13 + 0.57 * danceability + 0.42 * energy + mode),
        speechiness=_share(speechiness),
        acousticness=_share(
            (
                (1 - ramp(centroid_hz, 800, 3_500))
                + ramp(float(level.std()), 2, 8)
                + (1 - ramp(rhythm.onsets_per_s, 1, 6))
            )
            / 3
        ),
        instrumentalness=_share(1 - max(ramp(_gliding(spectra), 0.1, 0.5), speechiness)),
        liveness=_share(_ambience(spectra)),
    )


def ramp(value: float, start: float, end: float) -> float:
    """0 at `start`, 1 at `end`, straight between and level beyond; `end` may be the lower."""
    return min(max((value - start) / (end - start), 0.0), 1.0)


def _share(value: float) -> float:
    return round(min(max(float(value), 0.0), 1.0), 3)


def _syllables(spectra: Spectra) -> float:
    """The share of the loudness's modulation at the rate of syllables, among 0.5..20 Hz."""
    from scipy import signal

    loudness = spectra.mel_db[:, _VOICE_BANDS].mean(axis=1)
    size = min(loudness.size, round(4 * FRAMES_PER_S))
    hz, power = signal.welch(loudness, FRAMES_PER_S, nperseg=size)
    whole = float(power[(hz >= 0.5) & (hz <= 20)].sum())
    spoken = float(power[(hz >= SYLLABLES_HZ[0]) & (hz <= SYLLABLES_HZ[1])].sum())
    return spoken / whole if whole > 0 else 0.0


def _pauses(spectra: Spectra) -> float:
    """The share of the frames, silent ones as well, 9 dB or more below the mean level."""
    import numpy as np

    return float(np.mean(spectra.level_db < _mean_db(spectra.level_db) - 9))


def _mean_db(level_db: Floats) -> float:
    import numpy as np

    return 10 * math.log10(float(np.mean(10.0 ** (level_db / 10))))


def _gliding(spectra: Spectra) -> float:
    """The share of the frames with partials in which they glide."""
    import numpy as np

    glide = spectra.glide[spectra.sounding & ~np.isnan(spectra.glide)]
    if glide.size < FRAMES_PER_S:
        return 0.0
    return float(np.mean((glide >= GLIDE_CENTS[0]) & (glide <= GLIDE_CENTS[1])))


def _ambience(spectra: Spectra) -> float:
    import numpy as np

    sounding = spectra.sounding
    level, flatness = spectra.level_db[sounding], spectra.flatness[sounding]
    quiet = level <= np.quantile(level, 0.1)
    below_db = float(np.mean(level[quiet])) - _mean_db(level)
    return ramp(below_db, -40, -10) * ramp(float(np.median(flatness[quiet])), 0.02, 0.3)
