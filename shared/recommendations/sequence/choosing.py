"""Finds the shape of the sequence model for the data at hand, and measures how well it predicts.

The newest fifth of the plays is kept from counting and predicted, as at serving: each track of a
session but the first, from those before it. Recall@20 is how often the next track is among the 20
best, MRR@20 the mean of 1 / its place (0 beyond 20). Tracks of the session are never predicted, so
those that come again are not asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from shared.recommendations.sequence.counting import (
    WINDOW,
    Sessions,
    Shape,
    by_age,
    counted,
    weighted,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

AT = 20
HELD_OUT = 0.2  # of the plays, the newest
QUESTIONS = 4_000  # that are asked of each shape
LOOKED_AT = 40_000  # sessions, the newest: the shape of more is the same
LEAST = 200  # sessions, below which there is nothing to choose by
ROUNDS = 2  # of going through all parameters
# What is tried of each parameter; from nothing to more than any set of data has wanted.
GRID: Mapping[str, tuple[float, ...]] = {
    "distance": (0.0, 0.5, 1.0, 1.5, 2.0),
    "age": (0.0, 0.5, 1.0, 1.5, 2.0),
    "backward": (0.0, 0.1, 0.3, 1.0),
    "session": (0.0, 0.25, 0.5),
    "source": (0.5, 0.75, 1.0),
    "target": (0.0, 0.1, 0.25),
    "prior": (1.0, 10.0, 50.0),
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measured:
    """How well next tracks are predicted, both 0..1."""

    recall: float
    mrr: float

    @property
    def both(self) -> float:
        """Their geometric mean, by which shapes are chosen."""
        return float(np.sqrt(self.recall * self.mrr))


@dataclass(frozen=True, slots=True)
class Questions:
    """Beginnings of sessions (`WINDOW` tracks at most, the newest last) and what came next."""

    beginnings: Sequence[NDArray[np.int32]]
    answers: NDArray[np.int32]

    @classmethod
    def of(cls, sessions: Iterable[Sequence[int]], most: int, seed: int) -> Questions:
        """At most `most` questions, drawn by `seed`."""
        asked = [
            (np.asarray(one[max(0, place - WINDOW) : place], np.int32), int(one[place]))
            for one in sessions
            for place in range(1, len(one))
            if one[place] not in one[:place]
        ]
        draw = np.random.default_rng(seed)
        chosen = [asked[n] for n in np.sort(draw.permutation(len(asked))[:most])]
        return cls([one for one, _ in chosen], np.array([one for _, one in chosen], np.int32))

    def matrix(self, ages: NDArray[np.float32], n_items: int) -> csr_array:
        """(questions, n_items) What each track of a beginning counts."""
        from scipy.sparse import csr_array

        rows = np.repeat(np.arange(len(self.beginnings)), [len(one) for one in self.beginnings])
        values = [ages[: len(one)][::-1] for one in self.beginnings]
        asked = (np.concatenate(values), (rows, np.concatenate(self.beginnings)))
        return csr_array(asked, shape=(len(self.beginnings), n_items))


def newest(
    sessions: Sequence[Sequence[int]], share: float
) -> tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]]:
    """`sessions` (oldest first) as those before and the newest with about `share` of the plays."""
    ends = np.cumsum([len(one) for one in sessions])
    cut = int(np.searchsorted(ends, ends[-1] * (1 - share), "right"))
    return sessions[:cut], sessions[cut:]


def choose(sessions: Sequence[Sequence[int]], n_items: int, *, seed: int) -> Shape:
    """The shape that predicts the newest of `sessions` (oldest first) best, found one parameter at
    a time; the default where there are fewer than `LEAST` sessions."""
    if len(sessions) < LEAST:
        return Shape()
    before, after = newest(sessions[-LOOKED_AT:], HELD_OUT)
    known = Sessions.of(before, n_items)
    questions = Questions.of(after, QUESTIONS, seed)
    if not len(questions.answers):
        return Shape()
    count = lru_cache(maxsize=4)(lambda distance, session: counted(known, distance, session))

    def tried(shape: Shape) -> float:
        successors = weighted(count(shape.distance, shape.session), known, shape)
        return measured(questions.matrix(by_age(shape), n_items) @ successors, questions).both

    best = Shape()
    best_score = tried(best)
    for _ in range(ROUNDS):
        before_round = best
        for name, values in GRID.items():
            for value in values:
                shape = replace(best, **{name: value})
                if shape != best and (score := tried(shape)) > best_score:
                    best, best_score = shape, score
        if best == before_round:
            break
    _log.info("chose %s, which scores %.4f", best, best_score)
    return best


def measured(scores: csr_array, questions: Questions) -> Measured:
    """How well `scores` (questions, n_items; 0 says nothing) put the answers; places of equal
    scores are counted as if half of them came before."""
    from scipy.sparse import csr_array

    asked = questions.matrix(np.ones(WINDOW, np.float32), scores.shape[1])
    asked.data[:] = 1
    scores = csr_array(scores - scores.multiply(asked.astype(bool)))
    size = len(questions.answers)
    rows = np.repeat(np.arange(size), np.diff(scores.indptr))
    own = np.zeros(size)
    is_answer = scores.indices == questions.answers[rows]
    own[rows[is_answer]] = scores.data[is_answer]
    better = np.bincount(rows[scores.data > own[rows]], minlength=size)
    equal = np.bincount(rows[(scores.data == own[rows]) & ~is_answer], minlength=size)
    place = better + equal / 2 + 1
    is_hit = (own > 0) & (place <= AT)
    return Measured(float(is_hit.mean()), float((is_hit / place).mean()))
