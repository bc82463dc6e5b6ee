"""What an experiment shows, from what its people did. Pure.

Every treatment is compared with control. All intervals of an experiment's primary metric hold
together with probability 95 % at all looks, and so do all bounds of its guardrails: each is taken
at 5 % divided by their number (Bonferroni). Metrics beside the primary one are shown with
intervals at 5 % each, for orientation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from shared.experiments import sample_ratio
from shared.experiments.estimates import COLUMNS, Estimate, Moments, adjusted, difference, plain
from shared.experiments.metrics import FIELDS, GUARDRAIL_DAYS, METRICS, Metric
from shared.experiments.models import CONTROL, Experiment, Guardrail
from shared.experiments.people import IN_TWO, People
from shared.experiments.sample_ratio import SampleRatio
from shared.experiments.sequential import ALPHA, Floats
from shared.experiments.warehouse import LATENESS

MOST_LOOKS = 200  # that are drawn; the intervals hold at all others too


@dataclass(frozen=True, slots=True)
class Path:
    """An effect (variant less control, in the metric's own unit) with its interval at each look,
    where so many `people` of the two arms counted; infinite where they were too few."""

    people: tuple[int, ...]
    effect: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric of a variant against control, as of the last look: both values (as they were), the
    effect (by CUPED where `variance_left` is below 1) with its interval, the always-valid p-value,
    and the correlation of people's past with what they did."""

    metric: Metric
    variant: str
    control_value: float
    value: float
    effect: float
    low: float
    high: float
    p_value: float
    correlation: float
    variance_left: float
    path: Path

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or `open`: nothing is shown yet."""
        if self.low <= 0 <= self.high:
            return "open"
        return "better" if (self.effect > 0) == (self.metric.better == "more") else "worse"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guardrail of a variant. `excess` is by how much the variant is above what is tolerated, and
    `shown_excess` by how much at least (its one-sided bound, the highest of all looks); above 0
    the harm is shown."""

    guardrail: Guardrail
    variant: str
    control_value: float
    value: float
    excess: float
    shown_excess: float

    @property
    def is_broken(self) -> bool:
        return self.shown_excess > 0


@dataclass(frozen=True, slots=True)
class Analysis:
    """All of it, as of `as_of`. `exposed` counts people by variant, suspected ones and those seen
    with more than one variant (`in_two`) left out, `counted` those whose window has ended;
    `arrivals` are the times of first exposure by variant (seconds since the epoch), ascending."""

    experiment: Experiment
    as_of: datetime
    assigned: dict[str, int]
    exposed: dict[str, int]
    counted: dict[str, int]
    in_two: int
    suspected: int
    ratio: SampleRatio
    comparisons: tuple[Comparison, ...]  # of the primary metric first, then of the others
    guarded: tuple[Guarded, ...]
    arrivals: dict[str, Floats]

    def of(self, experiment: Experiment) -> Analysis:
        """The same of `experiment`, which has changed its status since."""
        return replace(self, experiment=experiment)

    @property
    def primary(self) -> tuple[Comparison, ...]:
        return tuple(
            one for one in self.comparisons if one.metric.name == self.experiment.primary_metric
        )

    @property
    def harm(self) -> str | None:
        """Why to stop at once; None where nothing says so."""
        broken = [one for one in self.guarded if one.is_broken]
        if not broken:
            return None
        one = max(broken, key=lambda each: each.shown_excess / max(each.control_value, 1e-12))
        metric = METRICS[one.guardrail.metric]
        return (
            f"guardrail {metric.name}: {one.variant} has {one.value * metric.scale:.3g}"
            f" {metric.unit}, control {one.control_value * metric.scale:.3g}; more than"
            f" {one.guardrail.limit:.0%} above it is not tolerated, and shown"
        )


def analyse(
    experiment: Experiment, people: People, assigned: dict[str, int], now: datetime
) -> Analysis:
    """What `people`, in the order of their first exposure, tell of `experiment` as of `now`."""
    names = [variant.name for variant in experiment.variants]
    valid = (people.arm >= 0) & ~people.is_suspected
    until = min(experiment.ended_at or now, now - LATENESS)
    window, soon = timedelta(days=experiment.window_days), timedelta(days=GUARDRAIL_DAYS)
    counted = valid & (people.first_s <= (until - window).timestamp())
    guarded = valid & (people.first_s <= (until - soon).timestamp())
    exposed = _by_variant(names, people.arm[valid])
    return Analysis(
        experiment=experiment,
        as_of=now,
        assigned={name: assigned.get(name, 0) for name in names},
        exposed=exposed,
        counted=_by_variant(names, people.arm[counted]),
        in_two=int((people.arm == IN_TWO).sum()),
        suspected=int(people.is_suspected.sum()),
        ratio=sample_ratio.check(
            list(exposed.values()), [variant.weight for variant in experiment.variants]
        ),
        comparisons=tuple(_comparisons(experiment, people, counted)),
        guarded=tuple(_guarded(experiment, people, guarded)),
        arrivals={
            name: people.first_s[valid & (people.arm == number)]
            for number, name in enumerate(names)
        },
    )


def _by_variant(names: Sequence[str], arms: NDArray[np.int8]) -> dict[str, int]:
    return dict(zip(names, np.bincount(arms, minlength=len(names)).tolist(), strict=True))


def _comparisons(
    experiment: Experiment, people: People, counted: NDArray[np.bool_]
) -> list[Comparison]:
    primary = experiment.primary_metric
    assert primary is not None
    found = []
    for name in sorted(METRICS, key=lambda each: each != primary):
        metric = METRICS[name]
        values = _columns(metric, [people.after, people.before], counted)
        of = _moments(experiment, people.arm[counted], values)
        arms = list(of)
        estimates, reduction = adjusted([of[arm] for arm in arms])
        alpha = ALPHA / len(experiment.treatments) if name == primary else ALPHA
        control, before = estimates[arms.index(CONTROL)], plain(of[CONTROL])
        for variant in experiment.treatments:
            sequence = difference(estimates[arms.index(variant)], control)
            radius = sequence.radius(alpha, experiment.planned_people)
            path = Path(
                tuple(int(count) for count in sequence.people),
                tuple(sequence.estimate.tolist()),
                tuple((sequence.estimate - radius).tolist()),
                tuple((sequence.estimate + radius).tolist()),
            )
            found.append(
                Comparison(
                    metric=metric,
                    variant=variant,
                    control_value=_last(before),
                    value=_last(plain(of[variant])),
                    effect=path.effect[-1],
                    low=path.low[-1],
                    high=path.high[-1],
                    p_value=float(sequence.p_values(alpha, experiment.planned_people)[-1]),
                    correlation=reduction.correlation,
                    variance_left=reduction.left,
                    path=path,
                )
            )
    return found


def _guarded(experiment: Experiment, people: People, counted: NDArray[np.bool_]) -> list[Guarded]:
    """Without CUPED: a day before says little of a day after, and a tolerated share of control's
    value is simplest of values as they were."""
    found = []
    alpha = ALPHA / max(len(experiment.guardrails) * len(experiment.treatments), 1)
    for guardrail in experiment.guardrails:
        values = _columns(METRICS[guardrail.metric], [people.soon], counted)
        of = _moments(experiment, people.arm[counted], values)
        control = plain(of[CONTROL])
        for variant in experiment.treatments:
            treated = plain(of[variant])
            sequence = difference(treated, control, guardrail.limit)
            lower = sequence.lower(alpha, experiment.planned_people)
            found.append(
                Guarded(
                    guardrail,
                    variant,
                    control_value=_last(control),
                    value=_last(treated),
                    excess=float(sequence.estimate[-1]),
                    shown_excess=float(lower.max()),
                )
            )
    return found


def _columns(
    metric: Metric, spans: Sequence[NDArray[np.float32]], counted: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Numerator and denominator of each of the `counted` in each of one or two `spans`; zeros where
    there is no second (people, 4)."""
    columns = np.zeros((int(counted.sum()), COLUMNS), np.float32)
    for number, table in enumerate(spans):
        columns[:, 2 * number] = table[counted, FIELDS.index(metric.numerator)]
        columns[:, 2 * number + 1] = (
            table[counted, FIELDS.index(metric.denominator)] if metric.denominator else 1
        )
    return columns


def _moments(
    experiment: Experiment, arms: NDArray[np.int8], values: NDArray[np.float32]
) -> dict[str, Moments]:
    if not len(arms):  # then there is one look too: at a person in no arm
        arms, values = np.array([IN_TWO], np.int8), np.zeros((1, COLUMNS), np.float32)
    looks = _looks(len(arms))
    return {
        variant.name: Moments.of(values, arms == number, looks)
        for number, variant in enumerate(experiment.variants)
    }


def _looks(people: int) -> NDArray[np.int64]:
    """After how many people to look: evenly, and at the last one surely."""
    return np.unique(np.linspace(0, people, MOST_LOOKS + 1).astype(np.int64)[1:].clip(1))


def _last(estimate: Estimate) -> float:
    return float(estimate.value[-1])
