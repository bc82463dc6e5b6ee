"""Tempo, beats and bars (F197). Pure.

onsets   how much louder the bands of the mel spectrum became within 23 ms, averaged over the bands
         (spectral flux; Böck and Widmer 2013), less its mean over a second around
tempo    the period whose first four multiples have the highest autocorrelation of the onsets (in
         windows of 16 s), weighted with a log-normal prior around 122 BPM (Ellis 2007), then made
         exact by the beats
beats    the path through the onsets that keeps the period best, by dynamic programming (Ellis
         2007, "Beat Tracking by Dynamic Programming")
bars     after how many beats low onsets and changes of harmony return: the count whose multiples
         have the highest autocorrelation of these accents; four unless another count is clearly
         better, as 94 of 100 tracks have four (spotify_tracks)
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from shared.analysis.extraction.spectra import FRAMES_PER_S, Spectra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MIN_BPM, MAX_BPM = 40.0, 220.0
PRIOR_BPM, PRIOR_OCTAVES = 122.0, 0.9  # the mean of 15,000 real tracks; the width by trial
COMMON_TIME = 4
OTHER_TIMES = (3, 5, 7)
# By how much of an autocorrelation another count must be better than four: what four gets by chance
# in tracks without accents.
OTHER_TIME_MARGIN = 0.10
_WINDOW_S = 16.0
_MULTIPLES = 4
_LOW_BANDS = 6  # of the mel spectrum: up to 250 Hz
_TIGHTNESS = 100.0  # of the beats to their period, as Ellis has it
_MIN_BEATS = 8  # fewer tell nothing of bars


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`tempo_bpm` 0 where there is no pulse; `clarity` (0..1) how much of the onsets returns at the
    beat (pulse clarity; Lartillot et al. 2008); `regularity` (0..1) how evenly the beats follow
    each other; `onsets_per_s` how many there are; `time_signature` beats a bar."""

    tempo_bpm: float
    clarity: float
    regularity: float
    onsets_per_s: float
    time_signature: int


NO_RHYTHM = Rhythm(0.0, 0.0, 0.0, 0.0, COMMON_TIME)


def rhythm(spectra: Spectra) -> Rhythm:
    """The rhythm of a signal; `NO_RHYTHM` for one that is silent, or shorter than two seconds."""
    import numpy as np

    onsets = onset_strength(spectra.mel_db)
    if onsets.size < 2 * FRAMES_PER_S or float(onsets.max()) < 1.0 or not spectra.sounding.any():
        return NO_RHYTHM
    correlation = autocorrelation(onsets)
    period, clarity = _period(correlation)
    beats = _beats(onsets, period)
    exact, regularity = _exact(beats, period)
    return Rhythm(
        tempo_bpm=60 * FRAMES_PER_S / exact,
        clarity=float(np.clip(clarity, 0, 1)),
        regularity=regularity,
        onsets_per_s=_peaks(onsets) / (onsets.size / FRAMES_PER_S),
        time_signature=_time_signature(spectra.mel_db, beats),
    )


def onset_strength(mel_db: Floats) -> Floats:
    """Onset strength (frames,) in dB a frame, at least 0."""
    import numpy as np
    from scipy.ndimage import uniform_filter1d

    rise = np.maximum(mel_db[2:] - mel_db[:-2], 0).mean(axis=1)
    rise = np.concatenate([np.zeros(2, np.float32), rise])[: len(mel_db)]
    mean = uniform_filter1d(rise, round(FRAMES_PER_S), mode="nearest")
    found: Floats = np.maximum(rise - mean, 0).astype(np.float32)
    return found


def autocorrelation(onsets: Floats) -> NDArray[np.float64]:
    """Mean autocorrelation of windows of `_WINDOW_S`, by lag in frames; 1 at lag 0."""
    import numpy as np
    from scipy import fft

    size = min(round(_WINDOW_S * FRAMES_PER_S), onsets.size)
    windows = np.lib.stride_tricks.sliding_window_view(onsets, size)[:: max(size // 2, 1)]
    centred = windows - windows.mean(axis=1, keepdims=True)
    length = fft.next_fast_len(2 * size)
    power = np.abs(fft.rfft(centred, length, axis=1)) ** 2
    found = fft.irfft(power, length, axis=1)[:, :size].astype(np.float64)
    found /= np.arange(size, 0, -1) / size  # fewer products at longer lags
    loud = found[:, 0] > 1e-6 * max(float(found[:, 0].max()), 1e-12)
    mean: NDArray[np.float64] = found[loud].sum(axis=0) / max(float(found[loud, 0].sum()), 1e-12)
    return mean


def _period(correlation: NDArray[np.float64]) -> tuple[float, float]:
    """The beat's period in frames, and the correlation there."""
    import numpy as np

    bpm = MIN_BPM * 2 ** np.arange(0, np.log2(MAX_BPM / MIN_BPM), 1 / 240)
    period = 60 * FRAMES_PER_S / bpm
    lags = period[:, None] * np.arange(1, _MULTIPLES + 1)
    reachable = lags < correlation.size * 0.75
    at = np.interp(lags, np.arange(correlation.size), correlation)
    comb = (at * reachable).sum(axis=1) / np.maximum(reachable.sum(axis=1), 1)
    prior = np.exp(-0.5 * (np.log2(bpm / PRIOR_BPM) / PRIOR_OCTAVES) ** 2)
    best = int(np.argmax(np.where(reachable[:, 0], np.maximum(comb, 0) * prior, -1)))
    around = np.abs(np.arange(correlation.size) - period[best]) <= 2
    return float(period[best]), float(correlation[around].max(initial=0.0))


def _beats(onsets: Floats, period: float) -> NDArray[np.intp]:
    """Frames of the beats."""
    import numpy as np

    strength = onsets / max(float(onsets.std()), 1e-9)
    back = np.arange(-round(2 * period), -max(round(period / 2), 1) + 1)
    cost = -_TIGHTNESS * np.log(-back / period) ** 2
    score = np.zeros(onsets.size + back.size + round(2 * period))
    offset = round(2 * period)  # frames before the first are worth nothing
    came_from = np.full(onsets.size, -1)
    for frame in range(onsets.size):
        reached = score[frame + offset + back[0] : frame + offset + back[-1] + 1] + cost
        best = int(reached.argmax())
        is_start = reached[best] <= 0 or frame + back[best] < 0
        score[frame + offset] = strength[frame] + (0 if is_start else reached[best])
        came_from[frame] = -1 if is_start else frame + back[best]
    last = max(onsets.size - round(period), 0)
    frame = last + int(score[offset + last : offset + onsets.size].argmax())
    found = [frame]
    while came_from[found[-1]] >= 0:
        found.append(int(came_from[found[-1]]))
    return np.array(found[::-1])


def _exact(beats: NDArray[np.intp], period: float) -> tuple[float, float]:
    """The period by the beats' median distance over eight of them, where it confirms `period`, and
    how regular they are: 1 - the distances' mean deviation by a quarter of the period."""
    import numpy as np

    if beats.size < _MIN_BEATS:
        return period, 0.0
    step = min(8, beats.size - 1)
    exact = float(np.median((beats[step:] - beats[:-step]) / step))
    deviation = float(np.mean(np.abs(np.diff(beats) - exact))) / (exact / 4)
    confirmed = exact if abs(exact / period - 1) < 0.05 else period
    return confirmed, float(np.clip(1 - deviation, 0, 1))


def _peaks(onsets: Floats) -> int:
    """How many onsets there are: local maxima above the mean and a standard deviation."""
    from scipy.signal import find_peaks

    threshold = max(float(onsets.mean() + onsets.std()), 1.0)
    found, _ = find_peaks(onsets, height=threshold, distance=4)
    return len(found)


def _time_signature(mel_db: Floats, beats: NDArray[np.intp]) -> int:
    import numpy as np

    if beats.size < 2 * _MIN_BEATS:
        return COMMON_TIME
    spans = list(pairwise(beats))
    timbre = np.array([mel_db[start:end].mean(axis=0) for start, end in spans])
    rise = np.maximum(mel_db[2:] - mel_db[:-2], 0)
    reach = 4
    hits = np.array([rise[max(b - reach, 0) : b + reach].max(axis=0) for b in beats[:-1]])
    change = np.concatenate([[0], np.abs(np.diff(timbre, axis=0)).mean(axis=1)])
    accents = (hits[:, :_LOW_BANDS].mean(axis=1), hits.mean(axis=1), change)
    scores = {
        count: float(np.mean([_return(one, count) for one in accents]))
        for count in (COMMON_TIME, *OTHER_TIMES)
    }
    other = max(OTHER_TIMES, key=lambda count: scores[count])
    better = scores[other] > scores[COMMON_TIME] + OTHER_TIME_MARGIN
    return other if better else COMMON_TIME


def _return(accents: NDArray[np.floating], count: int) -> float:
    """Autocorrelation (-1..1) of a beat's accent at multiples of `count`, less that beside them."""
    import numpy as np

    centred = accents - accents.mean()
    whole = float(centred @ centred)
    if whole < 1e-9:
        return 0.0
    lags = np.arange(1, min(4 * count, accents.size // 2) + 1)
    at = np.array(
        [centred[lag:] @ centred[:-lag] / whole * accents.size / (accents.size - lag)
         for lag in lags]
    )  # fmt: skip
    is_multiple = lags % count == 0
    if not is_multiple.any() or is_multiple.all():
        return 0.0
    return float(at[is_multiple].mean() - at[~is_multiple].mean())
