"""Inference that holds at every look: look as often as you like, stop when you like.

Confidence sequences by Robbins' normal mixture, which are the mixture sequential probability ratio
test (mSPRT) turned inside out: a value outside the interval is one whose likelihood ratio against
the mixture N(0, rho^2 sigma^2) has reached 1 / alpha (Robbins 1970; Johari, Koomen, Pekelis, Walsh:
Always Valid Inference, Operations Research 2022). With the variance estimated they are asymptotic
confidence sequences (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit
theory and asymptotic confidence sequences, Annals of Statistics 2024). For n people, an estimate
with standard error s, and k = n rho^2, half the width is

    two-sided   s * sqrt(2 (1 + k) / k * log(sqrt(1 + k) / alpha))
    one-sided   s * sqrt(2 (1 + k) / k * log(1 + sqrt(1 + k) / (2 alpha)))

The one-sided mixture is the positive half of the normal, so that the likelihood ratio is
2 / sqrt(1 + k) * exp(x^2 / 2) * Phi(x) with x = estimate / s * sqrt(k / (1 + k)); at the bound it
is 1 / alpha or more, because Phi(x) >= 1 - exp(-x^2 / 2) / 2.

What is assumed: people come into the analysis one after the other, each once with a number that
does not change any more; which variant each has is random and independent of the others; people do
not affect one another; the numbers have more than two moments, and `LEAST_PEOPLE` are enough for
the central limit theorem (tests hold that for numbers as skewed as listening is). What is not
assumed: equal variances, normal numbers, a number of looks, or that the effect is the same all the
time; then it is the mean effect so far that is covered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALPHA = 0.05
LEAST_PEOPLE = 100  # in the smaller of two arms, before anything is said


def mixture(planned_people: int, alpha: float) -> float:
    """rho with which the intervals are narrowest at `planned_people`, nearly (Waudby-Smith et al.,
    appendix). It is chosen before there are data, and stands."""
    wanted = -2 * np.log(alpha)
    return float(np.sqrt((wanted + np.log(wanted + 1)) / planned_people))


@dataclass(frozen=True, slots=True)
class Sequence:
    """An estimate at each look; all arrays are (looks,) or have leading axes for many sequences at
    once. `people` counts both arms, `ready` is false while there are too few to say anything."""

    people: Floats
    estimate: Floats
    error: Floats  # standard
    ready: NDArray[np.bool_]

    def radius(self, alpha: float, planned_people: int) -> Floats:
        """Half the width of the two-sided interval, which covers the truth at all looks with
        probability 1 - alpha; infinite while not ready."""
        k = self._k(alpha, planned_people)
        return self._width(2 * (1 + k) / k * np.log(np.sqrt(1 + k) / alpha))

    def lower(self, alpha: float, planned_people: int) -> Floats:
        """The one-sided bound: the truth is above it at all looks with probability 1 - alpha."""
        k = self._k(2 * alpha, planned_people)
        return self.estimate - self._width(2 * (1 + k) / k * np.log1p(np.sqrt(1 + k) / (2 * alpha)))

    def p_values(self, alpha: float, planned_people: int) -> Floats:
        """Always-valid p-values of "no effect": the least so far (1 while not ready). `alpha` is
        the level at which the mixture is meant to be sharp."""
        k = self._k(alpha, planned_people)
        z = np.divide(
            self.estimate, self.error, out=np.zeros_like(self.estimate), where=self.error > 0
        )
        log_e = np.where(self.ready, z**2 / 2 * k / (1 + k) - np.log1p(k) / 2, 0.0)
        smallest: Floats = np.minimum.accumulate(np.exp(-np.maximum(log_e, 0.0)), axis=-1)
        return smallest

    def _k(self, alpha: float, planned_people: int) -> Floats:
        k: Floats = np.maximum(self.people, 1.0) * mixture(planned_people, alpha) ** 2
        return k

    def _width(self, squared: Floats) -> Floats:
        width: Floats = np.where(self.ready, self.error * np.sqrt(squared), np.inf)
        return width
