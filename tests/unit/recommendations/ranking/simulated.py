"""A world of people whose reasons to skip are known: plays as the learner gets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from shared.recommendations.ranking.examples import Examples
from shared.recommendations.ranking.features import MISSING, RANKING_FEATURES, SOURCES

Floats = NDArray[np.float64]
Truth = Callable[[Mapping[str, Floats]], Floats]
"""The log odds of hearing each track to its end, of its features by name."""

SESSION = 10  # plays
START_MS = 1_790_000_000_000


def restless(features: Mapping[str, Floats]) -> Floats:
    """They hear out what is short and when they are used to listen, which no guess knows of."""
    return 1.5 * features["hour_match"] - (features["duration_s"] - 240) / 60


def noise(features: Mapping[str, Floats]) -> Floats:
    """They skip as it comes."""
    return np.zeros_like(features["hour_match"])


def play_features(random: np.random.Generator, plays: int) -> dict[str, Floats]:
    """Values of every feature, in the ranges that they have."""
    values: dict[str, Floats] = {}
    for name in RANKING_FEATURES:
        if name.endswith("_cos") or name.endswith("_sin") or name == "hour_match":
            values[name] = random.uniform(-1, 1, plays)
        elif "rate" in name or "entropy" in name or "search_to_play" in name:
            values[name] = random.beta(5, 5, plays)
        elif "affinity" in name:
            values[name] = random.beta(1, 20, plays)
        elif name.startswith(("pair_is", "pair_follows", "is_")):
            values[name] = (random.random(plays) < 0.2).astype(np.float64)
        else:
            values[name] = np.round(random.gamma(1, 10, plays))
    values["duration_s"] = random.uniform(120, 360, plays)
    is_shown = random.random(plays) < 0.5
    values["retrieval_score"] = np.where(is_shown, random.random(plays), MISSING)
    values["place"] = np.where(is_shown, random.integers(0, 20, plays), MISSING)
    source = random.integers(0, len(SOURCES), plays)
    for number, name in enumerate(SOURCES):
        values[f"source_{name}"] = (is_shown & (source == number)).astype(np.float64)
    assert values.keys() == set(RANKING_FEATURES)
    return values


def world(seed: int, people: int, truth: Truth, sessions: int = 4) -> Examples:
    """`people` with `sessions` of `SESSION` plays each, over four weeks. Nine in ten of the plays
    that are not heard out are left early."""
    random = np.random.default_rng(seed)
    plays = people * sessions * SESSION
    values = play_features(random, plays)
    completed = random.random(plays) < 1 / (1 + np.exp(-truth(values)))
    session = np.repeat(np.arange(people * sessions), SESSION)
    began = random.integers(0, 28 * 24 * 3600 * 1000, people * sessions)[session]
    return Examples(
        users=np.array([f"user{one // sessions}" for one in session]),
        sessions=np.array([f"session{one}" for one in session]),
        ts_ms=START_MS + began + np.tile(np.arange(SESSION) * 200_000, people * sessions),
        features=np.stack([values[name] for name in RANKING_FEATURES], axis=1),
        skipped=~completed & (random.random(plays) < 0.9),
        completed=completed,
    )
