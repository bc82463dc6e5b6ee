"""Whether something learned is better beyond doubt: the interval of a mean of clustered values."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 2_000
_RESAMPLES_AT_ONCE = 100


def interval(
    values: Floats, weights: Floats, clusters: Sequence[Hashable], seed: int
) -> tuple[Floats, Floats]:
    """Lower and upper ends (one for each metric) of the weighted mean of `values` (observations by
    metrics), by a bootstrap that resamples whole clusters: a thousand observations of one query,
    or of one person, are one opinion. Equal for an equal seed."""
    import numpy as np

    numbers = np.unique(np.array(clusters), return_inverse=True)[1]
    count = int(numbers.max()) + 1
    sizes = np.bincount(numbers, weights).astype(np.float64)
    sums = np.stack([np.bincount(numbers, weights * column) for column in values.T], axis=1)
    random = np.random.default_rng(seed)
    means = []
    for _ in range(RESAMPLES // _RESAMPLES_AT_ONCE):
        drawn = random.multinomial(count, np.full(count, 1 / count), size=_RESAMPLES_AT_ONCE)
        means.append((drawn @ sums) / (drawn @ sizes)[:, None])
    tail = (1 - CONFIDENCE) / 2
    ends = np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    middle = sums.sum(axis=0) / sizes.sum()
    low, high = middle + (ends - middle) * _widening(sizes)
    return low, high


def _widening(sizes: Floats) -> float:
    """By how much a percentile interval over clusters of these `sizes` is too narrow, as it is over
    few, or where a few outweigh the others (Kish's effective number): Student's t asks for more
    than the normal distribution (Hesterberg: What Teachers Should Know about the Bootstrap, The
    American Statistician, 2015)."""
    import numpy as np
    from scipy.stats import norm, t

    effective = float(sizes.sum() ** 2 / (sizes**2).sum())
    freedom = max(effective - 1, 1.0)
    upper = (1 + CONFIDENCE) / 2
    return float(t.ppf(upper, freedom) / norm.ppf(upper) * np.sqrt((freedom + 1) / freedom))
