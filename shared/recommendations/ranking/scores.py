"""From chances to an order: how what was learned and what was retrieved come together. Pure.

    score = relevance + value,    value = P(completed) - P(skipped)

`relevance` (0..1) is the place among the candidates at retrieval: 1 for the first, falling evenly
to 0 for the last. It stands beside what was learned because the chances are learned from what
people *played*: they tell how a play ends, not how much rather one track is wanted than another,
which is what retrieval measures. Places are taken and not scores, whose scale means nothing
(`Scored.score`). The whole way from the last candidate to the first is worth as much as a play
that is surely completed over one that is as likely skipped.

Without a model the value is guessed from what usually becomes of the track and how near it is to
the person's taste:

    value = track_completion_rate_28d - track_skip_rate_28d
            + the sum of GUESS[feature] * sqrt(feature)
            - (pair_skip_rate_28d - PRIOR_SKIP_RATE)

Affinities are shares, of which even a favourite artist has a few hundredths: hence the roots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.recommendations.ranking.features import RANKING_FEATURES
from shared.signals.features import PRIOR_SKIP_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

GUESS = {"artist_affinity": 0.4, "genre_affinity": 0.2, "pair_follows_artist": 0.1}


def relevance(retrieved: Floats) -> Floats:
    """The place (1 best .. 0 worst) of each score among all; equal ones share theirs, and what is
    no number is the worst."""
    import numpy as np

    if len(retrieved) < 2:
        return np.ones(len(retrieved))
    retrieved = np.where(np.isnan(retrieved), -np.inf, retrieved)
    _, inverse, counts = np.unique(retrieved, return_inverse=True, return_counts=True)
    lower = np.cumsum(counts) - counts  # how many are below
    places: Floats = (lower + (counts - 1) / 2)[inverse] / (len(retrieved) - 1)
    return places


def guessed(features: Floats) -> Floats:
    """The value of each row of `RANKING_FEATURES` (tracks by features) as it is guessed."""
    import numpy as np

    values = (
        _column(features, "track_completion_rate_28d")
        - _column(features, "track_skip_rate_28d")
        - (_column(features, "pair_skip_rate_28d") - PRIOR_SKIP_RATE)
    )
    for name, weight in GUESS.items():
        values = values + weight * np.sqrt(_column(features, name))
    return values


def _column(features: Floats, name: str) -> Floats:
    return features[:, RANKING_FEATURES.index(name)]
