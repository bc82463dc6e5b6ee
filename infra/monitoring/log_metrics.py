"""Metrics that Cloud Logging counts from the lines of `shared.history.quality` (F302): how soon a
play sounds, at which bitrate, over which CDN, and what disturbed it.

They are counted from what is written, whether or not it is kept, so `log_filters` keeps none of
those lines (https://cloud.google.com/logging/docs/logs-based-metrics, "user-defined metrics").
What is not among a player's events cannot be counted yet: the time spent rebuffering, and plays
that failed before their first sound.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra import names
from infra.monitoring.promql import Series
from shared import topology

QUALITY_LINE = 'jsonPayload.message="playback quality"'
START_LIMIT_MS = 500  # F063: p99 of the time to the first sound
# Edges of buckets: fine where the objectives of F063 and F064 (150, 350, 500 ms) lie.
TIME_BOUNDS_MS = (
    *(25.0, 50.0, 75.0, 100.0, 125.0, 150.0, 175.0, 200.0, 250.0, 300.0, 350.0, 400.0, 450.0),
    *(500.0, 600.0, 800.0, 1000.0, 1500.0, 2000.0, 3000.0, 5000.0, 10_000.0, 30_000.0, 60_000.0),
)
BITRATE_BOUNDS_KBPS = (32.0, 48.0, 64.0, 96.0, 128.0, 160.0, 192.0, 256.0, 320.0, 640.0, 1411.0)

_EVENTS = names.service(topology.ENTRIES["events"])


@dataclass(frozen=True, slots=True)
class LogMetric:
    """A counter of the lines that match `condition`, or with `field` a distribution of its values,
    by CDN."""

    name: str
    description: str
    condition: str
    field: str | None = None
    unit: str = "1"
    bounds: tuple[float, ...] = ()

    @property
    def filter(self) -> str:
        """Which lines it reads."""
        return (
            f'resource.type="cloud_run_revision" AND resource.labels.service_name="{_EVENTS}" '
            f"AND {QUALITY_LINE} AND {self.condition}"
        )

    @property
    def series(self) -> Series:
        """What it writes; label `cdn`."""
        return Series(f"logging.googleapis.com/user/{self.name}", "cloud_run_revision")


_STARTED = 'jsonPayload.event="play_started" AND jsonPayload.time_to_first_audio_ms>=0'

STARTS = LogMetric("playback_starts", "Plays that sounded", _STARTED)
SLOW_STARTS = LogMetric(
    "playback_starts_slow",
    f"Plays that sounded after {START_LIMIT_MS} ms or more",
    f"{_STARTED} AND jsonPayload.time_to_first_audio_ms>={START_LIMIT_MS}",
)
TIME_TO_FIRST_AUDIO = LogMetric(
    "playback_time_to_first_audio",
    "From the press on play to the first sound",
    _STARTED,
    field="jsonPayload.time_to_first_audio_ms",
    unit="ms",
    bounds=TIME_BOUNDS_MS,
)
BITRATE = LogMetric(
    "playback_bitrate",
    "Bitrate at which plays start",
    'jsonPayload.event="play_started" AND jsonPayload.bitrate_kbps>=0',
    field="jsonPayload.bitrate_kbps",
    unit="kbit/s",
    bounds=BITRATE_BOUNDS_KBPS,
)
DISTURBANCES = LogMetric(
    "playback_disturbances",
    "Faults and changes of CDN while something played",
    'jsonPayload.event="qoe"',
)
LOG_METRICS = (STARTS, SLOW_STARTS, TIME_TO_FIRST_AUDIO, BITRATE, DISTURBANCES)
