"""What a shelf is worth, apart from where it stood.

The position-based click model (Richardson et al. 2007; Craswell et al. 2008): a shelf is played
from if its place is looked at, and if somebody who looks at it wants it,

    P(play | shelf s at place p) = examination(p) * worth(s),   examination(0) = 1

so plays by shelf and place are all that is needed. Both factors are estimated together by
expectation maximisation (Wang et al.: Position Bias Estimation for Unbiased Learning to Rank in
Personal Search, WSDM 2018). They can be told apart because Thompson sampling shows a shelf at
several places; where it does not, the prior on the examination decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.experiments.bandit import Beta

Floats = NDArray[np.float64]

ROUNDS = 500
TOLERANCE = 1e-7
# Before there is evidence a place is looked at as DCG discounts it; with the weight of so many
# looks.
PRIOR_LOOKS = 50.0
# A shelf of which nothing is known is worth what shelves are on average, as sure as after so many
# looks: one bad half hour on top, and not for everybody.
PRIOR_STRENGTH = 10.0
LEAST_WORTH, MOST_WORTH = 1e-4, 0.999
_GRID = (np.arange(4_000) + 0.5) / 4_000


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each shelf was shown at each place and played from there; both (shelves, places),
    0 or more and not whole where old evidence has faded; no more plays than shows."""

    shown: Floats
    played: Floats


def examination(counts: Counts) -> Floats:
    """The probability (0..1) that each place is looked at, of those who look at the top. It never
    rises from the top down."""
    shown, played = counts.shown, np.minimum(counts.played, counts.shown)
    unplayed = shown - played
    prior = 1 / np.log2(np.arange(shown.shape[1]) + 2)
    looked = prior.copy()
    worth = np.clip(played.sum(axis=1) / (shown @ looked + 1), LEAST_WORTH, MOST_WORTH)
    for _ in range(ROUNDS):
        nothing = 1 - np.outer(worth, looked)  # P(no play)
        looked_anyway = np.outer(1 - worth, looked) / nothing
        wanted_anyway = np.outer(worth, 1 - looked) / nothing
        looks = (played + unplayed * looked_anyway).sum(axis=0)
        wants = (played + unplayed * wanted_anyway).sum(axis=1)
        updated = (looks + PRIOR_LOOKS * prior) / (shown.sum(axis=0) + PRIOR_LOOKS)
        updated = np.minimum.accumulate(np.minimum(updated, 1.0))
        updated[0] = 1.0
        moved = float(np.abs(updated - looked).max())
        looked = updated
        worth = np.clip(wants / (shown.sum(axis=1) + 1), LEAST_WORTH, MOST_WORTH)
        if moved < TOLERANCE:
            break
    return looked


def prior(counts: Counts, looked: Floats) -> Beta:
    """What a shelf is worth of which nothing is known."""
    looks = float((counts.shown @ looked).sum())
    mean = (float(counts.played.sum()) + 1) / (looks + 20)  # 5 % before there is anything
    mean = min(max(mean, LEAST_WORTH), 0.5)
    return Beta(PRIOR_STRENGTH * mean, PRIOR_STRENGTH * (1 - mean))


def posterior(shown: Floats, played: Floats, looked: Floats, before: Beta) -> Beta:
    """What is known of a shelf's worth after it was `shown` and `played` at each place: the Beta
    distribution with the mean and variance of the exact posterior, which has the density
    prior * prod_p w^played_p * (1 - looked_p w)^(shown_p - played_p) and no name."""
    grid = _grid(shown, played, looked)
    unplayed = np.maximum(shown - played, 0)
    log_density = (
        (before.a - 1 + played.sum()) * np.log(grid)
        + (before.b - 1) * np.log1p(-grid)
        + np.log1p(-np.outer(grid, looked)) @ unplayed
    )
    # The grid is not even: each point stands for the width around it.
    density = np.exp(log_density - log_density.max()) * np.gradient(grid)
    density /= density.sum()
    mean = float(density @ grid)
    variance = float(density @ (grid - mean) ** 2)
    strength = max(mean * (1 - mean) / variance - 1, 1e-6)
    return Beta(mean * strength, (1 - mean) * strength)


def _grid(shown: Floats, played: Floats, looked: Floats) -> Floats:
    """Points of (0, 1), close together about where the posterior lies."""
    from scipy.special import betaincinv

    looks, plays = float(shown @ looked), float(played.sum())
    centre = (plays + 0.5, max(looks - plays, 0) + 0.5)
    low, high = betaincinv(*centre, 1e-9) / 2, min(betaincinv(*centre, 1 - 1e-9) * 2, 1.0)
    fine = low + (high - low) * _GRID
    return np.unique(np.concatenate([fine, _GRID]))
