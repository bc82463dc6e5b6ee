from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.recommendations.collaborative.interactions import Interactions, split

TRIPLES = st.lists(
    st.tuples(
        st.sampled_from([f"u{n}" for n in range(6)]),
        st.sampled_from([f"i{n}" for n in range(12)]),
        st.floats(-1, 5, width=32),
    ),
    min_size=1,
)


def pairs(interactions: Interactions) -> dict[tuple[str, str], float]:
    found = interactions.matrix.tocoo()
    return {
        (interactions.user_ids[row], interactions.item_ids[column]): float(value)
        for row, column, value in zip(found.row, found.col, found.data, strict=True)
    }


def test_the_greatest_confidence_of_a_pair_counts_and_none_below_zero() -> None:
    made = Interactions.of([("a", "x", 1.0), ("b", "x", 2.0), ("a", "x", 3.0), ("a", "y", 0.0)])

    assert pairs(made) == {("a", "x"): 3.0, ("b", "x"): 2.0}
    assert made.liked.data.tolist() == [1.0, 1.0]


@given(TRIPLES, st.floats(0, 1), st.integers(0, 5))
def test_a_split_parts_every_users_pairs_by_the_share(
    triples: list[tuple[str, str, float]], share: float, seed: int
) -> None:
    whole = Interactions.of(triples)

    kept, held = split(whole, share, seed)

    assert pairs(kept) | pairs(held) == pairs(whole)
    assert not set(pairs(kept)) & set(pairs(held))
    counts = np.diff(whole.matrix.indptr)
    assert np.diff(held.matrix.indptr).tolist() == np.floor(share * counts + 0.5).tolist()


def test_a_split_depends_on_its_seed_and_not_on_confidences() -> None:
    draw = np.random.default_rng(0)
    triples = [(f"u{n % 7}", f"i{draw.integers(50)}", float(draw.random() + 1)) for n in range(200)]
    whole = Interactions.of(triples)

    _, held = split(whole, 0.2, 1)
    _, of_liked = split(whole.with_matrix(whole.liked), 0.2, 1)
    _, other = split(whole, 0.2, 2)

    assert set(pairs(held)) == set(pairs(of_liked))
    assert set(pairs(held)) != set(pairs(other))


@given(TRIPLES, st.integers(1, 7), st.integers(0, 5))
def test_some_users_are_drawn_whole_and_the_same_whatever_the_confidences(
    triples: list[tuple[str, str, float]], most: int, seed: int
) -> None:
    whole = Interactions.of(triples)

    drawn = whole.drawn(most, seed)

    assert len(drawn.user_ids) == min(most, len(whole.user_ids))
    assert pairs(drawn) == {
        pair: value for pair, value in pairs(whole).items() if pair[0] in drawn.user_ids
    }
    assert whole.with_matrix(whole.liked).drawn(most, seed).user_ids == drawn.user_ids
