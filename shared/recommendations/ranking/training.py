"""Learning the chances of a skip and a completion, and proving that they help (F201).

**Parts.** People fall into three parts by a hash of their ids: training, validation (when to stop
adding trees, and the calibration), held out. What is held out is also later: training and
validation see plays before a cut in time, measuring takes those after it, of people of whom
nothing was seen. So neither a person nor the future leaks.

**Measures**, all on held-out plays: log loss against the base rate of the training plays; area
under the ROC curve; calibration error (the mean, over ten groups of equal size by chance, of how
far chance and frequency lie apart); and NDCG within sessions, completed plays being the relevant
ones, of the learned value against the guess that it would replace (`scores`). Only what was played
can be measured: what another list would have been like is for an experiment to say.

**Better** is better beyond doubt: the lower ends of the intervals (people resampled,
`shared.artifacts.evidence`) of the gains in NDCG and in both log losses are above 0, and both
calibration errors are at most `MAX_CALIBRATION_ERROR` above what perfect chances would show on so
many plays (`calibration_luck`: frequencies of few plays lie apart from any chance).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.artifacts.evidence import interval
from shared.recommendations.ranking.chances import TARGETS, Calibration, Target
from shared.recommendations.ranking.examples import Examples, Floats
from shared.recommendations.ranking.features import GROUPS, RANKING_FEATURES
from shared.recommendations.ranking.scores import guessed

if TYPE_CHECKING:
    from lightgbm import Booster

MIN_PLAYS = 2_000  # judged ones, before anything is concluded
MIN_HELD_OUT = 20  # people, with a session that has both ends
TRAINING, VALIDATION = 0.60, 0.15  # of the people; the others are held out
CUT = 0.70  # of the plays lie before it
MAX_CALIBRATION_ERROR = 0.05
CALIBRATION_GROUPS = 10
LUCK_DRAWS = 100
MAX_ROUNDS = 300
PATIENCE = 20  # rounds without a gain on the validation plays
_ROUNDING = 1e-6  # chances are kept this far from 0 and 1

_PARAMETERS = {
    "objective": "binary",
    "metric": "binary_logloss",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_pre_filter": False,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class Gain:
    """A measure before and after, and by how much it is better, with its interval (95 %)."""

    before: float
    after: float
    gain: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Learned:
    """One model (LightGBM's text form) with its calibration, its measures on held-out plays
    (`log_loss` against the `base_rate`), and what each feature gave it (share of all gain)."""

    model: str
    calibration: Calibration
    rounds: int
    base_rate: float
    log_loss: Gain
    auc: float
    calibration_error: float
    calibration_luck: float
    importance: dict[str, float]


@dataclass(frozen=True, slots=True)
class Trained:
    """Both models, and what they are worth. `sessions` counts held-out sessions with both ends, in
    which `ndcg` is measured, of `people`; `retrieval_ndcg` is that of the scores at retrieval
    against the learned, in the sessions where all tracks had one (None: in none). `ablation` is,
    by group of features, what is lost without it: NDCG, and the mean log loss."""

    models: dict[Target, Learned]
    plays: int
    held_out: int
    people: int
    sessions: int
    ndcg: Gain
    retrieval_ndcg: Gain | None
    ablation: dict[str, tuple[float, float]]

    @property
    def is_better(self) -> bool:
        """Whether it may be used."""
        return self.ndcg.low > 0 and all(
            one.log_loss.low > 0
            and one.calibration_error - one.calibration_luck <= MAX_CALIBRATION_ERROR
            for one in self.models.values()
        )


def part_of(user_id: str, seed: int) -> str:
    """The part of the data that a person belongs to: `training`, `validation` or `held out`."""
    digest = hashlib.blake2b(f"{seed}:{user_id}".encode(), digest_size=8).digest()
    share = int.from_bytes(digest, "big") / 2**64
    if share < TRAINING:
        return "training"
    return "validation" if share < TRAINING + VALIDATION else "held out"


@dataclass(frozen=True, slots=True)
class _Parts:
    training: Examples
    validation: Examples
    held_out: Examples


def train(examples: Examples, seed: int, *, ablates: bool = True) -> Trained:
    """Models of `examples`, and their measure; equal for equal examples and seed. With `ablates`
    each group of features is left out once, which takes seven times as long. Raises ValueError
    where there is too little to learn from or to measure on."""
    parts = _split(examples, seed)
    held_out = parts.held_out
    sessions = Sessions(held_out, seed)
    if sessions.people < MIN_HELD_OUT:
        raise ValueError(
            f"{sessions.people} people are held out with a session that has both ends;"
            f" it takes {MIN_HELD_OUT}"
        )
    boosters = {target: _fit(parts, target, RANKING_FEATURES, seed) for target in TARGETS}
    chances = {
        target: calibration.chances(_margins(booster, held_out.features))
        for target, (booster, calibration) in boosters.items()
    }
    value = chances["completed"] - chances["skipped"]
    return Trained(
        models={
            target: _measured(boosters[target], target, chances[target], parts, seed)
            for target in TARGETS
        },
        plays=len(examples),
        held_out=len(held_out),
        people=sessions.people,
        sessions=sessions.count,
        ndcg=sessions.gain(guessed(held_out.features), value),
        retrieval_ndcg=_against_retrieval(held_out, value, seed),
        ablation=_ablation(parts, sessions, value, chances, seed) if ablates else {},
    )


class Sessions:
    """Sessions of `examples` with both ends: where an order can be right or wrong."""

    def __init__(self, examples: Examples, seed: int) -> None:
        self._seed = seed
        self._completed = examples.completed
        # Equal values stand in an order by lot: in that of the plays they would lean to it.
        self._lots = np.random.default_rng(seed).random(len(examples))
        order = np.argsort(examples.sessions, kind="stable")
        starts = np.flatnonzero(examples.sessions[order][1:] != examples.sessions[order][:-1])
        self._members = [
            plays
            for plays in np.split(order, starts + 1)
            if 0 < examples.completed[plays].sum() < len(plays)
        ]
        self._users = [str(examples.users[plays[0]]) for plays in self._members]

    @property
    def count(self) -> int:
        """How many."""
        return len(self._members)

    @property
    def people(self) -> int:
        """Of how many people."""
        return len(set(self._users))

    def ndcg(self, values: Floats) -> Floats:
        """Of each session under the order by `values` (one for each play), 0..1."""
        found = []
        for plays in self._members:
            order = np.lexsort((self._lots[plays], -values[plays]))
            completed = self._completed[plays][order]
            discounts = 1 / np.log2(np.arange(2, len(plays) + 2))
            found.append(discounts[completed].sum() / discounts[: completed.sum()].sum())
        return np.array(found)

    def gain(self, before: Floats, after: Floats) -> Gain:
        """In NDCG, as a mean over sessions."""
        return _gain(self.ndcg(before), self.ndcg(after), self._users, self._seed)


def _split(examples: Examples, seed: int) -> _Parts:
    if len(examples) < MIN_PLAYS:
        raise ValueError(f"it takes {MIN_PLAYS:,} judged plays to conclude anything")
    people, numbers = np.unique(examples.users, return_inverse=True)
    part = np.array([part_of(str(one), seed) for one in people])[numbers]
    is_later = examples.ts_ms >= np.quantile(examples.ts_ms, CUT)
    parts = _Parts(
        examples.only((part == "training") & ~is_later),
        examples.only((part == "validation") & ~is_later),
        examples.only((part == "held out") & is_later),
    )
    for one in (parts.training, parts.validation, parts.held_out):
        for target in TARGETS:
            if len(np.unique(_labels(one, target))) < 2:
                raise ValueError(f"a part of the data has no two ends to tell apart ({target})")
    return parts


def _labels(examples: Examples, target: Target) -> NDArray[np.bool_]:
    return examples.skipped if target == "skipped" else examples.completed


def _fit(
    parts: _Parts, target: Target, names: Sequence[str], seed: int
) -> tuple[Booster, Calibration]:
    """A model of the features with `names`, calibrated on the validation plays."""
    import lightgbm

    columns = [RANKING_FEATURES.index(name) for name in names]
    training = lightgbm.Dataset(
        parts.training.features[:, columns],
        label=_labels(parts.training, target).astype(np.float64),
        feature_name=list(names),
        params=dict(_PARAMETERS),
    )
    labels = _labels(parts.validation, target)
    validation = lightgbm.Dataset(
        parts.validation.features[:, columns],
        label=labels.astype(np.float64),
        reference=training,
        params=dict(_PARAMETERS),
    )
    booster = lightgbm.train(
        {**_PARAMETERS, "seed": seed},
        training,
        num_boost_round=MAX_ROUNDS,
        valid_sets=[validation],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    return booster, calibrated(_margins(booster, parts.validation.features[:, columns]), labels)


def _margins(booster: Booster, features: Floats) -> Floats:
    return np.asarray(
        booster.predict(
            features, raw_score=True, num_iteration=booster.best_iteration, num_threads=1
        )
    )


def calibrated(margins: Floats, labels: NDArray[np.bool_]) -> Calibration:
    """Platt's scaling that makes `labels` most likely. A slope that is not positive would turn the
    order round: then the margins say nothing, and hardly count."""
    from scipy.optimize import minimize

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slope, intercept = parameters
        logits = slope * margins + intercept
        errors = 1 / (1 + np.exp(-logits)) - labels
        mean = np.mean(np.logaddexp(0, logits) - labels * logits)
        return float(mean), np.array([np.mean(errors * margins), np.mean(errors)])

    bounds = [(_ROUNDING, None), (None, None)]
    slope, intercept = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=bounds).x
    return Calibration(float(slope), float(intercept))


def _measured(
    fitted: tuple[Booster, Calibration],
    target: Target,
    chances: Floats,
    parts: _Parts,
    seed: int,
) -> Learned:
    booster, calibration = fitted
    labels = _labels(parts.held_out, target)
    base_rate = float(_labels(parts.training, target).mean())
    rounds = booster.best_iteration
    gains = booster.feature_importance("gain", iteration=rounds)
    total = float(gains.sum()) or 1.0
    return Learned(
        model=booster.model_to_string(num_iteration=rounds),
        calibration=calibration,
        rounds=rounds,
        base_rate=base_rate,
        log_loss=_gain(
            -log_losses(np.full(len(labels), base_rate), labels),
            -log_losses(chances, labels),
            parts.held_out.users.tolist(),
            seed,
        ),
        auc=area_under_curve(chances, labels),
        calibration_error=calibration_error(chances, labels),
        calibration_luck=calibration_luck(chances, seed),
        importance={
            name: float(gain) / total
            for name, gain in zip(RANKING_FEATURES, gains.tolist(), strict=True)
        },
    )


def log_losses(chances: Floats, labels: NDArray[np.bool_]) -> Floats:
    """Of each play, in nats."""
    kept = np.clip(chances, _ROUNDING, 1 - _ROUNDING)
    return -np.where(labels, np.log(kept), np.log(1 - kept))


def area_under_curve(chances: Floats, labels: NDArray[np.bool_]) -> float:
    """The chance that a play with the label has the higher chance than one without (ROC)."""
    from scipy.stats import rankdata

    positive = int(labels.sum())
    negative = len(labels) - positive
    above = rankdata(chances)[labels].sum() - positive * (positive + 1) / 2
    return float(above / (positive * negative))


def calibration_error(chances: Floats, labels: NDArray[np.bool_]) -> float:
    """How far chances and frequencies lie apart, 0..1: the expected calibration error (Naeini et
    al., AAAI 2015) over `CALIBRATION_GROUPS` groups of equal size."""
    groups = np.array_split(np.argsort(chances, kind="stable"), CALIBRATION_GROUPS)
    apart = [
        abs(chances[group].mean() - labels[group].mean()) * len(group)
        for group in groups
        if len(group)
    ]
    return float(np.sum(apart) / len(labels))


def calibration_luck(chances: Floats, seed: int) -> float:
    """The calibration error that `chances` would show on so many plays if they were true: the mean
    over `LUCK_DRAWS` draws of ends from them."""
    random = np.random.default_rng(seed)
    draws = (random.random(len(chances)) < chances for _ in range(LUCK_DRAWS))
    return float(np.mean([calibration_error(chances, labels) for labels in draws]))


def _against_retrieval(held_out: Examples, value: Floats, seed: int) -> Gain | None:
    retrieved = held_out.features[:, RANKING_FEATURES.index("retrieval_score")]
    is_known = np.isfinite(retrieved)
    sessions = Sessions(held_out.only(is_known), seed)
    if sessions.people < MIN_HELD_OUT:
        return None
    return sessions.gain(retrieved[is_known], value[is_known])


def _ablation(
    parts: _Parts, sessions: Sessions, value: Floats, chances: dict[Target, Floats], seed: int
) -> dict[str, tuple[float, float]]:
    """What is lost without each group of features: NDCG, and log loss (the mean of both)."""

    def loss(found: dict[Target, Floats]) -> float:
        return float(
            np.mean([log_losses(found[one], _labels(parts.held_out, one)) for one in TARGETS])
        )

    lost = {}
    for group, left_out in GROUPS.items():
        names = [name for name in RANKING_FEATURES if name not in left_out]
        columns = [RANKING_FEATURES.index(name) for name in names]
        without: dict[Target, Floats] = {}
        for target in TARGETS:
            booster, calibration = _fit(parts, target, names, seed)
            without[target] = calibration.chances(
                _margins(booster, parts.held_out.features[:, columns])
            )
        other = without["completed"] - without["skipped"]
        ndcg = float(sessions.ndcg(value).mean() - sessions.ndcg(other).mean())
        lost[group] = (ndcg, loss(without) - loss(chances))
    return lost


def _gain(before: Floats, after: Floats, clusters: Sequence[str], seed: int) -> Gain:
    """In the mean of a measure of which more is better."""
    low, high = interval((after - before)[:, None], np.ones(len(before)), clusters, seed)
    old, new = float(before.mean()), float(after.mean())
    return Gain(old, new, new - old, float(low[0]), float(high[0]))
