"""Experiments whose truth is known: many at once, so that error rates can be counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from shared.experiments.estimates import Estimate, Moments, adjusted, difference, plain
from shared.experiments.sequential import Floats, Sequence

Kind = Literal["normal", "lognormal", "minutes", "ratio", "rare"]
AT_ONCE = 50


def values(kind: Kind, generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """(experiments, people, 4): numerator, denominator, and both before; what people do has a past
    that correlates with it."""
    taste = generator.normal(size=shape)
    now, then = (taste + generator.normal(size=shape) * 0.8 for _ in range(2))
    ones = np.ones(shape)
    if kind == "normal":
        return np.stack([now, ones, then, ones], axis=-1)
    if kind == "lognormal":  # a skewness of 33
        return np.stack([np.exp(now), ones, np.exp(then), ones], axis=-1)
    if kind == "minutes":  # half of the people do not come, the others listen very unevenly
        here, there = (generator.random(shape) < 0.5 for _ in range(2))
        return np.stack(
            [here * 40 * np.exp(0.9 * now), ones, there * 40 * np.exp(0.9 * then), ones], axis=-1
        )
    if kind == "rare":  # of a thousand people ten complain
        return np.stack([generator.random(shape) < 0.01, ones, ones * 0, ones], axis=-1)
    plays, before = (generator.poisson(10 * np.exp(0.8 * each)) for each in (now, then))
    rate = generator.beta(2, 5, size=shape)
    return np.stack(
        [generator.binomial(plays, rate), plays, generator.binomial(before, rate), before], axis=-1
    ).astype(np.float64)


def sequences(
    kind: Kind,
    *,
    experiments: int,
    people: int,
    looks: int,
    effect: float = 0.0,
    times: float = 1.0,
    share: float = 0.5,
    cuped: bool = True,
    tolerated: float = 0.0,
    seed: int = 0,
) -> Iterator[Sequence]:
    """Treatment (`share` of the people) against control at `looks` evenly spaced looks, `AT_ONCE`
    experiments in each; experiment i is made of seed (`seed`, i). The treated numerator is greater
    by `effect`, and `times` as great."""
    at = np.linspace(0, people, looks + 1).astype(np.int64)[1:]
    for start in range(0, experiments, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, experiments))
        made, treated = [], []
        for number in numbers:
            generator = np.random.default_rng((seed, number))
            made.append(values(kind, generator, (1, people))[0])
            treated.append(generator.random(people) < share)
        table, arm = np.array(made), np.array(treated)
        table[..., 0] = np.where(arm, table[..., 0] * times + effect, table[..., 0])
        arms = [Moments.of(table, arm, at), Moments.of(table, ~arm, at)]
        estimates: list[Estimate] = adjusted(arms)[0] if cuped else [plain(one) for one in arms]
        yield difference(estimates[0], estimates[1], tolerated)
