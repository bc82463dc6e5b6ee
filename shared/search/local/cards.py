"""Cards on disk: what ranking knows of each document, by row.

`cards.bin` is one JSON array after another, `cards.idx` where each begins (and the last ends) as
unsigned 64-bit numbers in little-endian order. Both are memory-mapped: a row that nobody asks for
costs no memory.
"""

from __future__ import annotations

import json
import mmap
import sys
from array import array
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from shared.search.models import Card

RECORDS, OFFSETS = "cards.bin", "cards.idx"
CARDS_KEPT = 10_000  # decoded, of a type; each takes about 2 kB (measured)


def encoded(card: Card) -> bytes:
    """`card` as a record."""
    return json.dumps(
        [
            card.type,
            card.id,
            card.name,
            card.artists,
            card.artist_ids,
            " ".join(card.name_words),
            " ".join(card.core_words),
            " ".join(card.maker_words),
            " ".join(card.other_words),
            card.exact,
            card.popularity,
            card.release_day,
            int(card.explicit),
            " ".join(card.territories),
            " ".join(card.blocked_in),
            card.genres,
            card.recording,
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def decoded(record: bytes) -> Card:
    """The card of a record."""
    # mypy cannot know what a record holds; `encoded` does.
    it: list[Any] = json.loads(record)
    return Card(
        type=it[0],
        id=it[1],
        name=it[2],
        artists=tuple(it[3]),
        artist_ids=tuple(it[4]),
        name_words=tuple(it[5].split()),
        core_words=tuple(it[6].split()),
        maker_words=tuple(it[7].split()),
        other_words=tuple(it[8].split()),
        exact=tuple(it[9]),
        popularity=it[10],
        release_day=it[11],
        explicit=bool(it[12]),
        territories=_markets(it[13]),
        blocked_in=_markets(it[14]),
        genres=tuple(it[15]),
        recording=it[16],
    )


@lru_cache(4_096)
def _markets(text: str) -> tuple[str, ...]:
    """One tuple for all cards of a licence: there are few licences, and some are long."""
    return tuple(text.split())


class CardWriter:
    """Writes the cards of a folder in the order of their rows; complete once it is closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._records = (folder / RECORDS).open("wb")
        self._offsets = array("Q", [0])

    def add(self, card: Card) -> int:
        """Writes the next card; returns its row."""
        self._offsets.append(self._offsets[-1] + self._records.write(encoded(card)))
        return len(self._offsets) - 2

    def close(self) -> None:
        """Writes where each card lies."""
        self._records.close()
        (self._folder / OFFSETS).write_bytes(_little_endian(self._offsets).tobytes())


class Cards(Sequence[Card]):
    """The cards of a folder, read as they are asked for."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError or ValueError for files that are missing or cut off."""
        self._offsets = _little_endian(array("Q", (folder / OFFSETS).read_bytes()))
        if not self._offsets or (folder / RECORDS).stat().st_size != self._offsets[-1]:
            raise ValueError(f"{folder.name}/{RECORDS} is not as long as its offsets say")
        records: mmap.mmap | bytes = b""
        if len(self):  # an empty file cannot be mapped
            with (folder / RECORDS).open("rb") as file:
                records = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # Not of a method: the circle would keep the file mapped until the garbage is collected.
        self._card = lru_cache(CARDS_KEPT)(partial(_card, records, self._offsets))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, row: Any) -> Any:
        return self._card(row)


def _card(records: mmap.mmap | bytes, offsets: array[int], row: int) -> Card:
    return decoded(records[offsets[row] : offsets[row + 1]])


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
