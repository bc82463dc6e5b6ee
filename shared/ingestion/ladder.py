"""The renditions of a track, as data (F008-F013 by decision 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Part of every asset version: change it with anything below, so that a republished track gets
# new paths (F096).
LADDER_VERSION = "2"

SEGMENT_S = 6.0  # the Transcoder's default
TARGET_LUFS = -14.0  # F014; EBU R128 measurement at the usual streaming level
LUFS_TOLERANCE = 1.0
PREVIEW_MS = 30_000  # F030


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoding; `key` names its stream and files."""

    key: str
    codec: Literal["aac", "vorbis", "mp3"]
    bitrate_kbps: int
    container: Literal["fmp4", "ogg", "mp3"]
    channels: int = 2
    premium: bool = False  # lies in a folder of its own, which other listeners' signatures spare
    sample_rate_hz: int = 44_100  # the Transcoder's default of 48 kHz would resample every CD


# F009, F012, F015: the web and mobile ladder, segmented and encrypted.
AAC = tuple(Rendition(f"aac_{kbps}", "aac", kbps, "fmp4") for kbps in (64, 96, 160, 256))

# F008, F010: standalone files for native clients; 24 kbps carries speech and beats in mono.
VORBIS = (
    Rendition("vorbis_24", "vorbis", 24, "ogg", channels=1, sample_rate_hz=22_050),
    *(Rendition(f"vorbis_{kbps}", "vorbis", kbps, "ogg") for kbps in (96, 160)),
    Rendition("vorbis_320", "vorbis", 320, "ogg", premium=True),  # F045
)

PREVIEW_STREAM = Rendition("preview_aac", "aac", 96, "fmp4")
PREVIEW_FILE = Rendition("preview_mp3", "mp3", 96, "mp3")
