"""In what order candidates are shown. Pure.

First comes how a name answers the query (`Match`), then the weighted score of F177-F181, or where
a learned ranker is in use its score. The weights alone could not keep "the track of exactly that
name" above a far better known one that merely has the words in it: text weighs 0.30, popularity
and freshness together 0.40.

    score = 0.30 text + 0.25 popularity + 0.20 affinity + 0.15 freshness + 0.10 market

- text: BM25F over the fields of the card (Robertson & Zaragoza 2009), k1 = 1.2, where a name
  counts three times and the artists twice, normalised to 0..1 by its largest possible value. A
  word's rarity is left out: all words must be found, so it is the same for all candidates.
- popularity: p / 100; the scale of 0..100 is one of logarithms already, of plays and followers
  (`shared.search.popularity`), and a logarithm of it would tell 60 from 90 by a hundredth.
- affinity: the larger of the asker's weights for the item and for one of its artists.
- freshness: halves with each `FRESHNESS_HALF_LIFE_DAYS`.
- market: 1 where it is released in the asker's market (all that is found is, once a market is
  known), else the part of all markets in which it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from shared.platform.markets import MARKETS
from shared.search.matching import Asked, Match, read
from shared.search.models import Affinity, Candidate, Card, Explanation, Found

WEIGHTS: Mapping[str, float] = {
    "text": 0.30,
    "popularity": 0.25,
    "affinity": 0.20,
    "freshness": 0.15,
    "market": 0.10,
}
# What a learned ranker sees of a result; the first five are the parts of the score.
FEATURES: tuple[str, ...] = (*WEIGHTS, "match", "coverage", "edits", "name_share")
FRESHNESS_HALF_LIFE_DAYS = 365


class Reranker(Protocol):
    """A learned ranker."""

    def scores(self, rows: Sequence[Mapping[str, float]]) -> Sequence[float]:
        """A score for each row of `FEATURES`, higher first."""


def ranked(
    candidates: Iterable[Candidate],
    asked: Asked,
    *,
    market: str | None,
    affinity: Affinity,
    today: date,
    reranker: Reranker | None = None,
) -> list[Found]:
    """`candidates`, best first; equal ones by their key."""
    parts = [
        (one.card, *_read(one.card, asked, market, affinity, today.toordinal()))
        for one in candidates
    ]
    learned: Sequence[float | None] = [None] * len(parts)
    if reranker is not None and parts:
        learned = reranker.scores([features for _, _, features in parts])
    found = [
        Found(card, Explanation(match.name.lower(), _weighted(features), features, by_model))
        for (card, match, features), by_model in zip(parts, learned, strict=True)
    ]
    found.sort(key=_order)
    return found


def _order(found: Found) -> tuple[int, float, bool, int, float, float, str]:
    """Of equal matches what has more of the words goes first, then what is as typed, then what has
    fewer typos: all say more of what was meant than the score, in which a well-known item
    outweighs a typo."""
    why = found.explanation
    match = Match[why.match.upper()]
    learned = 0.0 if why.learned is None else why.learned
    edits = why.parts["edits"]
    doubt = -match, -why.parts["coverage"], edits > 0, int(edits)
    return *doubt, -learned, -why.score, found.card.key


def _weighted(features: Mapping[str, float]) -> float:
    return sum(weight * features[name] for name, weight in WEIGHTS.items())


def _read(
    card: Card, asked: Asked, market: str | None, affinity: Affinity, today: int
) -> tuple[Match, dict[str, float]]:
    reading = read(card, asked)
    return reading.match, {
        "text": reading.text,
        "popularity": card.popularity / 100,
        "affinity": max(
            affinity.items.get(card.key, 0.0),
            max((affinity.artists.get(one, 0.0) for one in card.artist_ids), default=0.0),
        ),
        "freshness": freshness(card.release_day, today),
        "market": _market(card, market),
        "match": float(reading.match),
        "coverage": reading.coverage,
        "edits": reading.edits,
        "name_share": reading.name_share,
    }


def freshness(release_day: int, today: int) -> float:
    """1 on the day of its release and before, 0 where that is unknown."""
    if not release_day:
        return 0.0
    return float(0.5 ** (max(today - release_day, 0) / FRESHNESS_HALF_LIFE_DAYS))


def _market(card: Card, market: str | None) -> float:
    if market or not card.territories:
        return 1.0
    return len(card.territories) / len(MARKETS)
