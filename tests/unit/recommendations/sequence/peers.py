"""What the sequence model has to beat: the session baselines of the field, on the same questions.

Each gives scores (questions, n_items) as a sparse matrix, 0 where it says nothing. Those with
parameters are tuned as the model is, on the newest fifth of the training part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy.sparse import csr_array, diags_array

from shared.recommendations.sequence.choosing import Questions, measured, newest
from shared.recommendations.sequence.counting import WINDOW

Sessions = Sequence[Sequence[int]]
Scorer = Callable[[Questions], csr_array]
Peer = Callable[[Sessions, int], Scorer]


def popularity(train: Sessions, n: int) -> Scorer:
    """What stands most often."""
    counts = np.bincount(np.concatenate([np.asarray(one) for one in train]), minlength=n)
    best = np.argsort(-counts, kind="stable")[: WINDOW + 20]  # twenty besides a session's own
    row = csr_array((counts[best].astype(np.float64), (np.zeros(len(best), int), best)), (1, n))
    return lambda questions: csr_array(np.ones((len(questions.answers), 1))) @ row


def markov(train: Sessions, n: int) -> Scorer:
    """What came next most often after the last one: a first-order Markov chain."""
    return _after_last(_pairs(train, n, steps=1))


def sequential_rules(train: Sessions, n: int) -> Scorer:
    """What came within ten steps after the last one, by 1 / distance (Ludewig & Jannach 2018)."""
    return _after_last(_pairs(train, n, steps=10))


def vector_knn(nearest: int, decay: str, *, cosine: bool, rarity: bool) -> Peer:
    """V-SKNN (Ludewig & Jannach 2018): what stands in the `nearest` sessions of training that share
    most with this one, newer tracks of it counting for more."""

    def peer(train: Sessions, n: int) -> Scorer:
        lengths = [len(one) for one in train]
        rows = np.repeat(np.arange(len(train)), lengths)
        held = csr_array((np.ones(len(rows)), (rows, np.concatenate(train))), (len(train), n))
        held.data[:] = 1
        sizes = np.diff(held.indptr)
        by_size = diags_array(np.maximum(sizes, 1) ** -0.5) @ held if cosine else held
        frequency = np.asarray(held.sum(axis=0)).ravel()
        idf = np.log(len(train) / np.maximum(frequency, 1)) if rarity else np.ones(n)
        across, scaled = by_size.T.tocsr(), (held @ diags_array(idf)).tocsr()

        def score(questions: Questions) -> csr_array:
            asked = questions.matrix(np.ones(WINDOW, np.float32), n)
            starts = asked.indptr
            values = []
            for one in questions.beginnings:
                place = np.arange(1, len(one) + 1) / len(one)
                values.append(place if decay == "linear" else place**2)
            built = np.repeat(np.arange(len(starts) - 1), [len(v) for v in values])
            columns = np.concatenate(questions.beginnings)
            query = csr_array((np.concatenate(values), (built, columns)), asked.shape)
            similar = (query @ across).tocsr()
            for start, stop in zip(similar.indptr[:-1], similar.indptr[1:], strict=True):
                part = similar.data[start:stop]
                if len(part) > nearest:
                    part[part < np.partition(part, -nearest)[-nearest]] = 0
            similar.eliminate_zeros()
            return csr_array(similar @ scaled)

        return score

    return peer


def tuned_vector_knn(train: Sessions, n: int) -> Scorer:
    """V-SKNN as it does best on the newest fifth of `train`."""
    options = [
        vector_knn(nearest, decay, cosine=cosine, rarity=rarity)
        for nearest in (50, 150)
        for decay in ("linear", "quadratic")
        for cosine in (False, True)
        for rarity in (False, True)
    ]
    return _tuned(options, train, n)(train, n)


def item2vec(train: Sessions, n: int) -> Scorer:
    """Word2Vec over sessions (Barkan & Koenigstein 2016), by the cosine to the mean of the last
    five; tuned over the exponent of negative sampling, which matters most (Caselles-Dupre et al.
    2018)."""
    return _tuned([_item2vec(exponent) for exponent in (-0.5, 0.5, 0.75)], train, n)(train, n)


def slist(train: Sessions, n: int) -> Scorer:
    """SLIST (Choi et al. 2021), dense and in closed form: n^3 operations and 3 n^2 floats."""
    return _tuned(
        [_slist(alpha, ridge, age) for alpha in (0.5, 0.8) for ridge in (50.0, 200.0)
         for age in (2.0, 20.0)],
        train, n,
    )(train, n)  # fmt: skip


PEERS: dict[str, Peer] = {
    "popularity": popularity,
    "Markov chain, first order": markov,
    "sequential rules": sequential_rules,
    "item2vec": item2vec,
    "V-SKNN": tuned_vector_knn,
}
SLOW: dict[str, Peer] = {"SLIST, dense": slist}


def _tuned(options: Iterable[Peer], train: Sessions, n: int) -> Peer:
    before, after = newest(train, 0.2)
    questions = Questions.of(after, 1_500, seed=0)
    return max(options, key=lambda one: measured(one(before, n)(questions), questions).both)


def _pairs(train: Sessions, n: int, steps: int) -> csr_array:
    tracks = np.concatenate([np.asarray(one) for one in train])
    of = np.repeat(np.arange(len(train)), [len(one) for one in train])
    total = csr_array((n, n))
    for step in range(1, steps + 1):
        rows = np.flatnonzero(of[step:] == of[:-step])
        values = np.full(len(rows), 1 / step)
        total += csr_array((values, (tracks[rows], tracks[rows + step])), (n, n))
    return total


def _after_last(successors: csr_array) -> Scorer:
    last_alone = np.zeros(WINDOW, np.float32)
    last_alone[0] = 1

    def score(questions: Questions) -> csr_array:
        return csr_array(questions.matrix(last_alone, successors.shape[0]) @ successors)

    return score


def _item2vec(exponent: float) -> Peer:
    def peer(train: Sessions, n: int) -> Scorer:
        import gensim

        words = [[str(item) for item in one] for one in train]
        model = gensim.models.Word2Vec(
            words, vector_size=64, window=5, min_count=1, sg=1, negative=10, workers=1, seed=1,
            epochs=15, ns_exponent=exponent,
        )  # fmt: skip
        vectors = np.zeros((n, 64), np.float32)
        for item in range(n):
            if str(item) in model.wv:
                vectors[item] = model.wv.get_vector(str(item), norm=True)

        def score(questions: Questions) -> csr_array:
            means = np.stack([vectors[one[-5:]].mean(axis=0) for one in questions.beginnings])
            return _best(means @ vectors.T + 1, questions)  # above 0, which says nothing

        return score

    return peer


def _slist(alpha: float, ridge: float, age: float) -> Peer:
    def peer(train: Sessions, n: int) -> Scorer:
        rows = np.repeat(np.arange(len(train)), [len(one) for one in train])
        whole = csr_array((np.ones(len(rows)), (rows, np.concatenate(train))), (len(train), n))
        whole.data[:] = 1
        past, future = _parts(train, n)
        same = (whole.T @ whole).toarray()
        gram = alpha * same + (1 - alpha) * (past.T @ past).toarray()
        target = alpha * same + (1 - alpha) * (past.T @ future).toarray()
        inverse = np.linalg.inv(gram + ridge * np.eye(n))
        weights = inverse @ target
        weights -= inverse * (np.maximum(np.diag(weights), 0) / np.diag(inverse))
        ages = np.exp(-np.arange(WINDOW) / age).astype(np.float32)

        def score(questions: Questions) -> csr_array:
            return _best(questions.matrix(ages, n) @ weights, questions)

        return score

    return peer


def _parts(train: Sessions, n: int, decay: float = 5.0) -> tuple[csr_array, csr_array]:
    """Every session cut at every place: what was before, and what came, near to the cut more."""
    sides: tuple[list[list[np.ndarray]], list[list[np.ndarray]]] = ([[], [], []], [[], [], []])
    number = 0
    for one in train:
        items = np.asarray(one)
        for cut in range(1, len(items)):
            halves = (items[:cut][::-1][:20], items[cut:][:20])
            for side, half in zip(sides, halves, strict=True):
                side[0].append(np.exp(-np.arange(len(half)) / decay))
                side[1].append(np.full(len(half), number))
                side[2].append(half)
            number += 1
    past, future = (
        csr_array(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (number, n)
        )
        for values, rows, columns in sides
    )
    return past, future


def _best(scores: np.ndarray, questions: Questions, count: int = 20) -> csr_array:
    """The `count` best of each row besides the session's own, as a sparse matrix."""
    for row, one in enumerate(questions.beginnings):
        scores[row, one] = -np.inf
    columns = np.argpartition(-scores, count, axis=1)[:, :count]
    values = np.take_along_axis(scores, columns, axis=1)
    values = np.where(np.isfinite(values) & (values > 0), values, 0)
    rows = np.repeat(np.arange(len(scores)), count)
    return csr_array((values.ravel(), (rows, columns.ravel())), scores.shape)
