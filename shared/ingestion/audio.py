"""Everything that is done with ffmpeg: one pass over a master, one over a result."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.ingestion import fingerprint
from shared.ingestion.models import Rejected

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_DURATION_MS = 5_000  # the Transcoder's own limit
MAX_DURATION_MS = 3 * 3_600_000
TRUNCATION_TOLERANCE_MS = 250  # lossy codecs pad; more than this is missing music
DECODE_TIMEOUT_S = 300.0
SILENCE_PEAK_DB = -80.0
MAX_STDERR_BYTES = 1 << 20

# What a master may be. ffmpeg knows hundreds of formats, some of which read other files or hosts.
FORMATS = "wav,w64,flac,mp3,mov,ogg"
_RATE_HZ, _CHANNELS = 44_100, 2
_SAMPLES = re.compile(r"n_samples: (\d+)")
_PEAK = re.compile(r"max_volume: (-?[\d.]+|-inf) dB")
_STREAM = re.compile(r"Stream #0:\d+.*?: Audio: (\w+)")
_LOUDNESS = re.compile(r"^\s+I:\s+(-?[\d.]+|-inf) LUFS", re.MULTILINE)
_ADDRESS = re.compile(r"^(\[[^\]]*\] ?)+")


class AudioTimeout(RuntimeError):
    """ffmpeg did not finish in time; another try may."""


@dataclass(frozen=True, slots=True)
class DecodedMaster:
    """What decoding a whole master showed; `fingerprint` is chromaprint's."""

    codec: str
    duration_ms: int
    peak_db: float
    fingerprint: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DecodedResult:
    """What decoding a rendition showed."""

    duration_ms: int
    lufs: float


@dataclass(frozen=True, slots=True)
class DecodedSamples:
    """Mono samples (n,), -1..1 at `rate_hz`; `lufs` is the integrated loudness of all channels
    (EBU R128; -70 for silence)."""

    samples: NDArray[np.float32]
    rate_hz: int
    lufs: float


@cache
def executable() -> str:
    """The ffmpeg that has chromaprint and ebur128."""
    import imageio_ffmpeg

    found: str = imageio_ffmpeg.get_ffmpeg_exe()
    return found


async def decode_master(path: Path, header_duration_ms: int | None) -> DecodedMaster:
    """Decodes all of `path` once: proof that it plays, its duration, peak and fingerprint.

    Raises Rejected that says what is wrong: not audio, damaged, truncated against what its header
    promises, too short, too long, silent. Raises AudioTimeout.
    """
    if header_duration_ms is not None:
        _check_duration(header_duration_ms)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".chromaprint") as raw:
        strict = _is_flac(path)
        code, log = await _run(
            *(("-xerror", "-err_detect", "explode") if strict else ()),
            *("-protocol_whitelist", "file", "-format_whitelist", FORMATS),
            *("-t", f"{MAX_DURATION_MS / 1000 + 1:g}"),
            *("-i", f"file:{path}", "-map", "0:a:0", "-vn", "-sn", "-dn"),
            *("-af", f"aformat=s16:{_RATE_HZ}:stereo,volumedetect"),
            *("-f", "chromaprint", "-fp_format", "raw", f"file:{raw.name}"),
        )
        items = fingerprint.decode(raw.read())  # the same file: ffmpeg writes it in place
    stream = _STREAM.search(log)
    samples = max((int(n) for n in _SAMPLES.findall(log)), default=0)
    if stream is None or samples == 0:
        raise Rejected(
            "the file is not audio that we can read (WAV, FLAC, MP3, M4A or Ogg): "
            f"{_last_words(log)}"
        )
    codec = stream[1]
    duration_ms = round(samples / _CHANNELS / _RATE_HZ * 1000)
    if code != 0:
        raise Rejected(f"the audio is damaged or cut off: {_last_words(log)}")
    if header_duration_ms is not None and (
        duration_ms < header_duration_ms - max(TRUNCATION_TOLERANCE_MS, header_duration_ms // 200)
    ):
        raise Rejected(
            f"the audio is cut off: its header promises {header_duration_ms / 1000:.1f} s, "
            f"{duration_ms / 1000:.1f} s are there"
        )
    _check_duration(duration_ms)
    peak = _PEAK.search(log)
    peak_db = float(peak[1]) if peak else float("-inf")
    if peak_db < SILENCE_PEAK_DB or not items:
        raise Rejected("the audio is silent")
    return DecodedMaster(codec, duration_ms, peak_db, items)


async def decode_result(path: Path) -> DecodedResult:
    """Duration and integrated loudness (EBU R128) of a rendition. Raises RuntimeError where it
    does not decode, AudioTimeout."""
    code, log = await _run(
        *("-protocol_whitelist", "file", "-i", f"file:{path}", "-map", "0:a:0"),
        *("-af", "ebur128=framelog=quiet,aformat=s16,volumedetect", "-f", "null", "-"),
    )
    loudness = _LOUDNESS.findall(log)
    rate = re.search(r"Audio: .*?, (\d+) Hz, (mono|stereo)", log)
    samples = _SAMPLES.findall(log)
    if code != 0 or not loudness or rate is None or not samples:
        raise RuntimeError(f"{path.name} does not decode: {_last_words(log)}")
    channels = 1 if rate[2] == "mono" else 2
    seconds = int(samples[-1]) / channels / int(rate[1])
    return DecodedResult(round(seconds * 1000), float(loudness[-1]))


async def decode_samples(path: Path, rate_hz: int, max_s: float) -> DecodedSamples:
    """The first `max_s` seconds of a master as mono samples at `rate_hz`, and their loudness before
    they were mixed. Raises RuntimeError where it does not decode, AudioTimeout."""
    import numpy as np

    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".f32") as raw:
        strict = _is_flac(path)
        code, log = await _run(
            *(("-xerror", "-err_detect", "explode") if strict else ()),
            *("-protocol_whitelist", "file", "-format_whitelist", FORMATS),
            *("-t", f"{max_s:g}", "-i", f"file:{path}", "-map", "0:a:0", "-vn", "-sn", "-dn"),
            *("-af", f"ebur128=framelog=quiet,aresample={rate_hz},aformat=flt:{rate_hz}:mono"),
            *("-f", "f32le", f"file:{raw.name}"),
        )
        samples = np.fromfile(raw.name, dtype="<f4")
    loudness = _LOUDNESS.findall(log)
    if code != 0 or not loudness or samples.size == 0:
        raise RuntimeError(f"the master does not decode: {_last_words(log)}")
    return DecodedSamples(np.nan_to_num(samples), rate_hz, float(loudness[-1]))


def _is_flac(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"fLaC"


def _check_duration(duration_ms: int) -> None:
    if duration_ms < MIN_DURATION_MS:
        raise Rejected(
            f"the audio is too short: {duration_ms / 1000:.1f} s, "
            f"at least {MIN_DURATION_MS / 1000:g} s are needed"
        )
    if duration_ms > MAX_DURATION_MS:
        raise Rejected(
            f"the audio is too long: {duration_ms / 60_000:.0f} min, "
            f"at most {MAX_DURATION_MS / 60_000:.0f} min are accepted"
        )


async def _run(*arguments: str) -> tuple[int, str]:
    """Exit code and log of ffmpeg; it never outlives the call."""
    process = await asyncio.create_subprocess_exec(
        executable(),
        *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "info", "-y", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath},
    )
    try:
        async with asyncio.timeout(DECODE_TIMEOUT_S):
            _, stderr = await process.communicate()
    except TimeoutError:
        raise AudioTimeout(f"ffmpeg did not finish in {DECODE_TIMEOUT_S:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, stderr[-MAX_STDERR_BYTES:].decode(errors="replace")


def _last_words(log: str) -> str:
    """The first line in which ffmpeg complains, without addresses and paths."""
    lines = [_ADDRESS.sub("", line).strip() for line in log.splitlines()]
    complaints = [
        re.sub(r"file:\S*/", "", line)
        for line in lines
        if re.search(r"invalid|error|fail|could not|truncat|not found|no such|corrupt", line, re.I)
    ]
    return (complaints[0] if complaints else "no audio stream found")[:200]
