"""Factorisation by alternating least squares (F191): a vector for every user and every item."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from shared.recommendations.collaborative.folding import penalties
from shared.recommendations.collaborative.least_squares import solved
from shared.recommendations.items import DIMENSIONS, FoldIn

if TYPE_CHECKING:
    from scipy import sparse

    from shared.recommendations.collaborative.interactions import Interactions
    from shared.recommendations.items import Matrix

INITIAL_DEVIATION = 0.1  # of a vector's length at the start (Rendle et al. 2021, section 3)


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


class Factorize(Protocol):
    """An engine: `factorize` below, or Spark's (`training.engines`), which finds the same."""

    def __call__(
        self, interactions: Interactions, config: Factorization, *, seed: int
    ) -> Factors: ...


def factorize(interactions: Interactions, config: Factorization, *, seed: int) -> Factors:
    """Minimises the loss of `items.FoldIn`; the same seed gives the same factors on a machine.
    Raises ValueError where there is nothing to learn from."""
    if not interactions.matrix.nnz:
        raise ValueError("There are no interactions to learn from: export signals first.")
    by_user = interactions.matrix
    by_item = by_user.T.tocsr()
    items = initial(by_item.shape[0], config.dimensions, seed)
    users = _side(items, by_user, config.params)
    for _ in range(config.iterations):
        items = _side(users, by_item, config.params)
        users = _side(items, by_user, config.params)
    return Factors(users, items)


def initial(items: int, dimensions: int, seed: int) -> Matrix:
    """The item vectors that it starts from."""
    normal = np.random.default_rng(seed).standard_normal((items, dimensions), dtype=np.float32)
    vectors: Matrix = normal * np.float32(INITIAL_DEVIATION / np.sqrt(dimensions))
    return vectors


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
