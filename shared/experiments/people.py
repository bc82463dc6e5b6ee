"""Everybody whom an experiment was exposed to, as columns: there are millions of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.experiments.metrics import FIELDS
from shared.experiments.models import Experiment

IN_TWO, OTHER = -1, -2  # arms: seen with more than one variant; one that is not defined any more


class Person(NamedTuple):
    """Somebody who was exposed. `variant` is None for whoever was seen with more than one. The
    spans hold a value for each of `metrics.FIELDS`: `after` and `before` the first exposure for the
    experiment's window, `soon` after it for `GUARDRAIL_DAYS`."""

    first_ts: datetime
    variant: str | None
    is_suspected: bool
    after: tuple[float, ...]
    before: tuple[float, ...]
    soon: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class People:
    """A row for each person, 82 bytes, in the order of first exposure. `arm` is the number of
    their variant in the experiment, or below 0."""

    first_s: NDArray[np.float64]  # since the epoch
    arm: NDArray[np.int8]
    is_suspected: NDArray[np.bool_]
    after: NDArray[np.float32]  # (people, metrics.FIELDS)
    before: NDArray[np.float32]
    soon: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.arm)

    @classmethod
    def together(cls, parts: Sequence[People]) -> People:
        """All of `parts`, one after the other."""
        empty = cls(
            np.empty(0),
            np.empty(0, np.int8),
            np.empty(0, np.bool_),
            *(np.empty((0, len(FIELDS)), np.float32) for _ in range(3)),
        )
        columns = [
            np.concatenate([getattr(part, field.name) for part in (empty, *parts)])
            for field in fields(cls)
        ]
        return cls(*columns)


def stacked(experiment: Experiment, page: Sequence[Person]) -> People:
    """`page` as columns."""
    arms: dict[str | None, int] = {
        variant.name: number for number, variant in enumerate(experiment.variants)
    }
    arms[None] = IN_TWO

    def spans(name: str) -> NDArray[np.float32]:
        values = [getattr(one, name) for one in page]
        return np.array(values, np.float32).reshape(len(page), len(FIELDS))

    return People(
        np.array([one.first_ts.timestamp() for one in page]),
        np.array([arms.get(one.variant, OTHER) for one in page], np.int8),
        np.array([one.is_suspected for one in page], np.bool_),
        spans("after"),
        spans("before"),
        spans("soon"),
    )
