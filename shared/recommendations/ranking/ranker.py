"""The order in which candidates come before the rules: the second stage of serving (F195)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared.recommendations.items import Item, Scored, Taste
from shared.recommendations.ranking.chances import Chances
from shared.recommendations.ranking.features import (
    MISSING,
    Affinity,
    ItemOf,
    Met,
    Shown,
    matrix,
    unplayed,
)
from shared.recommendations.ranking.scores import guessed, relevance
from shared.signals.features import Pairs, user_features
from shared.signals.models import Signal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Context:
    """When and of what a list is made: `signals` are those that the taste was drawn from,
    `item_of` tells what is known of the tracks that are liked (`features.items_of(bundle)`)."""

    now_ms: int
    item_of: ItemOf
    signals: Sequence[Signal] = field(default=())


class Ranker:
    """Orders by the learned chances, or without any by a guess."""

    def __init__(self, chances: Chances | None = None) -> None:
        self._chances = chances

    @property
    def version(self) -> str | None:
        """Which chances; None: a guess."""
        return self._chances.version if self._chances else None

    def order(
        self,
        taste: Taste,
        candidates: Sequence[Scored],
        context: Context,
        tracks: Mapping[str, Mapping[str, float]],
    ) -> list[Scored]:
        """The candidates, best first, with the scores of `scores`. `tracks` are `TRACK_FEATURES` by
        track id; one that is not in it counts as never played. Nothing that is wrong with a model
        fails a list: then the guess holds."""
        if not candidates:
            return []
        import numpy as np

        features = features_of(taste, candidates, context, tracks)
        scores = relevance(np.array([one.score for one in candidates])) + self._values(features)
        order = np.argsort(-scores, kind="stable").tolist()
        found = scores.tolist()
        return [replace(candidates[at], score=found[at]) for at in order]

    def _values(self, features: Floats) -> Floats:
        import numpy as np

        if self._chances is not None:
            try:
                values = self._chances.values(features)
                if np.isfinite(values).all():
                    return values
                _log.error("the ranker %s gives no numbers; it is passed over", self.version)
            except Exception:
                _log.exception("the ranker %s fails; it is passed over", self.version)
        return guessed(features)


def features_of(
    taste: Taste,
    candidates: Sequence[Scored],
    context: Context,
    tracks: Mapping[str, Mapping[str, float]],
) -> Floats:
    """`RANKING_FEATURES` (candidates by features) for a list that is being made: whatever is
    listed is recommended, and each track as if it came first."""
    pairs = Pairs(context.signals, context.now_ms)
    known = set(pairs.tracks())
    named = {one.subject_uri.rpartition(":")[2] for one in context.signals if one.subject_uri}
    others: dict[frozenset[str], Mapping[str, float]] = {}  # alike for all of artists as known
    never_played = unplayed()

    def pair_of(item: Item) -> Mapping[str, float]:
        if item.track_id in known:
            return pairs.features(item.track_id, item.artist_ids)
        artists = frozenset(named.intersection(item.artist_ids))
        if artists not in others:
            others[artists] = pairs.features(item.track_id, item.artist_ids)
        return others[artists]

    return matrix(
        [
            Met(
                Shown(MISSING if one.retrieved is None else one.retrieved, one.source, 0),
                one.item,
                tracks.get(one.item.track_id, never_played),
                pair_of(one.item),
            )
            for one in candidates
        ],
        affinity=Affinity.of(taste.confidences, context.item_of),
        user=taste.features or user_features(context.signals, context.now_ms),
        now_ms=context.now_ms,
        is_recommended=True,
    )
