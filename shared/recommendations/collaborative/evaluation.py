"""How well scores find what was held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.recommendations.collaborative.blending import BlendWeights, blended_scores
from shared.recommendations.collaborative.neighbours import as_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.recommendations.collaborative.factors import Factors
    from shared.recommendations.collaborative.interactions import Interactions

RANKED = 100
SCORES_AT_ONCE = 16_000_000  # 64 MB

# Scores of all items, float32 (users, items), for these users; higher is better.
Scorer = Callable[["NDArray[np.intp]"], "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Means over the users with something held out, 0..1 each. Recall@k is the share of the held
    out among the first k, of at most k that fit there; NDCG@100 counts a hit at place p (1..) for
    1 / log2(p + 1), relative to the best possible order (both as Liang et al. 2018 define them).
    """

    users: int
    recall_20: float
    recall_50: float
    ndcg_100: float

    @property
    def mean(self) -> float:
        """Of the three: what hyper-parameters are chosen by."""
        return (self.recall_20 + self.recall_50 + self.ndcg_100) / 3

    def beats(self, other: Accuracy) -> bool:
        """Whether all three are greater."""
        return (
            self.recall_20 > other.recall_20
            and self.recall_50 > other.recall_50
            and self.ndcg_100 > other.ndcg_100
        )


def evaluate(
    score: Scorer,
    known: Interactions,
    held: Interactions,
    *,
    users: NDArray[np.intp] | None = None,
) -> Accuracy:
    """Ranks every item for `users` (everybody with something held out), but for those that are
    `known` of them. Raises ValueError where nobody has anything held out."""
    return evaluate_all({"": score}, known, held, users=users)[""]


def evaluate_all(
    scorers: Mapping[str, Scorer],
    known: Interactions,
    held: Interactions,
    *,
    users: NDArray[np.intp] | None = None,
) -> dict[str, Accuracy]:
    """`evaluate` for several, batch by batch, so that scorers may share a batch's work."""
    if users is None:
        users = testable(held)
    if not len(users):
        raise ValueError("Nobody has anything held out: a user needs at least three items.")
    at_once = max(1, SCORES_AT_ONCE // known.matrix.shape[1])
    sums = {name: np.zeros(3) for name in scorers}
    for start in range(0, len(users), at_once):
        batch = users[start : start + at_once]
        seen, wanted = known.matrix[batch], held.matrix[batch].toarray() > 0
        seen_rows = np.repeat(np.arange(len(batch)), np.diff(seen.indptr))
        for name, score in scorers.items():
            scores = np.array(score(batch), dtype=np.float32)
            scores[seen_rows, seen.indices] = -np.inf
            sums[name] += _measures(scores, wanted)
    return {
        name: Accuracy(len(users), *(float(total) / len(users) for total in totals))
        for name, totals in sums.items()
    }


def testable(held: Interactions) -> NDArray[np.intp]:
    """The users who have something held out."""
    return np.flatnonzero(np.diff(held.matrix.indptr))


def _measures(scores: NDArray[np.float32], wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The sums over users of the three."""
    best = best_first(scores, RANKED)
    is_hit = np.take_along_axis(wanted, best, axis=1) & np.isfinite(
        np.take_along_axis(scores, best, axis=1)
    )
    discounts = 1 / np.log2(np.arange(best.shape[1]) + 2)
    totals = wanted.sum(axis=1)
    ideal = np.cumsum(discounts)[np.minimum(totals, best.shape[1]) - 1]
    return np.array(
        [
            (is_hit[:, :20].sum(axis=1) / np.minimum(totals, 20)).sum(),
            (is_hit[:, :50].sum(axis=1) / np.minimum(totals, 50)).sum(),
            ((is_hit @ discounts) / ideal).sum(),
        ]
    )


def best_first(scores: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """The columns of the greatest scores in each row, best first."""
    count = min(count, scores.shape[1])
    best = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1)


def by_vectors(factors: Factors) -> Scorer:
    """Scores by inner products."""
    return lambda users: factors.users[users] @ factors.items.T


def by_neighbours(
    known: Interactions, indices: NDArray[np.int32], weights: NDArray[np.float32]
) -> Scorer:
    """Scores by the neighbours of what each user is known to like."""
    liked, speaks_for = known.liked, as_matrix(indices, weights)
    return lambda users: np.asarray((liked[users] @ speaks_for).toarray(), dtype=np.float32)


def by_blend(vectors: Scorer, neighbours: Scorer, weights: BlendWeights) -> Scorer:
    """Joint scores of both."""
    return lambda users: blended_scores(vectors(users), neighbours(users), weights)


def once_a_batch(score: Scorer) -> Scorer:
    """The same, which keeps the scores of the last batch for whoever asks for them again."""
    last: list[tuple[NDArray[np.intp], NDArray[np.float32]]] = []

    def kept(users: NDArray[np.intp]) -> NDArray[np.float32]:
        if not last or last[0][0] is not users:
            last[:] = [(users, score(users))]
        return last[0][1]

    return kept
