"""Factorisation by alternating least squares (F191): a vector for every user and every item."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from shared.recommendations.collaborative.folding import penalties
from shared.recommendations.collaborative.least_squares import solved
from shared.recommendations.items import DIMENSIONS, FoldIn

if TYPE_CHECKING:
    from scipy import sparse

    from shared.recommendations.collaborative.interactions import Interactions
    from shared.recommendations.items import Matrix

INITIAL_DEVIATION = 0.1  # of a vector's length at the start (Rendle et al. 2021, section 3)

Engine = Literal["exact", "implicit"]


@dataclass(frozen=True, slots=True)
class Factorization:
    """How to factorise. The default is where `choosing` starts to search."""

    params: FoldIn = field(
        default_factory=lambda: FoldIn(
            unobserved_weight=0.03, regularization=0.01, frequency_exponent=1.0
        )
    )
    dimensions: int = DIMENSIONS
    iterations: int = 16


@dataclass(frozen=True, slots=True)
class Factors:
    """float32 vectors in the order of the interactions' ids; the inner product of two is how much
    that user is expected to like that item, about 0..1."""

    users: Matrix
    items: Matrix


def factorize(
    interactions: Interactions,
    config: Factorization,
    *,
    seed: int,
    engine: Engine = "exact",
    initial: Matrix | None = None,
) -> Factors:
    """Minimises the loss of `items.FoldIn`; the same seed gives the same factors on a machine.

    `exact` is ours. `implicit` is the library's, which can do it only where
    `frequency_exponent` is 0 and every confidence is equal; raises ValueError otherwise. Both start
    from `initial` item vectors where there are any, those of last week say. The engine for what one
    machine does not hold is a batch of its own: see `spark`.
    """
    if not interactions.matrix.nnz:
        raise ValueError("There are no interactions to learn from: export signals first.")
    if initial is None:
        shape = len(interactions.item_ids), config.dimensions
        normal = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
        initial = normal * np.float32(INITIAL_DEVIATION / np.sqrt(config.dimensions))
    if engine == "implicit":
        return _by_implicit(interactions.matrix, config, initial)
    return _exact(interactions.matrix, config, initial)


def _exact(by_user: sparse.csr_matrix, config: Factorization, items: Matrix) -> Factors:
    by_item = by_user.T.tocsr()
    users = _side(items, by_user, config.params)
    for _ in range(config.iterations):
        items = _side(users, by_item, config.params)
        users = _side(items, by_user, config.params)
    return Factors(users, items)


def _side(fixed: Matrix, observed: sparse.csr_matrix, params: FoldIn) -> Matrix:
    return solved(
        fixed,
        fixed.T @ fixed,
        observed.indptr,
        observed.indices,
        observed.data,
        penalties(np.diff(observed.indptr), len(fixed), params),
        params.unobserved_weight,
    )


def _by_implicit(by_user: sparse.csr_matrix, config: Factorization, items: Matrix) -> Factors:
    """The library's loss is sum of c' (1 - s)^2 over the observed + sum of s^2 over the rest +
    l |x|^2. With equal confidences c it is ours under c' = 1 + c / a0, s = our score / p and
    l = lambda / (a0 p), where p = c / (c + a0) is what our loss would have an observed score be.
    """
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    a0, confidence = config.params.unobserved_weight, float(by_user.data[0])
    if config.params.frequency_exponent != 0 or np.ptp(by_user.data) > 0:
        raise ValueError(
            "The engine `implicit` has one regularisation for all and one kind of confidence: "
            'set frequency_exponent to 0 and every confidence to 1, or take the engine "exact".'
        )
    target = confidence / (confidence + a0)
    library_confidences = by_user.copy()
    library_confidences.data = np.full_like(by_user.data, 1 + confidence / a0)
    with threadpool_limits(1, "blas"):  # it has threads of its own
        model = AlternatingLeastSquares(
            factors=config.dimensions,
            regularization=config.params.regularization / (a0 * target),
            iterations=config.iterations,
            use_cg=False,
        )
        model.item_factors = items / np.sqrt(target, dtype=np.float32)
        model.fit(library_confidences, show_progress=False)
    scale = np.sqrt(target, dtype=np.float32)
    return Factors(np.array(model.user_factors) * scale, np.array(model.item_factors) * scale)


def loss(interactions: Interactions, factors: Factors, params: FoldIn) -> float:
    """What `factorize` minimises, without a loop over the unobserved: the sum of (x.y)^2 over all
    pairs is the trace of the product of the two Gramians."""
    matrix = interactions.matrix
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    observed = 0.0
    for start in range(0, matrix.nnz, 1_000_000):
        part = slice(start, start + 1_000_000)
        x, y = factors.users[rows[part]], factors.items[matrix.indices[part]]
        gap = 1 - np.einsum("ij,ij->i", x, y, dtype=np.float64)
        observed += float(matrix.data[part] @ gap**2)
    gramians = [side.T.astype(np.float64) @ side for side in (factors.users, factors.items)]
    total = observed + params.unobserved_weight * float(np.sum(gramians[0] * gramians[1]))
    by_item = np.bincount(matrix.indices, minlength=matrix.shape[1])
    for side, counts, others in (
        (factors.users, np.diff(matrix.indptr), matrix.shape[1]),
        (factors.items, by_item, matrix.shape[0]),
    ):
        lengths = np.einsum("ij,ij->i", side, side, dtype=np.float64)
        total += float(penalties(counts, others, params) @ lengths)
    return total
