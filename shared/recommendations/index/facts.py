"""What a bundle knows of each track, read row by row.

Columns of one row lie together, so that an item is one look at one page; strings lie in a table in
which each stands once, and so do the lists of them (artists, genres, markets), which many tracks
share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.recommendations.index.arrays import Keys, Lists, Strings, mapped, save
from shared.recommendations.items import Item

ITEMS_KEPT = 20_000  # decoded; each takes about 1 kB
LISTS_KEPT = 50_000
EVERYWHERE = -1  # in place of a list of markets

_ROW = np.dtype(
    [
        ("track_id", "<u4"),  # numbers of strings ...
        ("name", "<u4"),
        ("artist_ids", "<u4"),  # ... and of lists of them
        ("artist_names", "<u4"),
        ("album_id", "<u4"),
        ("genres", "<u4"),
        ("recording", "<u4"),
        ("duration_ms", "<i8"),
        ("released_on", "<i4"),
        ("popularity", "<i4"),
        ("plays", "<i8"),
        ("is_explicit", "?"),
        ("markets", "<i4"),
        ("blocked_in", "<u4"),
    ]
)


class Facts:
    """The items of a bundle, by row."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError or ValueError for files that are missing or cut off."""
        strings, lists, rows = Strings(folder, "strings"), Lists(folder, "lists"), _rows(folder)
        self._rows = rows
        self._keys = Keys(folder, "tracks", lambda row: strings[rows[row]["track_id"]])
        # Not of methods: the circle would keep the files mapped until the garbage is collected.
        texts = lru_cache(LISTS_KEPT)(partial(_texts, strings, lists))
        sets = lru_cache(LISTS_KEPT)(lambda number: frozenset(texts(number)))
        self._item = lru_cache(ITEMS_KEPT)(partial(_item, rows, strings, texts, sets))
        self._texts = texts

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Item:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} is not in this bundle of {len(self)}")
        return self._item(row)

    def row_of(self, track_id: str) -> int | None:
        """The row of a track, None where it is unknown."""
        return self._keys.find(track_id)

    def markets(self, number: int) -> tuple[str, ...] | None:
        """The list `number` of markets, None for everywhere."""
        return None if number == EVERYWHERE else self._texts(number)

    @staticmethod
    def save(folder: Path, items: Sequence[Item]) -> NDArray[Any]:
        """Writes `items` by row; returns what numbers can say of them, an array of `_ROW`. Raises
        ValueError for a track that occurs twice."""
        strings: dict[str, int] = {}
        lists: dict[tuple[int, ...], int] = {}

        def string(text: str) -> int:
            return strings.setdefault(text, len(strings))

        def listed(texts: Iterable[str]) -> int:
            return lists.setdefault(tuple(string(one) for one in texts), len(lists))

        rows = np.empty(len(items), _ROW)
        for row, item in enumerate(items):
            rows[row] = (
                string(item.track_id),
                string(item.name),
                listed(item.artist_ids),
                listed(item.artist_names),
                string(item.album_id),
                listed(item.genres),
                string(item.recording),
                item.duration_ms,
                item.released_on,
                item.popularity,
                item.plays,
                item.is_explicit,
                EVERYWHERE if item.markets is None else listed(sorted(item.markets)),
                listed(sorted(item.blocked_in)),
            )
        save(folder, "facts", rows)
        Strings.save(folder, "strings", strings)
        numbers = [number for one in lists for number in one]
        Lists.save(folder, "lists", [len(one) for one in lists], numbers, np.uint32)
        Keys.save(folder, "tracks", [item.track_id for item in items])
        return rows


def _rows(folder: Path) -> NDArray[Any]:
    rows = mapped(folder, "facts")
    if rows.dtype != _ROW:
        raise ValueError(f"facts.npy has rows of {rows.dtype}, expected were {_ROW}")
    return rows


def _texts(strings: Strings, lists: Lists, number: int) -> tuple[str, ...]:
    return tuple(strings[one] for one in lists[number].tolist())


def _item(rows: NDArray[Any], strings: Strings, texts: Any, sets: Any, row: int) -> Item:
    (
        track_id,
        name,
        artist_ids,
        artist_names,
        album_id,
        genres,
        recording,
        duration_ms,
        released_on,
        popularity,
        plays,
        is_explicit,
        markets,
        blocked_in,
    ) = rows[row].item()
    return Item(
        track_id=strings[track_id],
        name=strings[name],
        artist_ids=texts(artist_ids),
        artist_names=texts(artist_names),
        album_id=strings[album_id],
        genres=texts(genres),
        recording=strings[recording],
        duration_ms=duration_ms,
        released_on=released_on,
        popularity=popularity,
        plays=plays,
        is_explicit=is_explicit,
        markets=None if markets == EVERYWHERE else sets(markets),
        blocked_in=sets(blocked_in),
    )
