"""The targets of search on a real catalogue, floors that it must not fall through again, and the
baselines, which it must not be worse than."""

from __future__ import annotations

import pytest

from tests.relevance.evaluating import Outcome, Score, scores

# By kind: among the first how many, and the share of queries that must have a right answer there.
TARGETS = {
    "exact": (1, 0.95),
    "title+artist": (1, 0.95),
    "one typo": (3, 0.90),
    "two typos": (3, 0.75),
    "prefix": (5, 0.90),
    "prefix of a word": (5, 0.90),
}
# What was measured, and a query or two less.
FLOORS = {
    "artist": (1, 0.95),
    "artist → artist": (1, 0.95),
    "swapped words": (1, 0.95),
    "missing accents": (3, 0.90),
    "transliterated": (3, 0.82),
    "phonetic": (3, 0.92),
    "stylised": (3, 0.86),
    "feat": (3, 0.95),
    "joined or split": (3, 0.94),
    "partial": (3, 0.95),
    "no tail": (1, 0.95),
    "album": (3, 0.90),
    "album → album": (1, 0.95),
    "album+artist": (3, 0.85),
    "album+artist → album": (1, 0.95),
    "word form": (3, 0.95),
    "cjk": (3, 0.95),
    "thai": (3, 0.90),
    "numbers": (3, 0.87),
}
# Tracks by the title of an album: a track whose own name has the words goes before one whose
# album has them, as who types an album's title finds the album among albums.
WORSE_THAN_A_BASELINE = {"album", "album+artist"}


@pytest.fixture(scope="session")
def our_scores(our_outcomes: list[Outcome]) -> dict[str, Score]:
    """By kind."""
    return scores(our_outcomes)


@pytest.fixture(scope="session")
def baseline_scores(baseline_outcomes: dict[str, list[Outcome]]) -> dict[str, dict[str, Score]]:
    """By the baseline's name and kind."""
    return {name: scores(them) for name, them in baseline_outcomes.items()}


def test_every_kind_has_a_target_or_a_floor(our_scores: dict[str, Score]) -> None:
    assert set(our_scores) == {*TARGETS, *FLOORS}


@pytest.mark.parametrize("kind", TARGETS)
def test_a_target_is_met(kind: str, our_scores: dict[str, Score]) -> None:
    at, share = TARGETS[kind]

    assert our_scores[kind].success(at) >= share


@pytest.mark.parametrize("kind", FLOORS)
def test_a_floor_holds(kind: str, our_scores: dict[str, Score]) -> None:
    at, share = FLOORS[kind]

    assert our_scores[kind].success(at) >= share


@pytest.mark.parametrize("kind", sorted({*TARGETS, *FLOORS} - WORSE_THAN_A_BASELINE))
def test_no_baseline_is_better(
    kind: str, our_scores: dict[str, Score], baseline_scores: dict[str, dict[str, Score]]
) -> None:
    best = max(of_kind[kind].mrr for of_kind in baseline_scores.values())

    assert our_scores[kind].mrr >= best
