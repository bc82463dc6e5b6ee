"""The pictures of a signal that every feature is read from. Pure.

Transforms are scipy's, what is built on them is numpy's. librosa has all of it, but importing its
filters alone costs 18 s of CPU in a fresh container, and its onsets and beats 35 s, since numba
compiles them then (measured; 2 to 7 s with a warm cache). The job starts in a fresh one every
quarter of an hour, and a track of four minutes takes it 0.8 s. Tests hold the filters and the tempo
to librosa's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

RATE_HZ = 22_050  # of the samples, mono
FRAME, HOP = 2048, 256  # 93 ms and 11.6 ms
FRAMES_PER_S = RATE_HZ / HOP
MEL_BANDS = 64
LOW_HZ, HIGH_HZ = 30.0, 10_000.0
RANGE_DB = 80.0  # below the loudest band nothing is heard
SILENCE_DB = -70.0  # R128's absolute gate: frames below are no music
FINE_FRAME, FINE_HOP = 8192, 2048  # 2.7 Hz a bin: a semitone from 65 Hz (C2) on
FINE_LOW_HZ, FINE_HIGH_HZ = 60.0, 2_100.0
_LOBE_BEND = -1.386  # 2 ln 1/2: the second difference of a Hann window's log spectrum at its peak
_BLOCK_FRAMES = 1024  # transformed at a time, so that memory does not grow with the track


@dataclass(frozen=True, slots=True)
class Spectra:
    """A signal frame by frame, `FRAMES_PER_S` a second.

    `mel_db` (frames, `MEL_BANDS`) dB, `RANGE_DB` deep; `level_db` (frames,) dB below full scale;
    `centroid_hz` and `flatness` (0 a tone .. 1 white noise; 100 Hz to 8 kHz) (frames,); `glide`
    (frames,) by how many cents the partials of the voice's range moved since the frame before, NaN
    where there is none.
    """

    mel_db: Floats
    level_db: Floats
    centroid_hz: Floats
    flatness: Floats
    glide: Floats

    @property
    def sounding(self) -> NDArray[np.bool_]:
        """Which frames are no silence."""
        found: NDArray[np.bool_] = self.level_db > SILENCE_DB
        return found


def spectra(samples: Floats) -> Spectra:
    """The spectra of mono `samples` (n,), -1..1 at `RATE_HZ`; of fewer than a frame, of the frame
    that silence fills up."""
    import numpy as np

    hz = np.fft.rfftfreq(FRAME, 1 / RATE_HZ).astype(np.float32)
    bank = mel_bank(hz)
    heard = (hz >= 100) & (hz <= 8_000)
    parts: list[tuple[NDArray[Any], ...]] = []
    last: Floats | None = None
    for block in _blocks(samples, FRAME, HOP):
        magnitude = _magnitudes(block)
        power = magnitude**2
        arithmetic = power[:, heard].mean(axis=1) + 1e-12
        geometric = np.exp(np.mean(np.log(power[:, heard] + 1e-12), axis=1))
        before = magnitude[:1] if last is None else last
        parts.append(
            (
                power @ bank.T,
                np.asarray(np.mean(block**2, axis=1)),
                (magnitude[:, heard] @ hz[heard]) / (magnitude[:, heard].sum(axis=1) + 1e-9),
                geometric / arithmetic,
                _glides(np.concatenate([before, magnitude])),
            )
        )
        last = magnitude[-1:]
    mel_power, mean_square, centroid, flatness, glide = map(
        np.concatenate, zip(*parts, strict=True)
    )
    mel_db = 10 * np.log10(np.maximum(mel_power, 1e-10))
    return Spectra(
        mel_db=np.maximum(mel_db, mel_db.max() - RANGE_DB),
        level_db=10 * np.log10(np.maximum(mean_square, 1e-10)),
        centroid_hz=centroid,
        flatness=flatness,
        glide=glide,
    )


def mel_bank(hz: Floats) -> Floats:
    """Weights (`MEL_BANDS`, bins) of the frequencies `hz` (bins,) in triangular bands, evenly
    spaced on the mel scale (2595 log10(1 + Hz / 700); O'Shaughnessy 1987)."""
    import numpy as np

    lowest, highest = (2595 * math.log10(1 + end / 700) for end in (LOW_HZ, HIGH_HZ))
    corners = 700 * (10 ** (np.linspace(lowest, highest, MEL_BANDS + 2) / 2595) - 1)
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (hz - left) / (middle - left), (right - hz) / (right - middle)
    found: Floats = np.maximum(np.minimum(rising, falling), 0).astype(np.float32)
    return found


@dataclass(frozen=True, slots=True)
class Partials:
    """Spectral peaks of the whole signal, `FINE_LOW_HZ`..`FINE_HIGH_HZ`: (peaks,) each. `frame`
    counts by `FINE_HOP`, `magnitude` is the spectrum's."""

    frame: NDArray[np.intp]
    hz: Floats
    magnitude: Floats
    frames: int


def partials(samples: Floats) -> Partials:
    """The partials of mono `samples` at `RATE_HZ`, each by parabolic interpolation of the log
    spectrum (Smith and Serra 1987, PARSHL)."""
    import numpy as np

    width = RATE_HZ / FINE_FRAME
    low, high = int(FINE_LOW_HZ / width), int(FINE_HIGH_HZ / width)
    frames: list[NDArray[np.intp]] = []
    hz: list[Floats] = []
    magnitudes: list[Floats] = []
    start = 0
    for block in _blocks(samples, FINE_FRAME, FINE_HOP):
        magnitude = _magnitudes(block)
        row, column = np.nonzero(_is_peak(magnitude, low, high, share=1e-2, floor=1e-6))
        column += low
        shift, _ = _vertex(magnitude, row, column)
        frames.append(row + start)
        hz.append(((column + shift) * width).astype(np.float32))
        magnitudes.append(magnitude[row, column])
        start += len(block)
    return Partials(np.concatenate(frames), np.concatenate(hz), np.concatenate(magnitudes), start)


def _glides(magnitude: Floats) -> Floats:
    """How far the partials of 200..3000 Hz moved from each row to the next, in cents, weighted by
    magnitude: (rows - 1,). A partial is a peak within 20 dB of the loudest that has the form of the
    window's main lobe (what beats with a neighbour has another), and was within two bins before."""
    import numpy as np

    width = RATE_HZ / FRAME
    low, high = int(200 / width), int(3_000 / width)
    row, column = np.nonzero(_is_peak(magnitude, low, high, share=0.1, floor=1e-4))
    column += low
    shift, bend = _vertex(magnitude, row, column)
    lone = (magnitude[row, column - 2] < magnitude[row, column - 1]) & (
        magnitude[row, column + 2] < magnitude[row, column + 1]
    )
    lone &= (bend > 1.6 * _LOBE_BEND) & (bend < 0.65 * _LOBE_BEND)
    row, column, shift = row[lone], column[lone], shift[lone]
    cents = np.full(magnitude.shape, np.nan, np.float32)
    cents[row, column] = 1200 * np.log2((column + shift) * width)
    moved = np.full(magnitude[1:].shape, np.inf, np.float32)
    for bins in range(-2, 3):
        moved = np.fmin(moved, np.abs(np.roll(cents[:-1], bins, axis=1) - cents[1:]))
    weight = np.where(moved < 100, magnitude[1:], 0)
    total = weight.sum(axis=1)
    glide = (np.where(weight > 0, moved, 0) * weight).sum(axis=1) / np.maximum(total, 1e-12)
    found: Floats = np.where(total > 0, glide, np.nan).astype(np.float32)
    return found


def _is_peak(
    magnitude: Floats, low: int, high: int, *, share: float, floor: float
) -> NDArray[np.bool_]:
    """Which of the bins `low`..`high` are local maxima of at least `share` of their row's loudest
    and `floor`."""
    import numpy as np

    band = magnitude[:, low : high + 1]
    rises = band > magnitude[:, low - 1 : high]
    falls = band >= magnitude[:, low + 1 : high + 2]
    heard = band > np.maximum(share * band.max(axis=1, keepdims=True), floor)
    found: NDArray[np.bool_] = rises & falls & heard
    return found


def _vertex(
    magnitude: Floats, row: NDArray[np.intp], column: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Where the parabola through three neighbours of the log spectrum has its vertex, -0.5..0.5
    bins from the middle, and its second difference."""
    import numpy as np

    left, middle, right = (np.log(magnitude[row, column + d] + 1e-12) for d in (-1, 0, 1))
    bend = np.minimum(left - 2 * middle + right, -1e-9)
    return np.clip(0.5 * (left - right) / bend, -0.5, 0.5), bend


def _magnitudes(block: Floats) -> Floats:
    """Magnitudes (frames, bins) of frames (frames, n), of which a full-scale sine makes 1."""
    import numpy as np
    from scipy import fft, signal

    size = block.shape[1]
    window = signal.get_window("hann", size).astype(np.float32)
    found: Floats = np.abs(fft.rfft(block * window, axis=1)) * np.float32(2 / window.sum())
    return found


def _blocks(samples: Floats, frame: int, hop: int) -> Iterator[Floats]:
    """Views of `samples` as frames, `_BLOCK_FRAMES` rows at a time."""
    import numpy as np

    if samples.size < frame:
        samples = np.pad(samples, (0, frame - samples.size))
    frames = np.lib.stride_tricks.sliding_window_view(samples, frame)[::hop]
    for start in range(0, len(frames), _BLOCK_FRAMES):
        yield frames[start : start + _BLOCK_FRAMES]
