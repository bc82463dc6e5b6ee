"""The order of shelves, by Thompson sampling (F212).

A shelf's worth is the probability that somebody who looks at it plays something from it, known as
a Beta distribution. For a page each shelf draws a worth from its own, and the shelves stand in the
order of the draws: so each is on top as often as it may well be the best (Thompson 1933; Chapelle
and Li: An Empirical Evaluation of Thompson Sampling, NIPS 2011). Under the position-based click
model that order is the best one for the drawn worths, since places are looked at the less the lower
they are (Lagrée, Vernade, Cappé: Multiple-Play Bandits in the Position-Based Model, NIPS 2016).

A person's draws are those of one generator for the hour, so home does not flicker. A draw is the
quantile of a uniform number, not a rejection sample: where the distributions move a little within
the hour, the draws move a little, and the order hardly ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

ANY = "*"  # in posteriors: a shelf of which nothing is known
PROPENSITY_DRAWS = 400  # the standard error of a propensity is 0.025 at most


@dataclass(frozen=True, slots=True)
class Beta:
    """A Beta distribution; `a` and `b` are above 0."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)


@dataclass(frozen=True, slots=True)
class Choice:
    """A shelf at a place (0 is the top), where such an order puts it with probability
    `propensity` (0 exclusive to 1)."""

    arm: str
    position: int
    propensity: float


def generator_of(user_id: str, now: datetime, purpose: str = "shelves") -> np.random.Generator:
    """The random numbers of a person, an hour (UTC) and a `purpose`."""
    import numpy as np

    text = f"{purpose}:{user_id}:{int(now.timestamp()) // 3600}"
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


def ordered(
    arms: Sequence[str], posteriors: Mapping[str, Beta], generator: np.random.Generator
) -> list[Choice]:
    """`arms`, each once, in a sampled order. A shelf that is not in `posteriors` is worth what
    `ANY` says; where that is missing too, nothing has been learned and `arms` stand as given."""
    known = [posteriors.get(arm) or posteriors.get(ANY) for arm in arms]
    if not arms or any(one is None for one in known):
        return [Choice(arm, position, 1.0) for position, arm in enumerate(arms)]
    import numpy as np
    from scipy.special import betaincinv

    # Numbers go to the names in their alphabetical order: the order given decides nothing.
    names = sorted(arms)
    of = {arm: one for arm, one in zip(arms, known, strict=True) if one is not None}
    a = np.array([of[name].a for name in names])
    b = np.array([of[name].b for name in names])
    drawn = betaincinv(a, b, generator.random(len(names)))
    order = np.argsort(-drawn, kind="stable")
    again = np.argsort(-generator.beta(a, b, (PROPENSITY_DRAWS, len(names))), axis=1)
    # The order that is shown is one draw of its own distribution: no propensity is ever 0.
    propensities = (1 + (again == order).sum(axis=0)) / (1 + PROPENSITY_DRAWS)
    return [
        Choice(names[index], position, float(propensities[position]))
        for position, index in enumerate(order.tolist())
    ]
