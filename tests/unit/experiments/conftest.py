"""Experiments and people for the tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from shared.experiments.models import Experiment
from shared.experiments.people import Person

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def experiment(**changes: Any) -> Experiment:
    """A running experiment of two even variants, for a month."""
    fields: dict[str, Any] = {
        "name": "warm-home",
        "about": "Home begins with what was played last.",
        "variants": [{"name": "control", "weight": 5000}, {"name": "warm", "weight": 5000}],
        "primary_metric": "listening_minutes",
        "planned_people": 4_000,
        "status": "running",
        "started_at": NOW - timedelta(days=30),
    }
    return Experiment.model_validate(fields | changes)


def people(
    of: Experiment,
    count: int,
    seed: int,
    *,
    listening: float = 1.0,
    skipping: float = 1.0,
    complaining: float = 1.0,
    shares: Sequence[float] | None = None,
) -> list[Person]:
    """`count` people who arrived evenly since the start. Those of any treatment listen, skip and
    complain by such factors more."""
    generator = np.random.default_rng(seed)
    assert of.started_at is not None
    names = [variant.name for variant in of.variants]
    weights = shares or [variant.weight / 10_000 for variant in of.variants]
    found = []
    for number in range(count):
        variant = str(generator.choice(names, p=weights))
        treated = variant != "control"
        taste, rate = generator.normal(), generator.beta(2, 6)
        before = _span(generator, taste, rate, 7)
        factors = (listening, skipping, complaining) if treated else (1.0, 1.0, 1.0)
        found.append(
            Person(
                first_ts=of.started_at + (NOW - of.started_at) * (number / count),
                variant=variant,
                is_suspected=False,
                after=_span(generator, taste, rate, 7, *factors),
                before=before,
                soon=_span(generator, taste, rate, 1, *factors),
            )
        )
    return found


def _span(
    generator: np.random.Generator,
    taste: float,
    rate: float,
    days: int,
    listening: float = 1.0,
    skipping: float = 1.0,
    complaining: float = 1.0,
) -> tuple[float, ...]:
    plays = int(generator.poisson(days * 6 * np.exp(0.7 * taste)))
    skipped = int(generator.binomial(plays, min(rate * skipping, 1.0)))
    completed = int(generator.binomial(plays - skipped, 0.8))
    minutes = (plays - skipped) * 3.1 * listening * float(np.exp(0.2 * generator.normal()))
    active = min(plays, int(generator.binomial(days, 1 / (1 + np.exp(-1 - taste)))))
    complained = float(generator.random() < 0.01 * complaining)
    return (minutes, float(active), float(plays), float(completed), float(skipped), complained)
