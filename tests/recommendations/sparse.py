"""A made-up catalogue in a long tail: many items, few of which anybody has.

It has what real ones have: tastes of several neighbourhoods, neighbourhoods near to one another,
popularity that falls off as a power of the rank, histories of very different lengths, and noise.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ITEMS, USERS, MEAN_HISTORY = 46_000, 45_000, 26
NEIGHBOURHOODS, REGIONS = 600, 40
ZIPF = 0.9  # an item's weight falls with rank^-ZIPF
FROM_TASTE, FROM_REGION = 0.75, 0.15  # the rest is of what is popular everywhere


def write(path: Path, seed: int, *, items: int = ITEMS, users: int = USERS) -> int:
    """Writes a table `user,item` and returns its rows."""
    pairs = generate(seed, items=items, users=users)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("user", "item"))
        writer.writerows(pairs.tolist())
    return len(pairs)


def generate(seed: int, *, items: int = ITEMS, users: int = USERS) -> NDArray[np.int64]:
    """Distinct (user, item), int64 (pairs, 2)."""
    draw = np.random.default_rng(seed)
    neighbourhoods = max(REGIONS, round(NEIGHBOURHOODS * items / ITEMS))
    weight = np.asarray((1 + draw.permutation(items)) ** -ZIPF, dtype=np.float64)
    of_item = draw.integers(neighbourhoods, size=items)
    of_neighbourhood = draw.integers(REGIONS, size=neighbourhoods)
    everywhere = _Drawn(weight, np.zeros(items, dtype=np.int64), 1)
    by_neighbourhood = _Drawn(weight, of_item, neighbourhoods)
    by_region = _Drawn(weight, of_neighbourhood[of_item], REGIONS)
    lengths = np.maximum(8, draw.lognormal(np.log(MEAN_HISTORY) - 0.4, 0.9, users)).astype(int)
    user = np.repeat(np.arange(users), np.minimum(lengths, items // 10))
    home = draw.integers(REGIONS, size=users)
    tastes = _tastes(draw, home, of_neighbourhood)
    kind, place = draw.random((2, len(user)))
    taste = tastes[user, np.minimum(draw.geometric(0.5, len(user)), tastes.shape[1]) - 1]
    item = np.where(
        kind < FROM_TASTE,
        by_neighbourhood.at(taste, place),
        np.where(
            kind < FROM_TASTE + FROM_REGION,
            by_region.at(home[user], place),
            everywhere.at(np.zeros_like(user), place),
        ),
    )
    return np.unique(np.c_[user, item], axis=0)


def _tastes(
    draw: np.random.Generator, home: NDArray[np.int64], regions: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Four neighbourhoods for each user, the dearest first; most are in their own region."""
    anywhere = draw.integers(len(regions), size=(len(home), 4))
    order = np.argsort(regions, kind="stable")
    starts = np.searchsorted(regions[order], np.arange(REGIONS))
    sizes = np.bincount(regions, minlength=REGIONS)
    near = order[
        np.minimum(
            starts[home, None] + (draw.random((len(home), 4)) * sizes[home, None]).astype(int),
            len(regions) - 1,
        )
    ]
    return np.where(draw.random((len(home), 4)) < 0.7, near, anywhere)


class _Drawn:
    """Items drawn by weight within groups."""

    def __init__(self, weight: NDArray[np.float64], group: NDArray[np.int64], groups: int) -> None:
        self._order = np.argsort(group, kind="stable")
        self._total = np.r_[0, np.cumsum(weight[self._order])]
        self._start = np.searchsorted(group[self._order], np.arange(groups + 1))

    def at(self, group: NDArray[np.int64], place: NDArray[np.float64]) -> NDArray[np.int64]:
        low, high = self._total[self._start[group]], self._total[self._start[group + 1]]
        found = np.searchsorted(self._total, low + place * (high - low), side="right") - 1
        return np.asarray(self._order[np.minimum(found, len(self._order) - 1)])
