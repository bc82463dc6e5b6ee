"""A bundle's parts from the last training and what is new since. Pure.

A track that was trained keeps its vector until the next training. One that people have come to like
since is solved for against their vectors (people are solved for first, against the trained tracks);
what it sounds like and is called gives each track a second vector, and the two are blended by how
many people the first is known from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from shared.recommendations.collaborative.folding import fold_in_many
from shared.recommendations.content.blending import blended
from shared.recommendations.content.features import content_of
from shared.recommendations.index.building import Parts
from shared.recommendations.items import DIMENSIONS, NEIGHBOURS_KEPT, FoldIn
from shared.recommendations.training.alike import alike
from shared.recommendations.training.catalogue import Catalogue
from shared.recommendations.training.log import Log
from shared.recommendations.training.model import Model

if TYPE_CHECKING:
    from shared.recommendations.items import Matrix

QUERIES = 512  # people on whose vectors the index is tuned
SOUND_NEIGHBOURS = 30  # of a track that nobody has played, by their vectors


@dataclass(frozen=True, slots=True)
class Assembled:
    """The parts, and where vectors came from: so many tracks each. `new` are the rows of which the
    training does not say all: the track, or those who like it, came after it."""

    parts: Parts
    new: NDArray[np.int64]
    from_people: int
    from_content: int
    without_vector: int


def assemble(model: Model, catalogue: Catalogue, log: Log, *, now: datetime) -> Assembled:
    """The parts of a bundle over `catalogue`; `log` is what happened since the training."""
    plays = dict(zip(model.track_ids, model.plays.tolist(), strict=True))
    items = [
        replace(one, plays=plays.get(one.track_id, 0) + log.plays[one.track_id])
        for one in catalogue.items
    ]
    ids = [one.track_id for one in items]
    trained = _rows_in(model.track_ids, ids)
    is_trained = trained >= 0
    factors = np.zeros((len(ids), DIMENSIONS), np.float32)
    evidence = np.zeros(len(ids), np.int32)
    factors[is_trained] = model.factors[trained[is_trained]]
    evidence[is_trained] = model.evidence[trained[is_trained]]
    is_new = ~is_trained
    is_new[_fold_in_new(model, ids, factors, evidence, log)] = True
    content = model.content.vectors(content_of(items, catalogue.features))
    vectors = blended(factors, content, evidence)
    neighbours = _neighbours(model, np.where(is_new, -1, trained), trained, vectors)
    rows = np.random.default_rng(0).permutation(len(model.people))[:QUERIES]
    parts = Parts(
        items=items,
        vectors=vectors,
        neighbours=neighbours,
        fold_in=model.fold_in,
        sequence=_sequence(model, ids, trained),
        built_at=now,
        queries=model.people[np.sort(rows)] if len(rows) else None,
        settings=model.settings,
    )
    is_zero = ~vectors.any(axis=1)
    is_known = evidence > 0
    return Assembled(
        parts,
        np.flatnonzero(is_new),
        from_people=int((is_known & ~is_zero).sum()),
        from_content=int((~is_known & ~is_zero).sum()),
        without_vector=int(is_zero.sum()),
    )


def _rows_in(known: tuple[str, ...], wanted: list[str]) -> NDArray[np.int64]:
    """The row of each of `wanted` in `known`, -1 where it is none of them."""
    row_of = {one: row for row, one in enumerate(known)}
    return np.array([row_of.get(one, -1) for one in wanted], np.int64).reshape(len(wanted))


def _fold_in_new(
    model: Model, ids: list[str], factors: Matrix, evidence: NDArray[np.int32], log: Log
) -> NDArray[np.int64]:
    """Solves for the tracks that people have come to like since the training, in place; their
    rows."""
    interactions = log.interactions(ids)
    liked = interactions.matrix
    is_new = (evidence == 0) & (np.bincount(liked.indices, minlength=len(ids)) > 0)
    columns = np.flatnonzero(is_new)
    if not len(columns) or not len(model.people):
        return columns[:0]
    row_of = {one: row for row, one in enumerate(model.user_ids)}
    known = [row_of.get(one, -1) for one in interactions.user_ids]
    people = _solved(factors, liked, model.fold_in)
    has_trained = np.array([row >= 0 for row in known])
    people[has_trained] = model.people[[row for row in known if row >= 0]]
    # Whoever did nothing since says something, too: that they do not know the new tracks.
    silent = np.setdiff1d(np.arange(len(model.people)), known)
    everybody = np.vstack([people, model.people[silent]])
    by_track = sparse.csr_matrix(liked[:, columns].T)
    factors[columns] = _solved(everybody, by_track, model.fold_in)
    evidence[columns] = np.diff(by_track.indptr)
    return columns


def _solved(fixed: Matrix, observed: sparse.csr_matrix, params: FoldIn) -> Matrix:
    return fold_in_many(
        fixed, fixed.T @ fixed, params, observed.indptr, observed.indices, observed.data
    )


def _neighbours(
    model: Model, keeps: NDArray[np.int64], trained: NDArray[np.int64], vectors: Matrix
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The trained neighbours by the rows of now, for tracks that have a row in `keeps`; and for
    those without any whose vectors point where theirs do."""
    count = len(vectors)
    indices = np.full((count, NEIGHBOURS_KEPT), -1, np.int32)
    weights = np.zeros((count, NEIGHBOURS_KEPT), np.float32)
    row_now = np.full(len(model.track_ids) + 1, -1, np.int32)  # the last one stands for -1
    row_now[trained[trained >= 0]] = np.flatnonzero(trained >= 0)
    old_indices, old_weights = model.neighbours
    width = old_indices.shape[1]
    kept_rows = np.flatnonzero(keeps >= 0)
    moved = row_now[old_indices[keeps[kept_rows]]]
    # Tracks that are gone leave gaps, which close: the rest keep their order.
    order = np.argsort(moved < 0, axis=1, kind="stable")
    moved = np.take_along_axis(moved, order, axis=1)
    kept = np.take_along_axis(old_weights[keeps[kept_rows]], order, axis=1)
    indices[kept_rows, :width] = moved
    weights[kept_rows, :width] = np.where(moved >= 0, kept, 0)

    lonely = np.flatnonzero((indices[:, 0] < 0) & vectors.any(axis=1))
    near, cosines = alike(vectors, lonely, SOUND_NEIGHBOURS)
    indices[lonely, : near.shape[1]] = near
    weights[lonely, : near.shape[1]] = cosines * np.float32(model.sound_weight)
    return indices, weights


def _sequence(
    model: Model, ids: list[str], trained: NDArray[np.int64]
) -> dict[str, NDArray[np.generic]] | None:
    """The successors by the rows of now."""
    if model.sequence is None:
        return None
    indptr, indices = model.sequence["indptr"], model.sequence["indices"]
    weights = model.sequence["weights"]
    row_now = np.full(len(model.track_ids), -1, np.int32)
    row_now[trained[trained >= 0]] = np.flatnonzero(trained >= 0)
    before = np.repeat(np.arange(len(model.track_ids)), np.diff(indptr))
    first, then = row_now[before], row_now[indices]
    stays = (first >= 0) & (then >= 0)
    order = np.argsort(first[stays], kind="stable")
    counts = np.bincount(first[stays], minlength=len(ids))
    return {
        **model.sequence,
        "indptr": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        "indices": then[stays][order].astype(np.int32),
        "weights": weights[stays][order],
    }
