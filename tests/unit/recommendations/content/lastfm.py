"""A cold start on real data: artists of lastfm-2k whom nobody has heard, known by their tags.

A tenth of the artists who have tags is taken out of the listening altogether. Factors are learned
from what is left, then the vectors of the others are predicted from their tags, and each person's
unheard artists are ranked. The tags of an artist are those that two people gave it, or the first
one; Word2Vec learns from people's taggings of the other artists ("titled lists": a person's tag and
what they gave it to) and never sees those who were taken out.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from shared.recommendations.collaborative.factors import Factorization, factorize
from shared.recommendations.collaborative.interactions import Interactions
from shared.recommendations.content import words
from shared.recommendations.content.features import ContentFeatures
from shared.recommendations.content.words import Words

DATA = Path(__file__).resolve().parents[5] / "shared/data/lastfm-2k"
HELD_OUT = 0.1
MAX_TAGS = 20


@dataclass(frozen=True)
class Split:
    """`heard` and `told` (people, artists) binary: listening and tagging; `relevant` (people,
    artists held out) what is to be found; `is_cold` (artists,) who is held out; `people` and
    `items` were learned without those (their rows are zeros); `features` of every artist."""

    heard: sparse.csr_matrix
    told: sparse.csr_matrix
    relevant: sparse.csr_matrix
    is_cold: NDArray[np.bool_]
    people: NDArray[np.float32]
    items: NDArray[np.float32]
    listeners: NDArray[np.int64]  # of each artist, in what was learned from
    features: list[ContentFeatures]
    words: Words


def _rows(name: str) -> list[list[int]]:
    with (DATA / name).open(encoding="utf-8", errors="replace", newline="") as file:
        lines = csv.reader(file, delimiter="\t")
        next(lines)
        return [[int(value) for value in line[:3]] for line in lines]


def _tags() -> dict[int, str]:
    with (DATA / "tags.dat").open(encoding="latin-1") as file:
        next(file)
        return {int(key): value.strip() for key, value in (line.split("\t", 1) for line in file)}


@cache
def split(seed: int) -> Split:
    """The data, split by `seed`."""
    plays = _rows("user_artists.dat")
    people = {one: n for n, one in enumerate(sorted({row[0] for row in plays}))}
    artists = {one: n for n, one in enumerate(sorted({row[1] for row in plays}))}
    heard = sparse.csr_matrix(
        (
            np.ones(len(plays), np.float32),
            ([people[row[0]] for row in plays], [artists[row[1]] for row in plays]),
        ),
        shape=(len(people), len(artists)),
    )
    names = _tags()
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    lists: dict[tuple[int, int], list[int]] = defaultdict(list)
    for person, artist, tag in _rows("user_taggedartists.dat"):
        if artist in artists and tag in names:
            counts[artists[artist]][names[tag]] += 1
            lists[person, tag].append(artists[artist])
    told = sparse.csr_matrix(heard.shape, dtype=np.float32).tolil()
    for (person, _), group in lists.items():
        if person in people:
            told[people[person], group] = 1
    random = np.random.default_rng(seed)
    tagged = np.array(sorted(counts))
    cold = random.choice(tagged, round(HELD_OUT * len(artists)), replace=False)
    is_cold = np.zeros(len(artists), bool)
    is_cold[cold] = True
    learned = heard.multiply(~is_cold[None, :]).tocsr()
    learned.eliminate_zeros()
    model_people, model_items = factors(learned, seed)
    sentences = [
        sentence
        for (_, tag), group in lists.items()
        for sentence in words.titled(names[tag], [str(one) for one in group if not is_cold[one]])
    ]
    tagged_by = told.tocsr()
    relevant = without(heard, tagged_by)[:, is_cold]
    return Split(
        heard,
        tagged_by,
        relevant,
        is_cold,
        model_people,
        model_items,
        np.asarray(learned.sum(axis=0)).ravel().astype(np.int64),
        [ContentFeatures(str(n), genres=_said(counts[n])) for n in range(len(artists))],
        words.learn(sentences, seed=seed),
    )


def without(pairs: sparse.csr_matrix, others: sparse.csr_matrix) -> sparse.csr_matrix:
    """The pairs (people, artists) that are not among `others`; both binary."""
    left = (pairs - pairs.multiply(others)).tocsr()
    left.eliminate_zeros()
    return left


def _said(counts: Counter[str]) -> tuple[str, ...]:
    often = [tag for tag, count in counts.most_common(MAX_TAGS) if count > 1]
    return tuple(often or [tag for tag, _ in counts.most_common(1)])


def factors(heard: sparse.csr_matrix, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors of people and artists as training makes them; zeros for artists without listeners."""
    names = [str(n) for n in range(max(heard.shape))]
    interactions = Interactions(
        names[: heard.shape[0]], names[: heard.shape[1]], heard.sorted_indices()
    )
    made = factorize(interactions, Factorization(iterations=8), seed=seed)
    items = np.array(made.items)
    items[np.asarray(heard.sum(axis=0)).ravel() == 0] = 0
    return np.array(made.users), items


def recall(scores: NDArray[Any], relevant: sparse.csr_matrix, count: int = 50) -> float:
    """Mean Recall@`count` over the people who have anything relevant; `scores` and `relevant` are
    (people, artists)."""
    have = np.flatnonzero(np.diff(relevant.indptr))
    best = np.argpartition(-scores[have], count, axis=1)[:, :count]
    found = [
        np.isin(best[row], relevant.indices[relevant.indptr[n] : relevant.indptr[n + 1]]).sum()
        / min(count, relevant.indptr[n + 1] - relevant.indptr[n])
        for row, n in enumerate(have)
    ]
    return float(np.mean(found))
