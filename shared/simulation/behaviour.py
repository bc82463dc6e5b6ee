"""How people choose and what they do, as formulas with named parameters; all are known truth.

    choice    multinomial logit (McFadden 1974) over what comes to mind and what is shown; what is
              shown at position j is examined with probability `examined_next`^j (the cascade of
              Craswell et al. 2008, without its stop), which enters as its logarithm
    outcome   P(skip) = sigmoid(skip_base + impatience - skip_slope * affinity
                                + fatigue * plays of the track in this session)
    actions   after a track that was heard to its end, P = sigmoid(base + slope * affinity)

When a track is skipped, and how often, follows what Spotify's logs said (P. Lamere, "The Skip",
2014): of all plays 24.1 % are left within 5 s, 29.0 % within 10 s, 35.1 % within 30 s and 48.6 %
before the end. Those shares, of the skipped ones, are `SKIPPED_BY`; the rate here is lower, since
the others of those who leave a track end their session.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Seconds into a track, and the share of skips that have happened by then; the rest by its end.
SKIPPED_BY = ((0.0, 0.0), (5.0, 0.496), (10.0, 0.596), (30.0, 0.721))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Log odds and utilities; affinities have a deviation near 1."""

    # What is chosen next.
    taste: float = 1.0  # times the affinity
    coherence: float = 0.8  # times the cosine to the track before
    album_goes_on: float = 1.5  # of the next track of the album
    familiar: float = 0.6  # of favourites
    repeated: float = -2.0  # for each time that it was heard in this session
    examined_next: float = 0.9  # of what is shown: the chance to look at one more
    # Whether it is heard to its end.
    skip_base: float = 0.8
    skip_slope: float = 1.2
    fatigue: float = 0.8
    # What is done with a track that was heard to its end, as (base, slope).
    save: tuple[float, float] = (-5.5, 1.2)
    playlist_add: tuple[float, float] = (-6.0, 1.0)
    follow: tuple[float, float] = (-6.5, 1.0)
    share: tuple[float, float] = (-7.0, 0.8)
    # And with one that was skipped.
    hide: tuple[float, float] = (-5.0, -1.0)
    report: tuple[float, float] = (-8.0, -1.0)
    searched: float = 0.15  # of what is new and was not shown: the share that was searched for
    # How long.
    tracks_per_session: float = 10.0  # mean
    skips_to_leave: int = 4  # in a row
    stopped: float = 0.5  # of sessions' last tracks: the share that is left before its end

    def p_skip(
        self,
        affinity: NDArray[np.float32],
        impatience: NDArray[np.float32],
        heard: NDArray[np.int64] | int = 0,
        moved: NDArray[np.float64] | float = 0.0,
    ) -> NDArray[np.float64]:
        """The probability of a skip; `heard` counts earlier plays in the session, `moved` is what
        an experiment adds to the log odds."""
        return sigmoid(
            self.skip_base + impatience - self.skip_slope * affinity + self.fatigue * heard + moved
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """What an experiment's treatment does to those who are in it: a truth that its analysis must
    find. The default does nothing, as in an A/A test."""

    skip_log_odds: float = 0.0  # added
    session_length: float = 1.0  # times the mean
    complaint_log_odds: float = 0.0  # added to those of hiding and reporting
    trust: float = 0.0  # added to the utility of what is shown


def sigmoid(log_odds: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow."""
    from scipy.special import expit

    found: NDArray[np.float64] = expit(log_odds)
    return found


def skipped_at(draw: np.random.Generator, duration_ms: NDArray[np.int32]) -> NDArray[np.int64]:
    """Milliseconds into each track at which it is skipped, before its end, by `SKIPPED_BY`."""
    import numpy as np

    share = draw.random(len(duration_ms))
    seconds, by = (np.array(column) for column in zip(*SKIPPED_BY, strict=True))
    early = np.interp(share, by, seconds) * 1000
    late = (share - by[-1]) / (1 - by[-1])
    at = np.where(share < by[-1], early, seconds[-1] * 1000 + late * (duration_ms - 30_000))
    found: NDArray[np.int64] = at.clip(0, duration_ms * 0.99).astype(np.int64)
    return found
