"""Is this recording known already? The decision with its reason (F017). Pure.

An ISRC names one recording (ISO 3901, 4.1). The same ISRC over another recording is a mistake in
one of the two submissions, and paying royalties by it would pay the wrong people: the later one is
rejected and its submitter told which track holds the code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shared.ingestion.fingerprint import bit_error_rate

# Between encodings of one recording we see below 0.10, between recordings above 0.30.
SAME_RECORDING_MAX_BIT_ERROR_RATE = 0.15
MAX_DURATION_DIFFERENCE_MS = 5_000


@dataclass(frozen=True, slots=True)
class Recording:
    """What is compared: `items` is the chromaprint fingerprint."""

    track_id: str
    duration_ms: int
    isrc: str | None
    items: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """`kind` with the track that decided it; `reason` is for the submitter."""

    kind: Literal["new", "duplicate", "isrc_conflict"]
    reason: str
    track_id: str | None = None
    bit_error_rate: float | None = None


def decide(new: Recording, known: Iterable[Recording]) -> Decision:
    """Whether `new` is a recording of its own among the candidates `known`.

    The closest recording wins; a near duplicate outranks an ISRC conflict, because the same
    recording under two ISRCs is a duplicate all the same.
    """
    same: list[tuple[float, Recording]] = []
    conflicts: list[tuple[float, Recording]] = []
    for other in known:
        if other.track_id == new.track_id:
            continue
        same_isrc = new.isrc is not None and new.isrc == other.isrc
        apart_ms = abs(new.duration_ms - other.duration_ms)
        rate = bit_error_rate(new.items, other.items)
        if rate <= SAME_RECORDING_MAX_BIT_ERROR_RATE and (
            same_isrc or apart_ms <= MAX_DURATION_DIFFERENCE_MS
        ):
            same.append((rate, other))
        elif same_isrc:
            conflicts.append((rate, other))
    if same:
        rate, other = min(same, key=_order)
        return Decision(
            "duplicate",
            f"the recording is already in the catalogue as track {other.track_id}: its "
            f"fingerprint differs in {rate:.1%} of the bits",
            other.track_id,
            rate,
        )
    if conflicts:
        rate, other = min(conflicts, key=_order)
        return Decision(
            "isrc_conflict",
            f"ISRC {new.isrc} already names track {other.track_id}, which is another recording: "
            f"the fingerprints differ in {rate:.1%} of the bits",
            other.track_id,
            rate,
        )
    return Decision("new", "no known recording is alike")


def _order(found: tuple[float, Recording]) -> tuple[float, str]:
    return found[0], found[1].track_id
