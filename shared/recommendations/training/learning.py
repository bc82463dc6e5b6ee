"""What is learned from the log and the catalogue, all of it. Pure."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from shared.recommendations.collaborative.blending import BlendWeights
from shared.recommendations.collaborative.choosing import Choice, choose
from shared.recommendations.collaborative.factors import (
    Factorization,
    Factorize,
    Factors,
    factorize,
)
from shared.recommendations.collaborative.neighbours import item_neighbours
from shared.recommendations.content import words
from shared.recommendations.content.features import ContentFeatures, Encoder, content_of
from shared.recommendations.content.model import ContentModel
from shared.recommendations.content.words import Words
from shared.recommendations.items import DIMENSIONS, IS_GRADED, NEIGHBOURS_KEPT, NEIGHBOURS_SHARE
from shared.recommendations.sequence import training as sequence
from shared.recommendations.training.catalogue import Catalogue, TitledList
from shared.recommendations.training.log import Log
from shared.recommendations.training.model import Model

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix

# Fewer people or likes than this say less than what tracks sound like: all vectors come from
# content then, since the two kinds lie in different spaces until one is learned from the other.
LEAST_PEOPLE = 20
LEAST_LIKES = 200
CHOSEN_ON = 50_000  # people, by chance, on whom hyper-parameters are tried: they are everybody's
# What sounds alike is weaker evidence than what people play together: its weights end here, where
# the weights of those begin.
SOUND_WEIGHT_QUANTILE = 0.25
SPACE_TAUGHT = 50_000  # tracks, by chance, from which the space of content alone is made
LIKED, GRADED = "liked", "graded"
_log = logging.getLogger(__name__)


class Quality(BaseModel):
    """How much of a fifth of everybody's likes is found without it, by the model that serves: means
    over people, 0..1; `confidences` says whether graded likes or bare ones found more."""

    model_config = ConfigDict(frozen=True)

    confidences: str
    people: int
    recall_at_20: float
    recall_at_50: float
    ndcg_at_100: float


@dataclass(frozen=True, slots=True)
class Learned:
    """A model, and how well it does (None: there was too little to tell)."""

    model: Model
    quality: Quality | None


def learn(
    catalogue: Catalogue,
    lists: Sequence[TitledList],
    log: Log,
    *,
    now: datetime,
    seed: int,
    engine: Factorize = factorize,
) -> Learned:
    """Learns everything anew: hyper-parameters, vectors, neighbours, words, content, sequences.
    The same input and seed give the same model. The vectors of all are the `engine`'s; raises what
    that raises."""
    ids = [one.track_id for one in catalogue.items]
    row_of = {one: row for row, one in enumerate(ids)}
    interactions = log.interactions(ids)
    likes = interactions.matrix
    evidence = np.bincount(likes.indices, minlength=len(ids)).astype(np.int32)
    content = content_of(catalogue.items, catalogue.features)
    learned_words = _words(lists, log, seed)
    has_enough = likes.shape[0] >= LEAST_PEOPLE and likes.nnz >= LEAST_LIKES
    if has_enough:
        offered = {LIKED: interactions.with_matrix(interactions.liked), GRADED: interactions}
        tried = {name: one.drawn(CHOSEN_ON, seed) for name, one in offered.items()}
        choice = choose(tried, seed=seed)
        _log.info("factorising %d likes of %d people", likes.nnz, likes.shape[0])
        taught = offered[choice.confidences]
        factors = engine(taught, choice.factorization, seed=seed)
        neighbours = item_neighbours(taught, choice.neighbourhood)
        content_model = ContentModel.fit(
            content, factors.items, evidence, words=learned_words, seed=seed
        )
        quality = _quality(choice)
        people = tuple(interactions.user_ids)
        fold_in, share = choice.factorization.params, choice.blend.neighbours
        is_graded = choice.confidences == GRADED
    else:
        _log.warning(
            "%d likes of %d people are too few to learn from (%d of %d are wanted): vectors come "
            "from content alone",
            *(likes.nnz, likes.shape[0], LEAST_LIKES, LEAST_PEOPLE),
        )
        content_model = content_space(content, learned_words, seed=seed)
        factors = Factors(
            np.zeros((0, DIMENSIONS), np.float32), np.zeros((len(ids), DIMENSIONS), np.float32)
        )
        neighbours = _no_neighbours(len(ids))
        quality, people, is_graded = None, (), True
        fold_in, share = Factorization().params, BlendWeights().neighbours
        evidence = np.zeros_like(evidence)
    model = Model(
        trained_at=now,
        track_ids=tuple(ids),
        user_ids=people,
        factors=factors.items,
        people=factors.users,
        evidence=evidence,
        plays=np.array([log.plays[one] for one in ids], np.int64),
        neighbours=neighbours,
        sound_weight=_sound_weight(neighbours[1]),
        fold_in=fold_in,
        content=content_model,
        sequence=sequence.fit(log.sessions_of(row_of), len(ids), seed=seed),
        settings={NEIGHBOURS_SHARE: share, IS_GRADED: float(is_graded)},
    )
    return Learned(model, quality)


def content_space(
    content: Sequence[ContentFeatures], learned_words: Words, *, seed: int
) -> ContentModel:
    """A model whose vectors are the main axes of the content itself, where nobody has taught any
    better (truncated singular value decomposition): what sounds alike lies near, vectors are of
    about unit length."""
    from sklearn.decomposition import TruncatedSVD

    draw = np.random.default_rng(seed).permutation(len(content))[:SPACE_TAUGHT]
    taught = [content[row] for row in np.sort(draw).tolist()]
    if not taught:
        nothing = np.zeros((0, DIMENSIONS), np.float32)
        return ContentModel.fit([], nothing, np.zeros(0), words=learned_words)
    matrix = Encoder.fit(taught, learned_words).matrix(taught)
    axes = min(DIMENSIONS, min(matrix.shape) - 1)
    vectors: Matrix = np.zeros((len(taught), DIMENSIONS), np.float32)
    if axes > 0:
        found = TruncatedSVD(axes, random_state=seed).fit_transform(matrix)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        vectors[:, :axes] = found / np.where(lengths > 1e-9, lengths, 1)
    everybody = np.ones(len(taught), np.float32)
    return ContentModel.fit(taught, vectors, everybody, words=learned_words, seed=seed)


def _words(lists: Sequence[TitledList], log: Log, seed: int) -> Words:
    sentences = [one for each in lists for one in words.titled(each.title, each.track_ids)]
    sentences += [[words.track(one) for one in each.track_ids] for each in sorted(log.sessions)]
    return words.learn(sentences, seed=seed)


def _no_neighbours(count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    shape = (count, NEIGHBOURS_KEPT)
    return np.full(shape, -1, np.int32), np.zeros(shape, np.float32)


def _sound_weight(weights: NDArray[np.float32]) -> float:
    known = weights[weights > 0]
    return float(np.quantile(known, SOUND_WEIGHT_QUANTILE)) if known.size else 1.0


def _quality(choice: Choice) -> Quality:
    both = choice.both
    return Quality(
        confidences=choice.confidences,
        people=both.users,
        recall_at_20=round(both.recall_20, 4),
        recall_at_50=round(both.recall_50, 4),
        ndcg_at_100=round(both.ndcg_100, 4),
    )
