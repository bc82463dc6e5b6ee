"""Chooses hyper-parameters on a validation part of the training part, by itself.

Nothing here knows a data set. Each search walks a grid whose steps are a constant factor, one axis
after the other, until no step is better or its budget of trained models is spent: so a choice costs
at most what `Budget` says, whatever the data.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from shared.recommendations.collaborative.blending import BlendWeights
from shared.recommendations.collaborative.evaluation import (
    Accuracy,
    Scorer,
    by_blend,
    by_neighbours,
    by_vectors,
    evaluate,
    evaluate_all,
    once_a_batch,
    testable,
)
from shared.recommendations.collaborative.factors import Factorization, factorize
from shared.recommendations.collaborative.interactions import split
from shared.recommendations.collaborative.neighbours import Neighbourhood, item_neighbours
from shared.recommendations.items import FoldIn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.recommendations.collaborative.interactions import Interactions

log = logging.getLogger(__name__)

VALIDATION_SHARE = 0.2
# Four steps are a factor of ten.
UNOBSERVED_WEIGHTS = tuple(float(10 ** (k / 4)) for k in range(-12, 3))  # 0.001..3.2
REGULARIZATIONS = tuple(float(10 ** (k / 4)) for k in range(-16, 1))  # 0.0001..1
RIDGES = (3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0)
HISTORY_EXPONENTS = (0.0, 0.25, 0.5)
# The neighbours' score counts 10^(k/8) times as much as the vectors', or one of them alone.
BLENDS = (0.0, *(1 / (1 + 10 ** (-k / 8)) for k in range(-12, 17)), 1.0)

Point = tuple[int, ...]  # the place on each axis of a grid
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Budget:
    """A choice trains at most so many models, with so many iterations, and judges them by so many
    users, drawn at random."""

    factorizations: int = 20
    neighbourhoods: int = 8
    iterations: int = 8
    users: int = 4_000


@dataclass(frozen=True, slots=True)
class Choice:
    """What to train with, on which of the offered confidences, and how well it did in the
    validation: the vectors alone, the neighbours alone, both."""

    confidences: str
    factorization: Factorization
    neighbourhood: Neighbourhood
    blend: BlendWeights
    vectors: Accuracy
    neighbours: Accuracy
    both: Accuracy


def choose(
    offered: Interactions | Mapping[str, Interactions],
    *,
    seed: int,
    budget: Budget | None = None,
    base: Factorization | None = None,
) -> Choice:
    """The best by the mean of Recall@20, Recall@50 and NDCG@100 on 20 % of every user's pairs.

    Several interactions may be offered by name, which differ in their confidences alone: binary and
    graded ones, say. Dimensions and iterations of what is chosen are those of `base`."""
    named = offered if isinstance(offered, Mapping) else {"": offered}
    budget = budget or Budget()
    trial = Trial.of(named, seed, budget)
    name, factorization, of_vectors, vectors = choose_factorization(trial, budget, base)
    neighbourhood, of_neighbours, neighbours = choose_neighbourhood(trial, budget)
    blend, of_both = choose_blend(trial, vectors, neighbours)
    return Choice(name, factorization, neighbourhood, blend, of_vectors, of_neighbours, of_both)


@dataclass(frozen=True, slots=True)
class Trial:
    """What models are trained on, by the name of the confidences, and judged by."""

    known: Mapping[str, Interactions]
    held: Interactions
    users: NDArray[np.intp]
    seed: int

    @classmethod
    def of(cls, offered: Mapping[str, Interactions], seed: int, budget: Budget) -> Trial:
        """The same pairs are held out of all that are offered."""
        parts = {name: split(one, VALIDATION_SHARE, seed) for name, one in offered.items()}
        held = next(iter(parts.values()))[1]
        users = np.random.default_rng(seed).permutation(testable(held))[: budget.users]
        return cls({name: part[0] for name, part in parts.items()}, held, np.sort(users), seed)

    @property
    def any_known(self) -> Interactions:
        """For what does not look at confidences."""
        return next(iter(self.known.values()))

    def judge(self, scorer: Scorer, what: object) -> Accuracy:
        """How well it finds what was held out."""
        accuracy = evaluate(scorer, self.any_known, self.held, users=self.users)
        log.info("%s: %.4f", what, accuracy.mean)
        return accuracy


def choose_factorization(
    trial: Trial, budget: Budget, base: Factorization | None = None
) -> tuple[str, Factorization, Accuracy, Scorer]:
    """The confidences and the configuration, and what was made in the trial with them."""
    base = base or Factorization()
    names = list(trial.known)

    def attempt(point: Point) -> tuple[Accuracy, Scorer]:
        config = replace(base, params=_params(point), iterations=budget.iterations)
        scorer = by_vectors(factorize(trial.known[names[point[0]]], config, seed=trial.seed))
        return trial.judge(scorer, (names[point[0]], config.params)), scorer

    best, (accuracy, scorer) = climb(
        attempt,
        (0, _place(UNOBSERVED_WEIGHTS, 0.03), _place(REGULARIZATIONS, 0.01)),
        (len(names), len(UNOBSERVED_WEIGHTS), len(REGULARIZATIONS)),
        strides=(2, 1),
        trials=budget.factorizations,
    )
    return names[best[0]], replace(base, params=_params(best)), accuracy, scorer


def choose_neighbourhood(trial: Trial, budget: Budget) -> tuple[Neighbourhood, Accuracy, Scorer]:
    """The configuration, and what was made in the trial with it."""

    def attempt(point: Point) -> tuple[Accuracy, Scorer]:
        config = _neighbourhood(point)
        scorer = by_neighbours(trial.any_known, *item_neighbours(trial.any_known, config))
        return trial.judge(scorer, config), scorer

    best, (accuracy, scorer) = climb(
        attempt,
        (_place(RIDGES, 30.0), _place(HISTORY_EXPONENTS, 0.25)),
        (len(RIDGES), len(HISTORY_EXPONENTS)),
        strides=(1,),
        trials=budget.neighbourhoods,
    )
    return _neighbourhood(best), accuracy, scorer


def choose_blend(
    trial: Trial, vectors: Scorer, neighbours: Scorer
) -> tuple[BlendWeights, Accuracy]:
    """The share of each, and how well both do together with it."""
    vectors, neighbours = once_a_batch(vectors), once_a_batch(neighbours)
    blends = {str(share): BlendWeights(share) for share in BLENDS}
    scorers = {name: by_blend(vectors, neighbours, blend) for name, blend in blends.items()}
    found = evaluate_all(scorers, trial.any_known, trial.held, users=trial.users)
    best = max(found, key=lambda name: found[name].mean)
    log.info("%s: %.4f", blends[best], found[best].mean)
    return blends[best], found[best]


def climb(
    attempt: Callable[[Point], tuple[Accuracy, T]],
    start: Point,
    sizes: Point,
    *,
    strides: tuple[int, ...],
    trials: int,
) -> tuple[Point, tuple[Accuracy, T]]:
    """The best point of a grid that was found in `trials` attempts, and what was made there.

    Goes along an axis as long as that helps, axis after axis until none does, first with the
    first of the `strides`. No point is tried twice; what was made at worse ones is let go."""
    best, made = start, attempt(start)
    tried = {start}
    for stride in strides:
        moved = True
        while moved:
            moved = False
            for axis, size in enumerate(sizes):
                for step in (stride, -stride):
                    while len(tried) < trials:
                        point = (*best[:axis], best[axis] + step, *best[axis + 1 :])
                        if point in tried or not 0 <= point[axis] < size:
                            break
                        tried.add(point)
                        other = attempt(point)
                        if other[0].mean <= made[0].mean:
                            break
                        best, made, moved = point, other, True
    return best, made


def _params(point: Point) -> FoldIn:
    return FoldIn(UNOBSERVED_WEIGHTS[point[1]], REGULARIZATIONS[point[2]], frequency_exponent=1.0)


def _neighbourhood(point: Point) -> Neighbourhood:
    return Neighbourhood(RIDGES[point[0]], HISTORY_EXPONENTS[point[1]])


def _place(axis: tuple[float, ...], value: float) -> int:
    return min(range(len(axis)), key=lambda place: abs(axis[place] - value))
