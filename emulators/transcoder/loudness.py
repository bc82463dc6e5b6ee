"""What the input is and how loud, and the gain that brings it to a target.

Measured as EBU R128 / ITU-R BS.1770 (ffmpeg's `ebur128`). A layout is measured as it will be
encoded, so a mono downmix reaches the target too; mono counts as two speakers playing it
(`dualmono`), which is how it is heard.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import Code, JobFailed
from .ffmpeg import Gain, command, layout_filters
from .plan import Layout
from .process import Finished, last_words, run

log = logging.getLogger(__name__)

MIN_INPUT_S = 5.0  # reference of Input.uri
TRUE_PEAK_CEILING_DBTP = -1.5  # lossy encoders overshoot: leaves -1 dBTP after decoding
SILENCE_LUFS = -70.0  # the absolute gate: nothing below it is measured
# A limiter sees samples; the true peaks between them come out this much higher. Limiting at four
# times the rate would need less, but costs more CPU than measuring again where this is not enough.
_LIMITER_MARGIN_DB = 0.9
_LOUDNESS_TOLERANCE_LU = 0.3
_PEAK_TOLERANCE_DB = 0.2
_MAX_PASSES = 6
_TRUNCATION_TOLERANCE_S = 0.25
# Containers whose header tells the true length; elsewhere it is ffmpeg's guess.
_EXACT_FORMATS = {"flac", "wav", "aiff", "mov,mp4,m4a,3gp,3g2,mj2", "w64", "caf"}

_DURATION = re.compile(r"Duration: (\d+):(\d+):(\d+\.\d+)")
_FORMAT = re.compile(r"Input #0, (.+), from ")
_METER = re.compile(r"\[ebur128@m(\d+) ")
_VALUE = re.compile(r"\s*(I|Peak):\s+(\S+) (?:LUFS|dBFS)")


@dataclass(frozen=True, slots=True)
class Loudness:
    """Integrated loudness and true peak of a whole programme."""

    integrated_lufs: float
    true_peak_dbtp: float


@dataclass(frozen=True, slots=True)
class Inspection:
    """What decoding the whole input told."""

    duration_s: float
    loudness: Mapping[Layout, Loudness]


async def inspect(source: Path, layouts: Sequence[Layout]) -> Inspection:
    """Decodes the input once; measures its loudness in each of `layouts`.

    Raises JobFailed when it is no audio, damaged, cut short, or shorter than 5 s.
    """
    finished = await _decode(source, dict.fromkeys(layouts, Gain()))
    duration_s = _decoded_s(finished)
    if finished.returncode != 0 or duration_s is None:
        raise JobFailed(
            Code.INVALID_ARGUMENT,
            "InvalidInput",
            f"The input is not decodable audio: {_reason(finished)}",
        )
    declared_s, format_name = _declared(finished.stderr)
    if format_name in _EXACT_FORMATS and declared_s is not None:
        missing_s = declared_s - duration_s
        if missing_s > _TRUNCATION_TOLERANCE_S:
            raise JobFailed(
                Code.INVALID_ARGUMENT,
                "TruncatedInput",
                f"The input is truncated: it declares {declared_s:.2f} s of audio "
                f"and holds {duration_s:.2f} s",
            )
    damage = [line for line in finished.stderr if "[error]" in line or "[fatal]" in line]
    if damage and format_name == "flac":  # lossless with checksums: an error is damage
        raise JobFailed(
            Code.INVALID_ARGUMENT, "DamagedInput", f"The input is damaged: {last_words(damage)}"
        )
    if duration_s < MIN_INPUT_S:
        raise JobFailed(
            Code.INVALID_ARGUMENT,
            "InputTooShort",
            f"Input files must be at least {MIN_INPUT_S:g} seconds in duration, "
            f"this one is {duration_s:.2f} s",
        )
    return Inspection(duration_s, _meters(finished.stderr, layouts))


async def find_gains(
    source: Path, target_lufs: float, measured: Mapping[Layout, Loudness]
) -> dict[Layout, Gain]:
    """The gain per layout that brings `source` to `target_lufs`.

    Plain gain where the true peak allows it, which keeps the dynamics; else gain into a limiter,
    whose loss of loudness is measured and made up for. Silence is left alone.
    """
    gains: dict[Layout, Gain] = {}
    pending: dict[Layout, Gain] = {}
    for layout, loudness in measured.items():
        gain_db = target_lufs - loudness.integrated_lufs
        if loudness.integrated_lufs <= SILENCE_LUFS:
            gains[layout] = Gain()
        elif loudness.true_peak_dbtp + gain_db <= TRUE_PEAK_CEILING_DBTP:
            gains[layout] = Gain(gain_db)
        else:
            pending[layout] = Gain(gain_db, TRUE_PEAK_CEILING_DBTP - _LIMITER_MARGIN_DB)
    for _ in range(_MAX_PASSES):
        if not pending:
            break
        finished = await _decode(source, pending)
        for layout, result in _meters(finished.stderr, list(pending)).items():
            gain = pending.pop(layout)
            missing_lu = target_lufs - result.integrated_lufs
            over_db = max(0.0, result.true_peak_dbtp - TRUE_PEAK_CEILING_DBTP)
            close = abs(missing_lu) <= _LOUDNESS_TOLERANCE_LU and over_db <= _PEAK_TOLERANCE_DB
            gains[layout] = gain
            if not close:
                assert gain.limit_db is not None
                limit_db = gain.limit_db - (over_db if over_db > _PEAK_TOLERANCE_DB else 0.0)
                pending[layout] = Gain(gain.gain_db + missing_lu, limit_db)
    for layout, gain in pending.items():
        log.warning("%s did not settle at %.1f LUFS; using %s", layout, target_lufs, gain)
        gains[layout] = gain
    return gains


async def _decode(source: Path, gains: Mapping[Layout, Gain]) -> Finished:
    """Decodes `source` to nowhere, through one meter per layout."""
    arguments = ["-progress", "pipe:1", "-threads", "1", "-i", str(source)]
    if not gains:
        return await run(command(*arguments, "-map", "0:a:0", "-f", "null", "-"))
    inputs = "".join(f"[i{index}]" for index in range(len(gains)))
    graph = [f"[0:a:0]asplit={len(gains)}{inputs}"]
    outputs: list[str] = []
    for index, (layout, gain) in enumerate(gains.items()):
        dual = ":dualmono=true" if layout.channel_count == 1 else ""
        graph.append(
            f"[i{index}]{layout_filters(layout)}{gain.filters()},"
            f"ebur128@m{index}=peak=true:framelog=quiet{dual}[o{index}]"
        )
        outputs += ["-map", f"[o{index}]", "-f", "null", "-"]
    return await run(command(*arguments, "-filter_complex", ";".join(graph), *outputs))


def _decoded_s(finished: Finished) -> float | None:
    times = re.findall(r"^out_time_us=(\d+)$", finished.stdout, re.MULTILINE)
    return int(times[-1]) / 1e6 if times else None


def _declared(stderr: Sequence[str]) -> tuple[float | None, str]:
    duration_s: float | None = None
    format_name = ""
    for line in stderr:
        if match := _FORMAT.search(line):
            format_name = match[1]
        elif duration_s is None and (match := _DURATION.search(line)):
            duration_s = int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
    return duration_s, format_name


def _meters(stderr: Sequence[str], layouts: Sequence[Layout]) -> dict[Layout, Loudness]:
    values: dict[int, dict[str, float]] = {}
    current: int | None = None
    for line in stderr:
        if match := _METER.search(line):
            current = int(match[1])
        if current is not None and (match := _VALUE.match(line)):
            values.setdefault(current, {})[match[1]] = float(match[2].replace("nan", "-inf"))
    return {
        layout: Loudness(values[index]["I"], values[index]["Peak"])
        for index, layout in enumerate(layouts)
        if {"I", "Peak"} <= values.get(index, {}).keys()
    }


def _reason(finished: Finished) -> str:
    if any("matches no streams" in line for line in finished.stderr):
        return "it has no audio track"
    faults = [line for line in finished.stderr if "[error]" in line or "[fatal]" in line]
    return last_words(faults, 1)
