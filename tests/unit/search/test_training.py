"""A learned order is used where it is better, and nowhere else."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import lightgbm
import numpy as np
import pytest

from shared.search import learning, training
from shared.search.ranking import FEATURES
from shared.search.training import METRICS, Search, compare, part_of, train
from tests.unit.search import simulated

NDCG = METRICS[0]
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def search(weighted: list[float], played: list[int], **changes: object) -> Search:
    count = len(weighted)
    made = {
        "query": 1,
        "matches": ("name",) * count,
        "weighted": np.array(weighted),
        "features": np.zeros((count, len(FEATURES))),
        "played": np.isin(np.arange(count), played),
        **changes,
    }
    return Search(**made)  # type: ignore[arg-type]


def measured(one: Search, learned: list[float]) -> dict[str, tuple[float, float]]:
    found = compare([one], [np.array(learned)], np.ones(1), 0)
    return {name: (difference.weighted, difference.learned) for name, difference in found.items()}


def test_metrics_are_those_of_the_textbook() -> None:
    found = measured(search([0.9, 0.8, 0.7, 0.6], [3]), [0.1, 0.2, 0.3, 0.4])
    assert found[NDCG] == pytest.approx((1 / np.log2(5), 1.0))
    assert found["success@1"] == (0, 1)
    assert found["success@3"] == (0, 1)
    two = measured(search([0.9, 0.8, 0.7], [0, 2]), [3, 1, 2])
    assert two[NDCG][0] == pytest.approx((1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3)))
    assert two[NDCG][1] == 1


def test_what_is_below_the_tenth_place_counts_nothing() -> None:
    scores = list(np.linspace(1, 0, 12))
    assert measured(search(scores, [11]), scores)[NDCG] == (0, 0)


def test_a_model_moves_nothing_across_classes_of_match() -> None:
    one = search([0.5, 0.4, 0.9, 0.8], [3], matches=("name", "name", "words", "words"))
    assert one.order(np.array([0.0, 1.0, 8.0, 9.0])).tolist() == [1, 0, 3, 2]


def test_where_the_model_sees_no_difference_the_weights_decide() -> None:
    one = search([0.4, 0.9, 0.8], [0])
    assert one.order(np.zeros(3)).tolist() == [1, 2, 0]


def test_all_searches_for_a_query_are_in_one_part_and_the_parts_are_as_large_as_said() -> None:
    assert part_of(7, 1) == part_of(7, 1)
    parts = Counter(part_of(query, 1) for query in range(20_000))
    assert parts["training"] / 20_000 == pytest.approx(training.TRAINING, abs=0.02)
    assert parts["validation"] / 20_000 == pytest.approx(training.VALIDATION, abs=0.02)
    assert any(part_of(query, 1) != part_of(query, 2) for query in range(10))


def test_people_who_like_new_things_teach_an_order_that_is_better() -> None:
    learned = train(simulated.world(1, 3_000, simulated.fresh), FEATURES, 1)
    assert learned.is_better
    assert learned.differences[NDCG].low > 0
    assert learned.differences["success@1"].gain > 0
    assert max(learned.importance, key=lambda name: learned.importance[name]) == "freshness"
    # It is better in truth, too: for people who look at every place alike.
    model = lightgbm.Booster(model_str=learned.model)
    unseen = simulated.world(2, 1_000, simulated.fresh, bias=0)
    scores = [np.asarray(model.predict(one.features, num_threads=1)) for one in unseen]
    assert compare(unseen, scores, np.ones(len(unseen)), 1)[NDCG].low > 0


def test_without_regard_to_places_the_better_order_would_look_worse_than_it_is() -> None:
    learned = train(simulated.world(1, 3_000, simulated.fresh, bias=1), FEATURES, 1)
    assert learned.unweighted[NDCG].gain < learned.differences[NDCG].gain
    assert learned.propensities[0] == 1
    assert learned.propensities[3] == pytest.approx(1 / 4.5, abs=0.15)  # places 4 and 5


def used(taste: simulated.Taste, bias: float, worlds: int) -> int:
    """In how many worlds a model would be used."""
    return sum(
        train(simulated.world(seed, 1_000, taste, bias=bias), FEATURES, seed).is_better
        for seed in range(worlds)
    )


def test_of_forty_worlds_without_any_taste_hardly_one_has_its_model_used() -> None:
    """An interval of 95 % errs upwards in one of forty. That an honest one does so in more than
    three happens once in fifty."""
    assert used(simulated.noise, 0.7, 40) <= 3


@pytest.mark.parametrize(
    ("taste", "bias"),
    [(simulated.noise, 0.0), (simulated.weights, 0.7), (simulated.first_of_all, 0.7)],
    ids=["noise, and all places are looked at", "as the weights say", "one thing alone"],
)
def test_where_there_is_nothing_better_no_model_is_used(
    taste: simulated.Taste, bias: float
) -> None:
    assert used(taste, bias, 6) == 0


def test_the_interval_is_honest() -> None:
    """Forty worlds of noise, and a random order against the weighted: the true difference is 0,
    which an interval of 95 % misses about twice. More than 5 misses are one case in seventy."""
    missed = 0
    for seed in range(40):
        searches = simulated.world(seed, 300, simulated.noise, bias=0)
        random = np.random.default_rng(seed)
        by_query = {one.query: random.random(simulated.ITEMS) for one in searches}
        scores = [by_query[one.query] for one in searches]
        found = compare(searches, scores, np.ones(len(searches)), seed)[NDCG]
        missed += not found.low <= 0 <= found.high
    assert missed <= 5


def test_the_same_searches_and_seed_give_the_same_model() -> None:
    searches = simulated.world(3, 1_000, simulated.fresh)
    first, second = (train(searches, FEATURES, 3) for _ in range(2))
    assert first == second
    assert train(searches, FEATURES, 4).model != first.model


def test_too_few_searches_conclude_nothing() -> None:
    few = simulated.world(1, training.MIN_SEARCHES - 1, simulated.fresh)
    report = learning.conclude(few, 3, 28, 1, NOW)
    assert (report.outcome, report.version, report.trained) == ("too few searches", None, None)
    assert "1,000" in report.to_markdown()
    one_query = [search([0.9, 0.8], [1])] * training.MIN_SEARCHES
    report = learning.conclude(one_query, 0, 28, 1, NOW)
    assert report.outcome == "too few searches"
    assert "different queries" in report.to_markdown()


def test_the_report_says_by_how_much() -> None:
    report = learning.conclude(simulated.world(1, 2_000, simulated.fresh), 0, 28, 1, NOW)
    assert report.trained is not None
    found = report.trained.differences[NDCG]
    text = report.to_markdown()
    assert f"{found.gain:+.4f}" in text
    assert f"{found.low:+.4f} … {found.high:+.4f}" in text
    assert ("It is used" in text) == (report.outcome == "better")


def row(**changes: object) -> dict[str, object]:
    features = (
        '{"names": ["edits", %s], "values": [[9, %s], [8, %s]],'
        ' "match": ["name", "words"], "score": [0.5, 0.25]}'
    )
    others = [name for name in FEATURES if name != "edits"]
    names = ", ".join(f'"{name}"' for name in others)
    values = ", ".join(str(number) for number in range(len(others)))
    return {
        "query": 5,
        "shown": '["track:a", "track:b"]',
        "features": features % (names, values, values),
        "played": ["track:b", "album:x"],
        **changes,
    }


def test_a_page_is_read_by_the_names_of_its_features() -> None:
    page = learning.read_page(row())
    assert page is not None
    assert page.features[:, FEATURES.index("edits")].tolist() == [9, 8]
    assert page.matches == ("name", "words")
    assert page.weighted.tolist() == [0.5, 0.25]
    assert page.played.tolist() == [False, True]


@pytest.mark.parametrize(
    "changes",
    [
        {"features": '{"names": ["other"], "values": [[1], [2]], "match": [], "score": []}'},
        {"features": "{"},
        {"features": "[]"},
        {"features": None},
        {"shown": '["track:b"]'},
        {"played": ["track:z"]},
    ],
)
def test_a_page_that_is_not_whole_is_told_apart(changes: dict[str, object]) -> None:
    assert learning.read_page(row(**changes)) is None
