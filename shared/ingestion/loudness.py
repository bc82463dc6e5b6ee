"""Loudness of what was made, against what was asked (F014). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from shared.ingestion.ladder import LUFS_TOLERANCE, TARGET_LUFS


@dataclass(frozen=True, slots=True)
class LoudnessCheck:
    """Whether `measured_lufs` is within the tolerance, and why."""

    accepted: bool
    measured_lufs: float
    reason: str


def check(measured_lufs: float) -> LoudnessCheck:
    """The verdict on an integrated loudness in LUFS (EBU R128)."""
    off = measured_lufs - TARGET_LUFS
    accepted = abs(off) <= LUFS_TOLERANCE
    verdict = "within" if accepted else "outside"
    return LoudnessCheck(
        accepted,
        measured_lufs,
        f"integrated loudness is {measured_lufs:.1f} LUFS, {off:+.1f} LU from the target: "
        f"{verdict} ±{LUFS_TOLERANCE:g} LU of {TARGET_LUFS:g} LUFS",
    )
