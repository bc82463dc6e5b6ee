"""Rows by what they have in common (posting lists), and in the orders in which they are asked for.

Rows come as views of the mapped files, which are sequences of numbers without a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.recommendations.index.arrays import Keys, Lists, Strings, mapped, save
from shared.recommendations.index.facts import Facts

_AT_ONCE = 4_096  # rows that are looked through together
_MARKETS_KEPT = 256  # there are 249 countries
_DAYS = (np.iinfo(np.int32).min, np.iinfo(np.int32).max)
BLOCKED_EVERYWHERE = "*"


class Postings:
    """Rows by a key: an artist, a genre, an album."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises OSError or ValueError for files that are missing or cut off."""
        self.keys = Strings(folder, f"{name}.names")
        self._numbers = Keys(folder, name, self.keys.__getitem__)
        self._rows = Lists(folder, f"{name}.rows")
        if len(self.keys) != len(self._rows):
            raise ValueError(f"{name}.rows and {name}.names are not of the same keys")

    def number_of(self, key: str) -> int | None:
        """The number of a key."""
        return self._numbers.find(key)

    def __getitem__(self, key: str) -> Sequence[int]:
        number = self._numbers.find(key)
        return () if number is None else self._rows[number].data

    @staticmethod
    def save(folder: Path, name: str, postings: Mapping[str, Sequence[int]]) -> None:
        """Writes the rows of each key."""
        Strings.save(folder, f"{name}.names", postings)
        Keys.save(folder, name, list(postings))
        rows = [row for some in postings.values() for row in some]
        Lists.save(folder, f"{name}.rows", [len(one) for one in postings.values()], rows, np.int32)


class Popular:
    """All rows by how often they were played, and where they may be."""

    def __init__(self, folder: Path, facts: Facts) -> None:
        """Raises OSError or ValueError for files that are missing or cut off."""
        self._order = mapped(folder, "popular")
        self._licences = mapped(folder, "popular.licences")  # of each row in that order
        kinds = [
            (facts.markets(markets), facts.markets(blocked) or ())
            for markets, blocked in mapped(folder, "licences").tolist()
        ]
        if not len(self._order) == len(self._licences) == len(facts):
            raise ValueError(
                "popular.npy and popular.licences.npy are not of as many rows as facts"
            )
        self._allowed = lru_cache(_MARKETS_KEPT)(partial(_allowed, kinds))

    def rows(self, market: str | None, count: int) -> list[int]:
        """The first `count` rows that may be played in `market` (None: that may be played
        anywhere)."""
        allowed = self._allowed(market)
        found: list[int] = []
        for start in range(0, len(self._order), _AT_ONCE):
            if len(found) >= count:
                break
            some = slice(start, start + _AT_ONCE)
            found += self._order[some][allowed[self._licences[some]]].tolist()
        return found[: max(count, 0)]

    @staticmethod
    def save(folder: Path, rows: NDArray[Any]) -> None:
        """Writes the order of `rows`, as `Facts.save` returns them."""
        order = np.lexsort((np.arange(len(rows)), -rows["popularity"], -rows["plays"]))
        pairs = np.stack([rows["markets"].astype(np.int64), rows["blocked_in"]], axis=1)
        kinds, numbers = np.unique(pairs, axis=0, return_inverse=True)
        save(folder, "popular", order, np.int32)
        save(folder, "popular.licences", numbers.reshape(-1)[order], np.int32)
        save(folder, "licences", kinds, np.int64)


class Released:
    """Rows by the day of their release, the newest first, without those of no known day."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError or ValueError for files that are missing or cut off."""
        self._rows = mapped(folder, "released")
        self._ages = mapped(folder, "released.ages")  # minus the day, so that they ascend
        if len(self._rows) != len(self._ages):
            raise ValueError("released.npy and released.ages.npy are not of the same rows")

    def since(self, day: int) -> Sequence[int]:
        """Rows of `day` (days since 1970) or later; of one day the most popular first."""
        age = np.int32(np.clip(-day, *_DAYS))  # of another type the whole array would be converted
        return self._rows[: np.searchsorted(self._ages, age, side="right")].data

    @staticmethod
    def save(folder: Path, rows: NDArray[Any]) -> None:
        """Writes the order of `rows`, as `Facts.save` returns them."""
        numbers = np.flatnonzero(rows["released_on"])
        known = rows[numbers]
        order = np.lexsort((numbers, -known["plays"], -known["popularity"], -known["released_on"]))
        save(folder, "released", numbers[order], np.int32)
        save(folder, "released.ages", -known["released_on"][order], np.int32)


def grouped(
    keys_of: Iterable[Iterable[str]], order: Iterable[int] | None = None
) -> dict[str, list[int]]:
    """The rows of each key that is not empty, in `order` (default: as they are numbered)."""
    keys = list(keys_of)
    found: dict[str, list[int]] = {}
    for row in range(len(keys)) if order is None else order:
        for key in dict.fromkeys(keys[row]):
            if key:
                found.setdefault(key, []).append(row)
    return found


def _allowed(
    kinds: Sequence[tuple[tuple[str, ...] | None, tuple[str, ...]]], market: str | None
) -> NDArray[np.bool_]:
    def is_allowed(markets: tuple[str, ...] | None, blocked: tuple[str, ...]) -> bool:
        if BLOCKED_EVERYWHERE in blocked:
            return False
        if market is None:
            return markets is None or bool(markets)
        return (markets is None or market in markets) and market not in blocked

    return np.array([is_allowed(*one) for one in kinds], np.bool_)
