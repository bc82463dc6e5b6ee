"""A world of people who search, whose taste is known; what they see and play is as in ours: the
weighted order within each class of match, the top rather than what is below."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shared.search.position_bias import Floats
from shared.search.ranking import FEATURES, WEIGHTS
from shared.search.training import Search

ITEMS = 12
QUERIES = 500
CLASSES = ("name", "beginning")
Taste = Callable[[dict[str, Floats], Floats], Floats]
"""How much each item is liked (items, positive), of its features by name and its weighted score."""


def fresh(features: dict[str, Floats], _: Floats) -> Floats:
    """They like what is new, which the weights hold for little."""
    return np.exp(6 * features["freshness"] + 1.5 * features["text"])


def weights(_: dict[str, Floats], score: Floats) -> Floats:
    """They like just what the weights say."""
    return np.exp(8 * score)


def noise(_: dict[str, Floats], score: Floats) -> Floats:
    """They like nothing more than another."""
    return np.ones_like(score)


def first_of_all(_: dict[str, Floats], score: Floats) -> Floats:
    """They mean one thing: what scores highest, five times more than all the others."""
    return np.where(score == score.max(), 5.0, 1.0) * np.exp(6 * score)


def world(seed: int, searches: int, taste: Taste, *, bias: float = 0.7) -> list[Search]:
    """Searches for `QUERIES` queries (the n-th most common as often as n to the power of -0.8),
    each with one play. An item at place k (1, 2, …) is looked at with probability k to the power
    of -`bias`."""
    random = np.random.default_rng(seed)
    common = np.arange(1, QUERIES + 1) ** -0.8
    asked = random.choice(QUERIES, size=searches, p=common / common.sum()).tolist()
    catalogue: dict[int, Floats] = {}
    looked_at = np.arange(1, ITEMS + 1, dtype=np.float64) ** -bias
    made = []
    for query in asked:
        if query not in catalogue:
            catalogue[query] = random.random((ITEMS, len(FEATURES)))
        values = {name: catalogue[query][:, at].copy() for at, name in enumerate(FEATURES)}
        values["market"] = np.ones(ITEMS)
        values["affinity"] = random.random(ITEMS) * (random.random(ITEMS) < 0.3)
        classes = (values["match"] < 0.4).astype(np.int64)
        values["match"] = classes.astype(np.float64)
        score: Floats = np.sum([weight * values[name] for name, weight in WEIGHTS.items()], axis=0)
        order = np.lexsort((-score, classes))
        liked = taste(values, score)[order] * looked_at
        played = np.zeros(ITEMS, dtype=np.bool_)
        played[random.choice(ITEMS, p=liked / liked.sum())] = True
        features = np.stack([values[name][order] for name in FEATURES], axis=1)
        matches = tuple(CLASSES[one] for one in classes[order])
        made.append(Search(query, matches, score[order], features, played))
    return made
