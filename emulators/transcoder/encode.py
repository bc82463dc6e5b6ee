"""All missing elementary streams of a job in one ffmpeg process: one decode, many encoders.

AAC stays in MP4, whose edit list carries the encoder's priming, so that what is decoded later
lines up with the master sample by sample.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import Code, JobFailed
from .ffmpeg import Gain, command, layout_filters, timeline_filters
from .plan import Cut, Elementary, Layout
from .process import last_words, run

log = logging.getLogger(__name__)

_ENCODERS = {"aac": "aac", "mp3": "libmp3lame", "vorbis": "libvorbis", "ac3": "ac3", "eac3": "eac3"}
_MUXERS = {".mp4": "mp4", ".ogg": "ogg", ".mp3": "mp3"}
# Below this per channel libvorbis misses its target by half, and its bitrate management is cheap.
_MANAGED_BELOW_BPS = 32_000
_VORBIS_MAX_NOMINAL_BPS = 240_000  # per channel; libvorbis refuses more
_CALIBRATE_ABOVE_S = 30.0
_EXCERPT_S = 5.0
_EXCERPTS_AT = (0.2, 0.5, 0.8)
_VORBIS_HEADER_BYTES = 4096
_CORRECT_ABOVE = 1.13  # of the target: encode again


@dataclass(frozen=True, slots=True)
class _Rate:
    """What the encoder is asked for, to end up at the stream's bitrate."""

    nominal_bps: int
    managed: bool = False


async def encode(
    source: Path,
    streams: Sequence[Elementary],
    cuts: Sequence[Cut],
    gains: Mapping[Layout, Gain],
    duration_s: float,
    directory: Path,
) -> dict[str, Path]:
    """Encodes `streams` into `directory`; returns their files by key. `duration_s` is that of
    the whole input.

    Raises JobFailed when the cuts lie outside the input or ffmpeg fails.
    """
    for cut in cuts:
        if cut.start_s >= duration_s:
            raise JobFailed(
                Code.INVALID_ARGUMENT,
                "InvalidEditList",
                f"The edit list starts at {cut.start_s:g} s, "
                f"but the input ends at {duration_s:.2f} s",
            )
    kept_s = sum(min(c.end_s or duration_s, duration_s) - c.start_s for c in cuts)
    rates = await _rates(source, streams, cuts, gains, duration_s, directory)
    await _run(source, streams, cuts, gains, rates, directory)
    corrected = []
    for stream in streams:
        size = (directory / _name(stream)).stat().st_size
        ratio = size * 8 / kept_s / stream.bitrate_bps
        if stream.codec == "vorbis" and not rates[stream.key].managed and ratio > _CORRECT_ABOVE:
            rates[stream.key] = _Rate(stream.bitrate_bps, managed=True)
            corrected.append(stream)
    if corrected:
        log.info("encoding again at managed bitrate: %s", ", ".join(s.key for s in corrected))
        await _run(source, corrected, cuts, gains, rates, directory)
    return {stream.key: directory / _name(stream) for stream in streams}


def _name(stream: Elementary) -> str:
    return f"{stream.key}{stream.suffix}"


async def _rates(
    source: Path,
    streams: Sequence[Elementary],
    cuts: Sequence[Cut],
    gains: Mapping[Layout, Gain],
    duration_s: float,
    directory: Path,
) -> dict[str, _Rate]:
    """What to ask of each encoder.

    libvorbis is variable by nature: asked for 320 kbit/s it writes 380 for dense music. Its own
    bitrate management costs three to five times the CPU, so a few seconds of the music are
    encoded first and the request is scaled by what they came to.
    """
    rates = {s.key: _Rate(s.bitrate_bps) for s in streams}
    variable = []
    for stream in streams:
        if stream.codec == "vorbis":
            if stream.bitrate_bps < _MANAGED_BELOW_BPS * stream.layout.channel_count:
                rates[stream.key] = _Rate(stream.bitrate_bps, managed=True)
            else:
                variable.append(stream)
    start_s = cuts[0].start_s
    end_s = min(cuts[0].end_s or duration_s, duration_s)
    if not variable or len(cuts) > 1 or end_s - start_s < _CALIBRATE_ABOVE_S:
        return rates
    offsets = [start_s + part * (end_s - start_s) for part in _EXCERPTS_AT]
    inputs = [
        argument
        for offset in offsets
        for argument in ("-ss", f"{offset:.3f}", "-t", f"{_EXCERPT_S}", "-i", str(source))
    ]
    joined = "".join(f"[{index}:a:0]" for index in range(len(offsets)))
    head = f"{joined}concat=n={len(offsets)}:v=0:a=1[t]"
    sample = directory / "calibration"
    sample.mkdir()
    graph, outputs = _graph(head, variable, gains, rates, sample)
    finished = await run(command(*inputs, "-filter_complex", graph, *outputs))
    if finished.returncode != 0:
        raise _failed(finished.stderr)
    for stream in variable:
        size = (sample / _name(stream)).stat().st_size - _VORBIS_HEADER_BYTES
        ratio = size * 8 / (_EXCERPT_S * len(offsets)) / stream.bitrate_bps
        scaled = stream.bitrate_bps / min(max(ratio, 0.7), 1.6)
        limit = _VORBIS_MAX_NOMINAL_BPS * stream.layout.channel_count
        rates[stream.key] = _Rate(int(min(scaled, max(limit, stream.bitrate_bps))))
    return rates


async def _run(
    source: Path,
    streams: Sequence[Elementary],
    cuts: Sequence[Cut],
    gains: Mapping[Layout, Gain],
    rates: Mapping[str, _Rate],
    directory: Path,
) -> None:
    graph, outputs = _graph(timeline_filters(cuts, "t"), streams, gains, rates, directory)
    ends = [cut.end_s for cut in cuts if cut.end_s is not None]
    stop = ["-t", f"{max(ends):.6f}"] if len(ends) == len(cuts) else []
    finished = await run(
        command("-threads", "1", *stop, "-i", str(source), "-filter_complex", graph, *outputs)
    )
    if finished.returncode != 0:
        raise _failed(finished.stderr)


def _graph(
    head: str,
    streams: Sequence[Elementary],
    gains: Mapping[Layout, Gain],
    rates: Mapping[str, _Rate],
    directory: Path,
) -> tuple[str, list[str]]:
    """The filter graph from `[t]` to one pad per stream, and the output arguments.

    Streams of one layout share its resampling and its gain; only the encoders differ.
    """
    layouts: dict[Layout, list[int]] = {}
    for index, stream in enumerate(streams):
        layouts.setdefault(stream.layout, []).append(index)
    parts = [head, f"[t]asplit={len(layouts)}" + "".join(f"[l{n}]" for n in range(len(layouts)))]
    for number, (layout, indexes) in enumerate(layouts.items()):
        pads = "".join(f"[s{index}]" for index in indexes)
        gain = gains.get(layout, Gain())
        parts.append(
            f"[l{number}]{layout_filters(layout)}{gain.filters()},"
            f"aformat=sample_fmts=fltp,asplit={len(indexes)}{pads}"
        )
    outputs: list[str] = []
    for index, stream in enumerate(streams):
        rate = rates[stream.key]
        outputs += ["-map", f"[s{index}]", "-c:a", _ENCODERS[stream.codec]]
        outputs += ["-b:a", str(rate.nominal_bps)]
        if rate.managed:
            outputs += ["-minrate", str(rate.nominal_bps), "-maxrate", str(rate.nominal_bps)]
        # The same samples give the same bytes: no encoder version, date or random serial.
        outputs += ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
        outputs += ["-f", _MUXERS[stream.suffix], str(directory / _name(stream))]
    return ";".join(parts), outputs


def _failed(stderr: Sequence[str]) -> JobFailed:
    faults = [line for line in stderr if "[error]" in line or "[fatal]" in line]
    return JobFailed(
        Code.INVALID_ARGUMENT,
        "TranscodeFailed",
        f"The input could not be transcoded: {last_words(faults or list(stderr))}",
    )
