"""Music that tests make for themselves: different seeds are different recordings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe

RATE_HZ = 44_100


def song(path: Path, *, seed: int, seconds: float, **tags: str) -> Path:
    """A piece of stereo music at `path`, in the format of its extension, with `tags`."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE_HZ)
    time = np.arange(count) / RATE_HZ
    left, right = np.zeros(count), np.zeros(count)
    beat = 0.35 + 0.2 * random.random()
    for start in np.arange(0, seconds, beat):
        begin, end = int(start * RATE_HZ), min(count, int((start + 1.5) * RATE_HZ))
        span = time[begin:end] - start
        tone = 110 * 2 ** (random.integers(0, 36) / 12)
        wave = sum(np.sin(2 * np.pi * tone * k * span) / k for k in (1, 2, 3)) * np.exp(-3 * span)
        pan = random.random()
        left[begin:end] += wave * pan
        right[begin:end] += wave * (1 - pan)
    noise = random.normal(0, 0.05, (2, count))
    samples = np.stack([left, right]) / max(np.abs(left).max(), np.abs(right).max()) * 0.6 + noise
    pcm = (np.clip(samples, -1, 1).T * 32767).astype("<i2").tobytes()
    named = [part for key, value in tags.items() for part in ("-metadata", f"{key}={value}")]
    subprocess.run(
        [get_ffmpeg_exe(), "-loglevel", "error", "-y", "-f", "s16le", "-ar", str(RATE_HZ)]
        + ["-ac", "2", "-i", "-", *named, str(path)],
        input=pcm,
        check=True,
        timeout=120,
    )
    return path
