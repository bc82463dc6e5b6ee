"""The models of the comparison: how each is tuned on the training part, and how it is trained.

Whatever has hyper-parameters has them chosen on the same validation part of the training part, by
the same walk over a grid (`choosing.climb`), so that none is favoured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.recommendations.collaborative.blending import BlendWeights
from shared.recommendations.collaborative.choosing import (
    Budget,
    Trial,
    choose_blend,
    choose_factorization,
    choose_neighbourhood,
    climb,
)
from shared.recommendations.collaborative.evaluation import (
    Accuracy,
    Scorer,
    by_blend,
    by_neighbours,
    by_vectors,
)
from shared.recommendations.collaborative.factors import Factorization, Factors, factorize
from shared.recommendations.collaborative.neighbours import Neighbourhood, item_neighbours
from shared.recommendations.items import DIMENSIONS, FoldIn

if TYPE_CHECKING:
    from shared.recommendations.collaborative.interactions import Interactions

Parameters = dict[str, Any]  # as JSON holds them
Offered = Mapping[str, "Interactions"]  # by the name of their confidences, "binary" first

COSINE_NEIGHBOURS = (10, 20, 50, 100, 200, 500, 1_000)
ALPHAS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
IMPLICIT_REGULARIZATIONS = (0.01, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
EASE_RIDGES = (30.0, 100.0, 300.0, 1_000.0, 3_000.0)
EASE_MOST_ITEMS = 20_000  # float32: 1.6 GB for the inverse; 46,000 would be 8.5 GB


class TooLarge(Exception):
    """The data is too large for a model."""


@dataclass(frozen=True, slots=True)
class Model:
    """`tune` chooses, `train` gives the scores of a model trained with what was chosen. Models of
    the same `group` share a choice."""

    group: str
    train: Callable[[Offered, Parameters, int], Scorer]


def popularity(offered: Offered, parameters: Parameters, seed: int) -> Scorer:
    """How many have it, the same for all."""
    counts = np.asarray(offered["binary"].matrix.sum(axis=0), dtype=np.float32).ravel()
    return lambda users: np.tile(counts, (len(users), 1))


def item_knn(offered: Offered, parameters: Parameters, seed: int) -> Scorer:
    """The sum of cosines to what the user has, of the nearest K of each item (`implicit`)."""
    from implicit.nearest_neighbours import CosineRecommender

    liked = offered["binary"].matrix
    model = CosineRecommender(K=parameters["neighbours"] + 1, num_threads=1)  # and itself
    model.fit(liked, show_progress=False)
    similarity = model.similarity.tocsr()
    similarity.setdiag(0)
    return lambda users: np.asarray((liked[users] @ similarity).toarray(), dtype=np.float32)


def implicit_als(offered: Offered, parameters: Parameters, seed: int) -> Scorer:
    """The library's model of 128 factors, as it comes or with what was chosen."""
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=DIMENSIONS, random_state=seed, **parameters)
    model.fit(offered["binary"].matrix, show_progress=False)
    return by_vectors(Factors(np.array(model.user_factors), np.array(model.item_factors)))


def ease(offered: Offered, parameters: Parameters, seed: int) -> Scorer:
    """Steck 2019: B = I - P / diag(P), P the inverse of the regularised Gram matrix."""
    from scipy.linalg import lapack

    liked = offered["binary"].matrix
    is_known = np.diff(liked.tocsc().indptr) > 0
    if is_known.sum() > EASE_MOST_ITEMS:
        raise TooLarge(f"an inverse of {is_known.sum():,} items")
    part = liked[:, is_known]
    weights = np.asarray((part.T @ part).toarray(), dtype=np.float32, order="F")
    weights[np.diag_indices_from(weights)] += parameters["ridge"]
    weights, failed = lapack.spotrf(weights, lower=1, overwrite_a=1)
    if not failed:
        weights, failed = lapack.spotri(weights, lower=1, overwrite_c=1)
    if failed:
        raise ArithmeticError(f"EASE: no Cholesky factor with the ridge {parameters['ridge']}")
    for start in range(0, len(weights), 1_000):  # the other triangle, without a second matrix
        weights[:start, start : start + 1_000] = weights[start : start + 1_000, :start].T
        block = weights[start : start + 1_000, start : start + 1_000]
        block[...] = np.tril(block) + np.tril(block, -1).T
    diagonal = weights.diagonal().copy()
    weights /= -diagonal
    np.fill_diagonal(weights, 0)

    def score(users: Any) -> Any:
        scores = np.zeros((len(users), liked.shape[1]), dtype=np.float32)
        scores[:, is_known] = part[users] @ weights
        return scores

    return score


def vectors(offered: Offered, parameters: Parameters, seed: int) -> Scorer:
    """Ours: the factorisation alone."""
    chosen = offered[parameters["confidences"]]
    config = Factorization(FoldIn(**parameters["params"]), iterations=parameters["iterations"])
    return by_vectors(factorize(chosen, config, seed=seed))


def neighbours(offered: Offered, parameters: Parameters, seed: int) -> Scorer:
    """Ours: the item-item model alone."""
    known = offered["binary"]
    config = Neighbourhood(**parameters["neighbourhood"])
    return by_neighbours(known, *item_neighbours(known, config))


def ours(offered: Offered, parameters: Parameters, seed: int) -> Scorer:
    """Ours, as it is served."""
    return by_blend(
        vectors(offered, parameters, seed),
        neighbours(offered, parameters, seed),
        BlendWeights(**parameters["blend"]),
    )


MODELS: dict[str, Model] = {
    "popularity": Model("none", popularity),
    "item-kNN cosine": Model("knn", item_knn),
    "implicit ALS-128 default": Model("none", implicit_als),
    "implicit ALS-128 tuned": Model("implicit", implicit_als),
    "EASE": Model("ease", ease),
    "iALS-128 binary": Model("binary", vectors),
    "ours: vectors alone": Model("ours", vectors),
    "ours: neighbours alone": Model("ours", neighbours),
    "ours": Model("ours", ours),
}


def tune(group: str, offered: Offered, seed: int, budget: Budget) -> Parameters:
    """The hyper-parameters of the models of a group."""
    if group == "none":
        return {}
    if group == "binary":
        trial = Trial.of({"binary": offered["binary"]}, seed, budget)
        return _factorization(*choose_factorization(trial, budget)[:2])
    trial = Trial.of(offered, seed, budget)
    if group == "ours":
        name, factorization, _, by_factors = choose_factorization(trial, budget)
        neighbourhood, _, by_items = choose_neighbourhood(trial, budget)
        blend, _ = choose_blend(trial, by_factors, by_items)
        return _factorization(name, factorization) | {
            "neighbourhood": asdict(neighbourhood),
            "blend": asdict(blend),
        }
    train, grid, trials = {
        "knn": (item_knn, {"neighbours": COSINE_NEIGHBOURS}, len(COSINE_NEIGHBOURS)),
        "implicit": (
            implicit_als,
            {"alpha": ALPHAS, "regularization": IMPLICIT_REGULARIZATIONS},
            budget.factorizations,
        ),
        "ease": (ease, {"ridge": EASE_RIDGES}, 4),
    }[group]
    axes: dict[str, tuple[float, ...]] = dict(grid)  # type: ignore[call-overload]

    def attempt(point: tuple[int, ...]) -> tuple[Accuracy, Parameters]:
        chosen = {name: axis[at] for (name, axis), at in zip(axes.items(), point, strict=True)}
        return trial.judge(train(trial.known, chosen, seed), (group, chosen)), chosen

    _, (_, best) = climb(
        attempt,
        tuple(len(axis) // 2 for axis in axes.values()),
        tuple(len(axis) for axis in axes.values()),
        strides=(1,),
        trials=trials,
    )
    return best


def _factorization(name: str, chosen: Factorization) -> Parameters:
    return {
        "confidences": name,
        "params": asdict(chosen.params),
        "iterations": chosen.iterations,
    }
