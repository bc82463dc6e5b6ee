"""What ears and meters would say of a file: decoding by ffmpeg, comparing by numpy."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray

RATE_HZ = 44_100
SEARCH_SAMPLES = 1 << 19  # 12 s: long enough that only the true lag stands out

Pcm = NDArray[np.float32]  # shape (samples, 2), at RATE_HZ


class Undecodable(Exception):
    """ffmpeg gave up, or met an error on its way."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How two recordings compare: `lag_s` > 0 when the second one comes later, `correlation`
    (-1..1, whatever the gain) once they are aligned."""

    lag_s: float
    correlation: float


def ffmpeg(*arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[bytes]:
    """Runs ffmpeg to its end; raises Undecodable unless it succeeds."""
    command = [get_ffmpeg_exe(), "-hide_banner", "-nostdin", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    if done.returncode != 0:
        raise Undecodable(done.stderr.decode(errors="replace")[-800:])
    return done


def decode(source: str | Path, *options: str, strict: bool = True) -> Pcm:
    """The first audio stream as stereo at 44.1 kHz. `strict` raises Undecodable at the first
    damaged packet; without it, whatever a lenient player would emit comes back."""
    severity = ("-xerror", "-err_detect", "explode") if strict else ()
    form = ("-map", "0:a:0", "-ac", "2", "-ar", str(RATE_HZ), "-f", "f32le", "-")
    done = ffmpeg("-loglevel", "error", *severity, *options, "-i", str(source), *form)
    return np.frombuffer(done.stdout, dtype=np.float32).reshape(-1, 2)


def seconds(pcm: Pcm) -> float:
    """Length of a recording."""
    return len(pcm) / RATE_HZ


def likeness(reference: Pcm, other: Pcm) -> Likeness:
    """Finds the lag in the middle of both, then correlates all that overlaps at that lag."""
    length = min(len(reference), len(other))
    start = max(0, (length - SEARCH_SAMPLES) // 2)
    part = slice(start, min(length, start + SEARCH_SAMPLES))
    one, two = reference[part].sum(axis=1), other[part].sum(axis=1)
    size = 2 * len(one)
    cross = np.fft.irfft(np.fft.rfft(two, size) * np.conj(np.fft.rfft(one, size)), size)
    peak = int(np.argmax(cross))
    lag = peak if peak < size // 2 else peak - size
    early, late = (reference, other[lag:]) if lag >= 0 else (reference[-lag:], other)
    overlap = min(len(early), len(late))
    return Likeness(lag / RATE_HZ, _correlation(early[:overlap], late[:overlap]))


def _correlation(one: Pcm, two: Pcm) -> float:
    a, b = one.ravel().astype(np.float64), two.ravel().astype(np.float64)
    power = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / power if power else 0.0


def loudness_lufs(source: Path, *options: str) -> float:
    """Integrated loudness by EBU R128."""
    done = ffmpeg(*options, "-i", str(source), "-af", "ebur128", "-f", "null", "-")
    found = re.findall(r"I:\s+(-?[\d.]+) LUFS", done.stderr.decode(errors="replace"))
    return float(found[-1])


def stream_line(source: Path) -> str:
    """How ffmpeg describes the first audio stream: codec, rate, layout."""
    done = ffmpeg("-i", str(source), "-t", "0", "-f", "null", "-")
    found = re.search(r"Stream #0:0.*Audio: (.*)", done.stderr.decode(errors="replace"))
    return found[1] if found else ""
