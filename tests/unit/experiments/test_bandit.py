"""The order of shelves against a known truth: what is lost while learning, and how it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.experiments.bandit import ANY, Beta, generator_of, ordered
from shared.experiments.examination import Counts, examination, posterior, prior
from shared.experiments.shelves import HALF_LIFE_DAYS, MOST_LOOKS, learn
from shared.experiments.warehouse import Shown

NOW = datetime(2026, 11, 22, 12, 20, tzinfo=UTC)
SHELVES = [f"shelf-{letter}" for letter in "abcdefgh"]
# The best stands last in the order given; what is looked at falls off steeply.
WORTH = np.array([0.04, 0.06, 0.05, 0.10, 0.03, 0.08, 0.12, 0.20])
LOOKED = np.array([0.75**place for place in range(len(SHELVES))])

Order = Callable[[Counts, np.random.Generator], NDArray[np.int64]]


def thompson(counts: Counts, generator: np.random.Generator) -> NDArray[np.int64]:
    """The product's own: examination learned, posteriors, sampled order."""
    if not counts.shown.any():
        known: Mapping[str, Beta] = {}
    else:
        looked = examination(counts)
        before = prior(counts, looked)
        known = {
            name: posterior(shown, played, looked, before)
            for name, shown, played in zip(SHELVES, counts.shown, counts.played, strict=True)
        }
    return np.array(
        [
            [SHELVES.index(one.arm) for one in ordered(SHELVES, known, generator)]
            for _ in range(PAGES)
        ]
    )


def greedy(epsilon: float) -> Order:
    """The usual: by the share of plays, which is not corrected for the place; sometimes at
    random."""

    def order(counts: Counts, generator: np.random.Generator) -> NDArray[np.int64]:
        shown, played = counts.shown.sum(axis=1), counts.played.sum(axis=1)
        best = np.argsort(-(played + 1) / (shown + 2), kind="stable")
        return np.array(
            [
                generator.permutation(len(SHELVES)) if generator.random() < epsilon else best
                for _ in range(PAGES)
            ]
        )

    return order


def fixed(counts: Counts, generator: np.random.Generator) -> NDArray[np.int64]:
    return np.tile(np.arange(len(SHELVES)), (PAGES, 1))


PAGES, HOURS = 20, 150  # pages an hour, between two of which nothing is learned


def regret(order: Order, seed: int) -> NDArray[np.float64]:
    """Plays lost against the best order, summed up to each hour."""
    generator = np.random.default_rng((212, seed))
    shape = (len(SHELVES), len(SHELVES))
    counts = Counts(np.zeros(shape), np.zeros(shape))
    best = float(np.sort(WORTH)[::-1] @ LOOKED)
    lost = []
    for _ in range(HOURS):
        pages = order(counts, generator)
        chances = WORTH[pages] * LOOKED
        played = generator.random(pages.shape) < chances
        places = np.broadcast_to(np.arange(len(SHELVES)), pages.shape)
        np.add.at(counts.shown, (pages, places), 1)
        np.add.at(counts.played, (pages[played], places[played]), 1)
        lost.append(float((best - chances.sum(axis=1)).sum()))
    return np.cumsum(lost)


def test_it_loses_less_than_others_and_ever_less() -> None:
    runs = range(2)
    ours = np.mean([regret(thompson, seed) for seed in runs], axis=0)
    others = {
        "epsilon-greedy": np.mean([regret(greedy(0.1), seed) for seed in runs], axis=0),
        "greedy": np.mean([regret(greedy(0.0), seed) for seed in runs], axis=0),
        "fixed": regret(fixed, 0),
    }
    for name, lost in others.items():
        assert ours[-1] < 0.75 * lost[-1], name
    # Sublinear: it grows as a root of time or slower, where a line would have the exponent 1.
    exponent = np.polyfit(np.log(np.arange(20, HOURS)), np.log(ours[20:]), 1)[0]
    assert exponent < 0.6
    assert ours[-1] - ours[HOURS // 2] < 0.35 * ours[HOURS // 2]


def shown_in(orders: NDArray[np.int64], seed: int) -> Counts:
    generator = np.random.default_rng(seed)
    shape = (len(SHELVES), len(SHELVES))
    counts = Counts(np.zeros(shape), np.zeros(shape))
    places = np.broadcast_to(np.arange(len(SHELVES)), orders.shape)
    played = generator.random(orders.shape) < WORTH[orders] * LOOKED
    np.add.at(counts.shown, (orders, places), 1)
    np.add.at(counts.played, (orders[played], places[played]), 1)
    return counts


def test_worth_is_told_apart_from_place() -> None:
    """The best shelves mostly stood at the bottom: as shares of plays they are the worst."""
    generator = np.random.default_rng(1)
    liked = np.argsort(WORTH)
    orders = np.array(
        [liked if generator.random() < 0.9 else generator.permutation(8) for _ in range(60_000)]
    )
    counts = shown_in(orders, 2)
    naive = counts.played.sum(axis=1) / counts.shown.sum(axis=1)
    assert naive[7] < 0.5 * WORTH[7]
    looked = examination(counts)
    assert looked == pytest.approx(LOOKED, abs=0.08)
    before = prior(counts, looked)
    means = [
        posterior(s, p, looked, before).mean
        for s, p in zip(counts.shown, counts.played, strict=True)
    ]
    assert means == pytest.approx(WORTH.tolist(), rel=0.3)
    assert np.argmax(means) == 7


def test_a_posterior_covers_the_truth_as_often_as_it_says() -> None:
    """Of 90 % intervals about 90 %, with places that are hardly looked at."""
    from scipy.stats import beta

    generator = np.random.default_rng(3)
    covered = 0
    before = Beta(0.8, 9.2)
    for _ in range(400):
        worth = generator.beta(before.a, before.b)
        shown = generator.integers(0, 80, len(LOOKED)).astype(np.float64)
        played = generator.binomial(shown.astype(np.int64), worth * LOOKED).astype(np.float64)
        known = posterior(shown, played, LOOKED, before)
        low, high = beta.ppf([0.05, 0.95], known.a, known.b)
        covered += int(low <= worth <= high)
    assert 0.86 * 400 <= covered <= 0.94 * 400


def test_with_places_that_are_all_looked_at_the_posterior_is_the_usual_one() -> None:
    known = posterior(np.array([30.0, 70.0]), np.array([5.0, 6.0]), np.ones(2), Beta(2, 8))
    assert (known.a, known.b) == pytest.approx((13, 97), rel=0.01)


def test_nothing_learned_leaves_the_order_given() -> None:
    made = ordered(["b", "a", "c"], {}, np.random.default_rng(1))
    assert [(one.arm, one.position, one.propensity) for one in made] == [
        ("b", 0, 1.0),
        ("a", 1, 1.0),
        ("c", 2, 1.0),
    ]
    assert ordered([], {}, np.random.default_rng(1)) == []


def test_an_unknown_shelf_is_worth_what_shelves_are() -> None:
    known = {"a": Beta(50, 950), "b": Beta(200, 800), ANY: Beta(0.5, 9.5)}
    first = [ordered(["a", "new", "b"], known, np.random.default_rng(n))[0].arm for n in range(500)]
    assert first.count("b") > 350
    assert 5 < first.count("new") < 120


def test_a_person_sees_one_order_for_an_hour_whatever_order_shelves_are_named_in() -> None:
    known = {name: Beta(2, 20) for name in SHELVES}

    def order(user: str, at: datetime, shelves: list[str] = SHELVES) -> list[str]:
        return [one.arm for one in ordered(shelves, known, generator_of(user, at))]

    assert order("u", NOW) == order("u", NOW + timedelta(minutes=39), SHELVES[::-1])
    others = [order("u", NOW + timedelta(hours=n)) for n in range(1, 6)]
    assert any(one != order("u", NOW) for one in others)
    assert any(order(f"u{n}", NOW) != order("u", NOW) for n in range(5))


def test_an_order_hardly_moves_when_what_is_known_does() -> None:
    """A new hour's posteriors, of a day's evidence more: few people see another order."""
    before = {name: Beta(1000 * w, 1000 * (1 - w)) for name, w in zip(SHELVES, WORTH, strict=True)}
    after = {name: Beta(1.002 * one.a, 1.001 * one.b) for name, one in before.items()}
    moved = sum(
        [one.arm for one in ordered(SHELVES, before, generator_of(f"u{n}", NOW))]
        != [one.arm for one in ordered(SHELVES, after, generator_of(f"u{n}", NOW))]
        for n in range(400)
    )
    assert moved < 0.02 * 400


def test_propensities_are_how_often_it_happens() -> None:
    known = {"a": Beta(20, 180), "b": Beta(24, 176), "c": Beta(8, 192)}
    said: dict[tuple[str, int], list[float]] = {}
    times = 3_000
    for number in range(times):
        for one in ordered(list(known), known, np.random.default_rng(number)):
            assert 0 < one.propensity <= 1
            said.setdefault((one.arm, one.position), []).append(one.propensity)
    for happened in said.values():
        if len(happened) > 100:
            assert np.mean(happened) == pytest.approx(len(happened) / times, abs=0.03)


def rows(at: date, shown: int, played: int, shelf: str = "a", position: int = 0) -> Shown:
    return Shown(shelf, position, at, shown, played)


def test_old_evidence_fades_and_no_amount_of_it_is_certainty() -> None:
    today, earlier = NOW.date(), NOW.date() - timedelta(days=int(HALF_LIFE_DAYS))
    learned = learn([rows(earlier, 1000, 100), rows(today, 100, 50, "b")], NOW)
    assert learned is not None
    assert learned.worths["a"].shown == pytest.approx(500)
    assert learned.worths["a"].played == pytest.approx(50)
    much = learn([rows(today, 10_000_000, 1_000_000), rows(today, 1000, 100, "b")], NOW)
    assert much is not None
    known = much.worths["a"]
    assert known.a / (known.a + known.b) == pytest.approx(0.1, rel=0.01)
    assert known.a + known.b < 1.1 * MOST_LOOKS
    assert learn([], NOW) is None


def test_what_is_learned_survives_its_file() -> None:
    learned = learn([rows(NOW.date(), 100, 10), rows(NOW.date(), 100, 0, "b", 1)], NOW)
    assert learned is not None
    assert type(learned).model_validate_json(learned.model_dump_json()) == learned
    assert set(learned.posteriors()) == {"a", "b", ANY}
    assert learned.examination[0] == 1
