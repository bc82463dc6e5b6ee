"""Whether people came in the proportions that they were meant to (sample-ratio mismatch, SRM).

Where they did not, something other than chance decides who is counted, and no result can be
trusted (Fabijan et al.: Diagnosing Sample Ratio Mismatch in Online Controlled Experiments, KDD
2019). The alarm is raised by a test that holds at every look: the Bayes factor of a Dirichlet prior
around the wanted proportions against those proportions (Lindon, Malek: Anytime-Valid Inference for
Multinomial Count Data, NeurIPS 2022). The chi-square test of the last look stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ALARM_BELOW = 0.001  # usual for SRM: a false alarm costs an experiment
# Of the prior, in people: the test is sharp for shares that are off by some 1 / sqrt(this).
PRIOR_STRENGTH = 1_000.0


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """`p_value` may be looked at any time; `chi_square_p` is right for one look only."""

    p_value: float
    chi_square_p: float

    @property
    def is_off(self) -> bool:
        """Whether to distrust the experiment."""
        return self.p_value < ALARM_BELOW


def check(counts: Sequence[int], weights: Sequence[float]) -> SampleRatio:
    """Of as many people as `counts` by variant, who were to come in proportion to `weights`
    (> 0). Raises ValueError for lengths that differ."""
    from scipy.special import gammaln
    from scipy.stats import chisquare

    seen, shares = np.array(counts, dtype=np.float64), np.array(weights, dtype=np.float64)
    if seen.shape != shares.shape:
        raise ValueError(f"{len(counts)} counts for {len(weights)} weights")
    shares /= shares.sum()
    total = seen.sum()
    if not total:
        return SampleRatio(1.0, 1.0)
    strength = PRIOR_STRENGTH * shares
    log_bayes_factor = (
        gammaln(PRIOR_STRENGTH)
        - gammaln(PRIOR_STRENGTH + total)
        + (gammaln(strength + seen) - gammaln(strength)).sum()
        - (seen * np.log(shares)).sum()
    )
    p_value = float(np.exp(-max(log_bayes_factor, 0.0)))
    return SampleRatio(p_value, float(chisquare(seen, shares * total).pvalue))
