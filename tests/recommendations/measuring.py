"""Tunes, trains and judges a model in a process of its own: its peak of memory is its own."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from shared.recommendations.collaborative.choosing import Budget
from shared.recommendations.collaborative.evaluation import Accuracy, evaluate
from shared.recommendations.collaborative.interactions import Interactions, split
from tests.recommendations.data import graded, load
from tests.recommendations.models import MODELS, Parameters, tune

HELD_SHARE = 0.2
SEED = 20_110  # of the fixed split

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's accuracy on the held-out part; the seconds of its training, by the clock and of
    processors; and the greatest memory of the process until it was trained, some 130 MB of which
    are Python and its libraries."""

    accuracy: Accuracy
    training_s: float
    training_cpu_s: float
    peak_mb: float


def parts(path: Path, seed: int) -> tuple[Interactions, Interactions]:
    """The training part and the held-out part: 20 % of every user's pairs."""
    return split(load(path), HELD_SHARE, seed)


def tuned(path: Path, group: str, seed: int, budget: Budget) -> tuple[Parameters, float]:
    """What is chosen for a group of models on the training part alone, and the processor
    seconds that it took."""
    return _alone(_tuned, path, group, seed, budget)


def measured(path: Path, name: str, parameters: Parameters, seed: int) -> Measured:
    """A model of `MODELS`, trained with these parameters."""
    return _alone(_measured, path, name, parameters, seed)


def _tuned(path: Path, group: str, seed: int, budget: Budget) -> tuple[Parameters, float]:
    training, _ = parts(path, seed)
    start = time.process_time()
    return tune(group, graded(training), seed, budget), time.process_time() - start


def _measured(path: Path, name: str, parameters: Parameters, seed: int) -> Measured:
    training, held = parts(path, seed)
    offered = graded(training)
    start, cpu_start = time.monotonic(), time.process_time()
    scorer = MODELS[name].train(offered, parameters, seed)
    took_s, cpu_s = time.monotonic() - start, time.process_time() - cpu_start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(evaluate(scorer, training, held), took_s, cpu_s, peak_mb)


def _alone(work: Callable[..., T], *arguments: object) -> T:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_quiet) as pool:
        return pool.submit(work, *arguments).result()


def _quiet() -> None:
    import logging
    import warnings

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    warnings.filterwarnings("ignore", module="implicit")  # how many threads BLAS should have
