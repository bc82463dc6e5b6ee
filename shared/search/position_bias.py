"""How much rather a result is played because of where it stands.

People look at the top first, so plays alone favour whatever order they were shown. The remedy is to
weight a play by the inverse of the propensity that its place was looked at (Joachims, Swaminathan,
Schnabel: Unbiased Learning-to-Rank with Biased Feedback, WSDM 2017). We swap no results under
people's eyes to measure propensities, so they are estimated together with what people like, as
others do (Wang et al.: Position Bias Estimation for Unbiased Learning to Rank in Personal Search,
WSDM 2018): here by a conditional logit, P(play of i) ∝ exp(u(features of i)) · propensity(place of
i), over items of one class of match. `u` bends at each feature's quartiles, so that a relevance
that is no line is not taken for a place's worth. It stands on equally good items at different
places; where features tell all of the place there is nothing to tell the two apart, and the
penalty leaves the propensities near 1, which is to correct nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Places 1, 2, 3, 4-5, 6-10, 11-20, 21-50: by index, where each begins.
BEGINNINGS = (0, 1, 2, 3, 5, 10, 20)
MAX_WEIGHT = 10.0  # clipped, as in the paper above: a rare play far down must not decide alone
MAX_RUNS = 20_000  # to estimate from; more change no digit that matters
_PENALTY = 1.0
_QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Run:
    """Items of one class of match that stood together, one of which at least was played: their
    places (index in the page), features (items by features), and which were played."""

    places: Integers
    features: Floats
    played: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Propensities:
    """The propensity (0..1, the first place's is 1) of each range of places in `BEGINNINGS`."""

    values: tuple[float, ...]

    def weights(self, places: Integers) -> Floats:
        """Inverse propensities of `places`, 1..`MAX_WEIGHT`."""
        inverse = 1 / np.array(self.values)[_ranges(places)]
        weights: Floats = np.minimum(inverse, MAX_WEIGHT)
        return weights


def estimate(runs: Sequence[Run]) -> Propensities:
    """The propensities that make the plays of `runs` most likely. A lower place's is never above
    a higher one's."""
    from scipy.optimize import minimize

    runs = [run for run in runs if run.played.any() and not run.played.all()][:MAX_RUNS]
    if not runs:
        return Propensities((1.0,) * len(BEGINNINGS))
    features = np.vstack([run.features for run in runs])
    ranges = _ranges(np.concatenate([run.places for run in runs]))
    design = np.hstack(
        [_bent(features), *(ranges[:, None] == number for number in range(1, len(BEGINNINGS)))]
    )
    played = np.concatenate([run.played for run in runs])
    sizes = np.array([len(run.played) for run in runs])
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    plays = np.repeat(np.add.reduceat(played.astype(np.float64), starts), sizes)

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        """Negative log-likelihood with its penalty, and the gradient."""
        utility = design @ coefficients
        utility -= np.repeat(np.maximum.reduceat(utility, starts), sizes)
        exponents = np.exp(utility)
        totals = np.repeat(np.add.reduceat(exponents, starts), sizes)
        likelihood = (utility - np.log(totals))[played].sum()
        gradient = design.T @ (plays * exponents / totals - played)
        penalty = _PENALTY * coefficients
        return float(-likelihood + coefficients @ penalty / 2), gradient + penalty

    found = minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B").x
    values = np.exp(np.concatenate(([0.0], found[-(len(BEGINNINGS) - 1) :])))
    return Propensities(tuple(np.minimum.accumulate(np.minimum(values, 1.0)).tolist()))


def _ranges(places: Integers) -> Integers:
    return np.searchsorted(np.array(BEGINNINGS), places, side="right") - 1


def _bent(features: Floats) -> Floats:
    """Each feature in units of its deviation, and what it has beyond each of its quartiles."""
    scaled = features / np.where(features.std(axis=0) > 0, features.std(axis=0), 1.0)
    bends = [np.maximum(scaled - np.quantile(scaled, q, axis=0), 0) for q in _QUARTILES]
    return np.hstack([scaled, *bends])
