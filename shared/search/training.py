"""Learning an order from what people played, and proving that it is better (F182).

**What is learned from.** A search's first page that led to a play: what was shown, what the ranking
knew of each item, and which were played. How a name answers the query goes before every score, so
items are only compared within a run of one class of match, as when serving.

**Position bias.** Plays are weighted by inverse propensities, estimated from the training part
(`position_bias`), in learning and in measuring alike; a search's weight is the mean of its plays'.
Without that an order that is truly better hardly ever passes, because plays lean towards the order
that was shown; the report has the unweighted measure too. A position as a feature, held constant
when serving, would help the learning and leave the measuring as biased as before.

**What it is measured on.** Queries that no part of training has seen: a query, with all searches
for it, is in one of three parts by its hash. Means are self-normalised (divided by the sum of the
weights; Swaminathan, Joachims: The Self-Normalized Estimator for Counterfactual Learning, NIPS
2015). The interval is a paired bootstrap over queries, not searches: a thousand searches for one
name are one opinion. Only what was shown can have been played: what a new order would lift from
the second page onto the first is not measured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.artifacts.evidence import interval
from shared.search.position_bias import Floats, Propensities, Run, estimate

if TYPE_CHECKING:
    from lightgbm import Dataset

MIN_SEARCHES = 1_000  # with a play, before anything is concluded
TRAINING, VALIDATION = 0.60, 0.15  # of the queries; the others are held out
NDCG_DEPTH = 10
METRICS = (f"ndcg@{NDCG_DEPTH}", "success@1", "success@3")
MAX_ROUNDS = 300
PATIENCE = 30  # rounds without a gain on the validation queries
_DISCOUNTS = 1 / np.log2(np.arange(2, NDCG_DEPTH + 2))

_PARAMETERS = {
    "objective": "lambdarank",
    "metric": "ndcg",
    "eval_at": [NDCG_DEPTH],
    "label_gain": [0, 1],
    # As LightGBM advises, a little more than the depth that counts.
    "lambdarank_truncation_level": NDCG_DEPTH + 3,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "feature_pre_filter": False,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class Search:
    """A first page that led to a play. `query` is a fingerprint of the text; the others hold a
    value for each item in the order shown: its class of match, its weighted score, its features
    (items by features), whether it was played."""

    query: int
    matches: tuple[str, ...]
    weighted: Floats
    features: Floats
    played: NDArray[np.bool_]

    def order(self, scores: Floats) -> NDArray[np.int64]:
        """Items by `scores`, best first, within their runs; equal ones by their weighted score, as
        when serving (`ranking`)."""
        return np.lexsort((-self.weighted, -scores, self._run_numbers))

    @property
    def runs(self) -> list[Run]:
        """Its items of one class of match each, as they stood together."""
        starts = np.flatnonzero(np.diff(self._run_numbers)) + 1
        return [
            Run(places, self.features[places], self.played[places])
            for places in np.split(np.arange(len(self.matches)), starts)
        ]

    def weight(self, propensities: Propensities) -> float:
        """How much its plays count."""
        return float(propensities.weights(np.flatnonzero(self.played)).mean())

    @property
    def _run_numbers(self) -> NDArray[np.int64]:
        changes = [a != b for a, b in zip(self.matches, self.matches[1:], strict=False)]
        return np.concatenate(([0], np.cumsum(changes, dtype=np.int64)))


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric under both orders, and the learned one's gain with its interval."""

    weighted: float
    learned: float
    gain: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A model (LightGBM's text form), by how much it was better on `held_out` searches for
    `queries` queries (`unweighted`: without regard to position bias), the propensities by
    `position_bias.BEGINNINGS`, and what each feature gave the model (share of all gain, 0..1)."""

    model: str
    rounds: int
    searches: int
    held_out: int
    queries: int
    differences: dict[str, Difference]
    unweighted: dict[str, Difference]
    propensities: tuple[float, ...]
    importance: dict[str, float]

    @property
    def is_better(self) -> bool:
        """Whether it may be used: its NDCG is better even at the interval's lower end."""
        return self.differences[METRICS[0]].low > 0


def part_of(query: int, seed: int) -> str:
    """The part of the data that a query belongs to: `training`, `validation` or `held out`."""
    digest = hashlib.blake2b(f"{seed}:{query}".encode(), digest_size=8).digest()
    share = int.from_bytes(digest, "big") / 2**64
    if share < TRAINING:
        return "training"
    return "validation" if share < TRAINING + VALIDATION else "held out"


def train(searches: Sequence[Search], names: Sequence[str], seed: int) -> Trained:
    """A model of `searches`, whose features have `names`, and its measure; equal for equal
    searches and seed. Raises ValueError where they are too few to learn from or to measure on."""
    import lightgbm

    parts: dict[str, list[Search]] = {"training": [], "validation": [], "held out": []}
    for search in searches:
        parts[part_of(search.query, seed)].append(search)
    if not all(parts.values()):
        raise ValueError("too few different queries: a part of the data is empty")
    propensities = estimate([run for search in parts["training"] for run in search.runs])
    training = _dataset(parts["training"], names, propensities, None)
    validation = _dataset(parts["validation"], names, propensities, training)
    booster = lightgbm.train(
        {**_PARAMETERS, "seed": seed},
        training,
        num_boost_round=MAX_ROUNDS,
        valid_sets=[validation],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    rounds = booster.best_iteration
    held_out = parts["held out"]
    every = np.vstack([search.features for search in held_out])
    scores = np.asarray(booster.predict(every, num_iteration=rounds, num_threads=1))
    learned = np.split(scores, np.cumsum([len(search.matches) for search in held_out])[:-1])
    weights = np.array([search.weight(propensities) for search in held_out])
    gains = booster.feature_importance("gain", iteration=rounds)
    total = float(gains.sum()) or 1.0
    return Trained(
        model=booster.model_to_string(num_iteration=rounds),
        rounds=rounds,
        searches=len(searches),
        held_out=len(held_out),
        queries=len({search.query for search in held_out}),
        differences=compare(held_out, learned, weights, seed),
        unweighted=compare(held_out, learned, np.ones(len(held_out)), seed),
        propensities=propensities.values,
        importance={
            name: float(gain) / total for name, gain in zip(names, gains.tolist(), strict=True)
        },
    )


def compare(
    searches: Sequence[Search], learned: Sequence[Floats], weights: Floats, seed: int
) -> dict[str, Difference]:
    """Each of `METRICS` under the weighted order and under the `learned` scores, as a mean over
    `searches` by their `weights`."""
    before = np.array([_measures(one, one.weighted) for one in searches])
    after = np.array([_measures(one, own) for one, own in zip(searches, learned, strict=True)])
    queries = [search.query for search in searches]
    low, high = interval(after - before, weights, queries, seed)
    old, new = (np.average(measured, axis=0, weights=weights) for measured in (before, after))
    return {
        metric: Difference(*map(float, values))
        for metric, *values in zip(METRICS, old, new, new - old, low, high, strict=True)
    }


def _dataset(
    searches: Iterable[Search],
    names: Sequence[str],
    propensities: Propensities,
    reference: Dataset | None,
) -> Dataset:
    """Runs in which something was played and something was not: others compare nothing."""
    import lightgbm

    compared = [
        run
        for search in searches
        for run in search.runs
        if run.played.any() and not run.played.all()
    ]
    if not compared:
        raise ValueError("no page has both played and unplayed items of one class of match")
    sizes = [len(run.played) for run in compared]
    # LightGBM multiplies an item's gradients by its weight. Only a weight that a run's items share
    # is a weight of their pairs, each of which has a played item.
    weights = [propensities.weights(run.places[run.played]).mean() for run in compared]
    return lightgbm.Dataset(
        np.vstack([run.features for run in compared]),
        label=np.concatenate([run.played for run in compared]).astype(np.float64),
        group=sizes,
        weight=np.repeat(weights, sizes),
        feature_name=list(names),
        reference=reference,
        params=dict(_PARAMETERS),
    )


def _measures(search: Search, scores: Floats) -> tuple[float, float, float]:
    played = search.played[search.order(scores)]
    top = played[:NDCG_DEPTH]
    ideal = _DISCOUNTS[: int(played.sum())].sum()
    ndcg = float(_DISCOUNTS[: len(top)][top].sum() / ideal)
    return ndcg, float(played[0]), float(played[:3].any())
