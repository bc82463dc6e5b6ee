"""The ffmpeg binary, and the pieces of its command line that measuring and encoding share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .plan import Cut, Layout

# Part of every cache key: raise it when a change here alters what the encoder writes.
ARGUMENTS_REVISION = 2
_LAYOUT_NAMES = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1"}


@cache
def binary() -> str:
    """Path of ffmpeg."""
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


@cache
def version() -> str:
    """Tells encoders apart without running them: binaries are named by version and platform."""
    path = Path(binary())
    return f"{path.name}:{path.stat().st_size}:{ARGUMENTS_REVISION}"


def command(*arguments: str) -> list[str]:
    """ffmpeg without interaction; log lines carry their level."""
    return [
        binary(), "-hide_banner", "-nostdin", "-nostats", "-y", "-loglevel", "level+info",
        *arguments,
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gain:
    """Loudness correction of one layout: plain gain, then a limiter when `limit_db` is given."""

    gain_db: float = 0.0
    limit_db: float | None = None  # sample peak, dBFS

    def filters(self) -> str:
        """As a filter chain that starts with a comma, empty when there is nothing to do."""
        chain = "" if self.gain_db == 0.0 else f",volume={self.gain_db:.3f}dB"
        if self.limit_db is None:
            return chain
        ceiling = 10 ** (self.limit_db / 20)
        return f"{chain},alimiter=limit={ceiling:.5f}:level=disabled:attack=5:release=50:latency=1"


def layout_filters(layout: Layout) -> str:
    """Brings the input to a layout; nothing is resampled that has the rate already."""
    return (
        f"aresample={layout.sample_rate_hz}:resampler=soxr,"
        f"aformat=sample_fmts=fltp:channel_layouts={_LAYOUT_NAMES[layout.channel_count]}"
    )


def timeline_filters(cuts: Sequence[Cut], output: str) -> str:
    """The edit list as a graph from the input's first audio track to `[output]`."""
    if len(cuts) == 1:
        return f"[0:a:0]{_trim(cuts[0])}[{output}]"
    branches = "".join(f"[{output}in{index}]" for index in range(len(cuts)))
    parts = [f"[0:a:0]asplit={len(cuts)}{branches}"]
    parts += [
        f"[{output}in{index}]{_trim(cut)}[{output}cut{index}]" for index, cut in enumerate(cuts)
    ]
    joined = "".join(f"[{output}cut{index}]" for index in range(len(cuts)))
    parts.append(f"{joined}concat=n={len(cuts)}:v=0:a=1[{output}]")
    return ";".join(parts)


def _trim(cut: Cut) -> str:
    if cut == Cut(0.0, None):
        return "anull"
    end = "" if cut.end_s is None else f":end={cut.end_s:.6f}"
    return f"atrim=start={cut.start_s:.6f}{end},asetpts=PTS-STARTPTS"
