"""What experiments are judged by.

Every metric is a ratio of two sums over people, numerator / denominator; a mean per person has the
denominator 1. A person's numbers are those of a fixed span after their first exposure, so that they
count once and for good: outcomes that went on growing would break the tests (`sequential`).

What a play is, and a complaint, says `warehouse`; those suspected to be a machine's never get here.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

COUNTED_MS = 30_000  # heard, before a play counts (decision 15)
GUARDRAIL_DAYS = 1  # after the first exposure: harm must be seen soon


@dataclass(frozen=True, slots=True)
class Metric:
    """`numerator` and `denominator` are fields of `people.Person`'s spans; the empty
    denominator is 1. `better` is the direction that is wanted; `scale` is what a value is
    multiplied by to be shown in `unit`."""

    name: str
    title: str
    numerator: str
    denominator: str
    better: Literal["more", "less"]
    unit: str
    scale: float = 1.0


_ALL = (
    Metric("listening_minutes", "Listening", "minutes", "", "more", "min a person"),
    Metric("retained_days", "Days with a play", "active_days", "", "more", "days a person"),
    Metric("completion_rate", "Completion rate", "completed", "plays", "more", "%", 100),
    Metric("skip_rate", "Skip rate", "skipped", "plays", "less", "%", 100),
    # A share of people rather than of plays: whoever is angry presses more than once.
    Metric("complaint_rate", "People who complained", "complained", "", "less", "%", 100),
)
METRICS = MappingProxyType({metric.name: metric for metric in _ALL})
GUARDRAILS = MappingProxyType({m.name: m for m in _ALL if m.better == "less"})

# Of plays of at least `COUNTED_MS`, the share that should come from what is recommended (F206).
WANTED_SHARE = 0.30
FIELDS = ("minutes", "active_days", "plays", "completed", "skipped", "complained")  # of a span
