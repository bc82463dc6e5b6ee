"""The decision: does this person's day of plays look like a machine's?

Each signal is measured (`measures`), becomes a strength between 0 and 1 on a ramp from the value
that people reach to the one that only machines do, and adds its weight times that to the score. No
signal's weight reaches `SUSPECT_AT`, nor do the two together that music left playing shows: to
take a person for a machine is worse than to miss a machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.abuse import measures
from shared.abuse.models import Assessment, Finding, Listen

WINDOW_MS = 24 * measures.HOUR_MS  # a day: what is looked at, and what a person sleeps in
MIN_PLAYS = 30  # in it; fewer are no habit, and no loss if they are a machine's
SUSPECT_AT = 0.65


@dataclass(frozen=True, slots=True)
class Ramp:
    """From `clear`, which says nothing, to `certain`, which says all; either may be larger."""

    clear: float
    certain: float

    def strength(self, value: float) -> float:
        """0 up to `clear`, 1 from `certain` on, in a line between."""
        return min(1.0, max(0.0, (value - self.clear) / (self.certain - self.clear)))


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of evidence: `ramp` is in `unit`."""

    name: str
    unit: str
    ramp: Ramp
    weight: float


# Four devices at once for half an hour are one hour beyond, for three hours six: a household shares
# an account for an evening, a farm does so around the clock.
BEYOND_THE_CLOCK = Signal("beyond_the_clock", "hours", Ramp(1, 6), 0.45)
# 60 an hour is a song a minute for three hours. A loop of 31 s makes 116.
PLAYS_PER_HOUR = Signal("plays_per_hour", "plays/hour", Ramp(90, 180), 0.4)
# People leave one song in five in its first half minute, and one in twenty in the next quarter.
CUT_ONCE_COUNTED = Signal("cut_once_counted", "share", Ramp(0.5, 0.8), 0.4)
CUTS = Ramp(20, 60)  # how many such plays make it a habit
# Human skipping varies by half of its mean and more; a timer with some noise by a tenth.
CLOCKWORK = Signal("clockwork", "variation", Ramp(0.25, 0.05), 0.3)
# One album, or one artist, for a day: also a person's in love, or asleep.
MONOTONY = Signal("monotony", "artists", Ramp(3, 1.2), 0.15)
FEW_TRACKS = Ramp(10, 3)  # the same with tracks, for a farm that sells to several artists
DAY_OF_PLAYS = Ramp(100, 300)  # eight hours of songs, and a day of them
# A shop plays from opening to closing; people who sleep to music also commute without.
NO_PAUSE = Signal("no_pause", "hours", Ramp(18, 23), 0.15)

SIGNALS = (BEYOND_THE_CLOCK, PLAYS_PER_HOUR, CUT_ONCE_COUNTED, CLOCKWORK, MONOTONY, NO_PAUSE)
LEFT_PLAYING = (MONOTONY, NO_PAUSE)  # what an album on repeat shows


def assess(listens: Sequence[Listen]) -> Assessment:
    """How machine-like one person's plays of a day (`WINDOW_MS`) are, and why."""
    if len(listens) < MIN_PLAYS:
        return Assessment()
    findings = [
        Finding(
            signal=signal.name,
            value=round(value, 3),
            unit=signal.unit,
            strength=strength,
            points=signal.weight * strength,
        )
        for signal, value, strength in _signals(listens)
        if strength > 0
    ]
    score = min(1.0, sum(finding.points for finding in findings))
    findings.sort(key=lambda finding: (-finding.points, finding.signal))
    return Assessment(score=score, findings=tuple(findings))


def _signals(listens: Sequence[Listen]) -> Iterator[tuple[Signal, float, float]]:
    """Every signal with its value and strength."""
    whole, devices = measures.spacings(listens), measures.by_device(listens)
    for signal, value in (
        (BEYOND_THE_CLOCK, measures.hours_beyond_the_clock(devices)),
        (PLAYS_PER_HOUR, measures.plays_per_hour(listens)),
        (NO_PAUSE, measures.hours_without_pause(whole)),
    ):
        yield signal, value, signal.ramp.strength(value)
    yield MONOTONY, *_monotony(listens)
    # All plays as one line too: a machine may name each play another device.
    lines = [whole, *devices]
    yield CUT_ONCE_COUNTED, *max((_cutting(line) for line in lines), key=lambda found: found[1])
    yield CLOCKWORK, *max((_clockwork(line) for line in lines), key=lambda found: found[1])


def _cutting(line: Sequence[measures.Spacing]) -> tuple[float, float]:
    cut, share = measures.cut_plays(line)
    return share, CUT_ONCE_COUNTED.ramp.strength(share) * CUTS.strength(cut)


def _clockwork(line: Sequence[measures.Spacing]) -> tuple[float, float]:
    variation = measures.irregularity(line)
    return (1.0, 0.0) if variation is None else (variation, CLOCKWORK.ramp.strength(variation))


def _monotony(listens: Sequence[Listen]) -> tuple[float, float]:
    # A track that the catalogue does not know counts as an artist of its own.
    artists = measures.variety(listen.artist_id or listen.track_id for listen in listens)
    tracks = measures.variety(listen.track_id for listen in listens)
    narrow = max(MONOTONY.ramp.strength(artists), FEW_TRACKS.strength(tracks))
    return artists, narrow * DAY_OF_PLAYS.strength(len(listens))
