from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from shared.recommendations.collaborative.factors import (
    Factorization,
    Factors,
    factorize,
    initial,
)
from shared.recommendations.collaborative.folding import fold_in, fold_in_many, penalties
from shared.recommendations.collaborative.interactions import Interactions
from shared.recommendations.items import FoldIn

PARAMS = FoldIn(unobserved_weight=0.1, regularization=0.01, frequency_exponent=1.0)


def interactions(
    *, users: int = 90, items: int = 60, density: float = 0.2, graded: bool = True
) -> Interactions:
    """Two tastes and some noise; user 0 has nothing and user 1 has everything."""
    draw = np.random.default_rng(7)
    taste = (np.arange(users)[:, None] + np.arange(items)) % 2 == 0
    matrix = draw.random((users, items)) < np.where(taste, 1.6 * density, 0.2 * density)
    matrix[0], matrix[1] = False, True
    values = draw.uniform(0.5, 3, matrix.shape) if graded else np.ones(matrix.shape)
    return Interactions(
        [str(n) for n in range(users)],
        [str(n) for n in range(items)],
        sparse.csr_matrix((matrix * values).astype(np.float32)),
    )


def loss(data: Interactions, factors: Factors, params: FoldIn) -> float:
    """The loss of `items.FoldIn`, pair by pair."""
    confidences = data.matrix.toarray().astype(np.float64)
    scores = factors.users.astype(np.float64) @ factors.items.T
    total = (confidences * (1 - scores) ** 2).sum() + params.unobserved_weight * (scores**2).sum()
    a0, (users, items) = params.unobserved_weight, confidences.shape
    for side, counts, others in (
        (factors.users, (confidences > 0).sum(axis=1), items),
        (factors.items, (confidences > 0).sum(axis=0), users),
    ):
        weight = params.regularization * (counts + a0 * others) ** params.frequency_exponent
        total += (weight * (side.astype(np.float64) ** 2).sum(axis=1)).sum()
    return float(total)


def by_implicit(data: Interactions, config: Factorization, seed: int) -> Factors:
    """The same factors by the library, for a frequency exponent of 0 and equal confidences.

    Its loss is the sum of c' (1 - s)^2 over the observed + the sum of s^2 over the rest + l |x|^2.
    With equal confidences c it is ours under c' = 1 + c / a0, s = our score / p and
    l = lambda / (a0 p), where p = c / (c + a0) is what our loss would have an observed score be.
    """
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    a0, confidence = config.params.unobserved_weight, float(data.matrix.data[0])
    target = confidence / (confidence + a0)
    observed = data.matrix.copy()
    observed.data = np.full_like(observed.data, 1 + confidence / a0)
    scale = np.sqrt(target, dtype=np.float32)
    with threadpool_limits(1, "blas"):  # it has threads of its own
        model = AlternatingLeastSquares(
            factors=config.dimensions,
            regularization=config.params.regularization / (a0 * target),
            iterations=config.iterations,
            use_cg=False,
        )
        model.item_factors = initial(len(data.item_ids), config.dimensions, seed) / scale
        model.fit(observed, show_progress=False)
    return Factors(np.array(model.user_factors) * scale, np.array(model.item_factors) * scale)


@pytest.mark.parametrize("dimensions", [4, 24, 100])
def test_each_side_is_at_its_optimum_given_the_other(dimensions: int) -> None:
    """Short rows and long ones take different ways (n <= d and n > d): both must be exact."""
    data = interactions()
    factors = factorize(data, Factorization(PARAMS, dimensions, iterations=3), seed=1)

    confidences = data.matrix.toarray().astype(np.float64)
    items = factors.items.astype(np.float64)
    weights = penalties((confidences > 0).sum(axis=1), len(items), PARAMS)
    for user, row in enumerate(confidences):
        system = (items.T * (row + PARAMS.unobserved_weight)) @ items
        expected = np.linalg.solve(system + weights[user] * np.eye(dimensions), items.T @ row)
        assert factors.users[user] == pytest.approx(expected, abs=1e-4)
    assert not factors.users[0].any()


def test_every_iteration_lowers_the_loss() -> None:
    data = interactions()

    losses = [
        loss(data, factorize(data, Factorization(PARAMS, 16, iterations=n), seed=1), PARAMS)
        for n in range(1, 7)
    ]

    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.99 * losses[0]


def test_the_loss_reached_is_that_of_implicit_where_it_can_do_the_same() -> None:
    data = interactions(graded=False)
    config = Factorization(FoldIn(0.2, 0.5, 0.0), dimensions=16, iterations=15)

    ours = loss(data, factorize(data, config, seed=1), config.params)
    theirs = loss(data, by_implicit(data, config, seed=1), config.params)

    assert theirs == pytest.approx(ours, rel=1e-3)


def test_nothing_to_learn_from_is_an_error() -> None:
    nothing = Interactions(["a"], ["x"], sparse.csr_matrix((1, 1), dtype=np.float32))
    with pytest.raises(ValueError, match="no interactions"):
        factorize(nothing, Factorization(), seed=1)


def test_the_same_seed_gives_the_same_factors() -> None:
    data, config = interactions(), Factorization(PARAMS, 8, iterations=2)

    first, again, other = (factorize(data, config, seed=seed) for seed in (1, 1, 2))

    assert np.array_equal(first.items, again.items)
    assert np.array_equal(first.users, again.users)
    assert not np.array_equal(first.items, other.items)
    assert first.items.dtype == first.users.dtype == np.float32


def test_folding_in_a_user_of_the_training_gives_the_vector_of_the_training() -> None:
    data = interactions()
    factors = factorize(data, Factorization(PARAMS, 24, iterations=5), seed=1)
    gramian = factors.items.T @ factors.items

    for user in (1, 5, 40):
        row = data.matrix[user]
        folded = fold_in(factors.items, gramian, PARAMS, row.indices, row.data)
        assert folded == pytest.approx(factors.users[user], abs=1e-5)
        assert folded.shape == (24,)


def test_folding_in_an_item_at_the_optimum_gives_its_vector() -> None:
    data = interactions()
    factors = factorize(data, Factorization(PARAMS, 8, iterations=400), seed=1)
    by_item = data.matrix.T.tocsr()

    folded = fold_in_many(
        factors.users,
        factors.users.T @ factors.users,
        PARAMS,
        by_item.indptr,
        by_item.indices,
        by_item.data,
    )

    assert folded == pytest.approx(factors.items, abs=2e-3)


def test_who_likes_nothing_folds_in_to_zeros() -> None:
    items = np.ones((5, 3), dtype=np.float32)
    assert not fold_in(items, items.T @ items, PARAMS, [], []).any()


def test_what_is_not_liked_is_refused() -> None:
    items = np.ones((5, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="confidence above 0"):
        fold_in(items, items.T @ items, PARAMS, [1, 2], [1.0, 0.0])
